// A model's own functions put in place of the nodes that call them, until none is left.
#pragma once

#include "formats/onnx_model.h"

namespace lathe::onnx {

/// Calls in the graph, in subgraphs and in functions are replaced by the functions' nodes. Values in a body
/// get the call's name in front ("<node>/<value>"), attributes by ref_attr_name the call's value or the
/// default, and are left out where there is neither. A node of a body that imports another opset version than
/// the model's keeps its meaning through Node::opset. Throws Error(invalid_file) for calls that do not fit
/// and for recursion, Error(resource_limit) where the expansion has too many nodes.
Model expand_functions(Model model);

}  // namespace lathe::onnx
