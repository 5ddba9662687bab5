#include "formats/onnx_lower.h"

namespace lathe::onnx {

std::span<const Lowering> window_lowerings() { return {}; }

}  // namespace lathe::onnx
