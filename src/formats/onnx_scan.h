// Scan as opset 8 has it.
#pragma once

#include "formats/onnx_model.h"

namespace lathe::onnx {

/// A Scan of opset 9 over the batch, the first dimension of every input and output, whose body is the Scan of
/// one sequence. `scan` has no lengths of sequences.
Node scan_over_batch(const Node& scan);

}  // namespace lathe::onnx
