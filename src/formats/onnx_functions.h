// A model's own functions put in place of the nodes that call them, until none is left.
#pragma once

#include "formats/onnx_model.h"

namespace lathe::onnx {

/// Calls in the graph, in subgraphs and in functions are replaced by the functions' nodes, which keep their
/// own opset (Node::opset) and offset. What a body names gets the call's name in front ("<call>/<name>").
/// Attributes with ref_attr_name get the call's value or the default, and are left out where there is
/// neither. The result has no functions. Throws Error(invalid_file) for calls that do not fit,
/// Error(resource_limit) for too much of anything.
Model expand_functions(Model model);

}  // namespace lathe::onnx
