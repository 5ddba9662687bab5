// n = RMSNormalization(x, w); c = QuantizeActivation(n)  ->  c = RowProgram "o0 = quantize(rms(x0, x1,
// 1e-05))"; likewise behind every other node on rows. What is quantized is written as float32 only where
// others read it. Bit-equal: each function has the code of its op.
//
// Codes are a quarter of the bytes, and are made where the numbers are still in the first-level cache.
#include "passes/pass.h"
#include "passes/row_fusion.h"

namespace lathe {

bool fuse_quantization(Graph& graph, const PassContext&) {
  return fuse_rows(
      graph, [](const RowPair& pair) { return pair.reader.quantizes_only && !pair.producer.quantizes_only; });
}

}  // namespace lathe
