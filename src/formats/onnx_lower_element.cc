#include "formats/onnx_lower.h"

namespace lathe::onnx {

std::span<const Lowering> element_lowerings() { return {}; }

}  // namespace lathe::onnx
