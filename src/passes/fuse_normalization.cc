// s = Add(a, b); n = RMSNormalization(s, w)  ->  s, n = RowProgram "o0 = add(x0, x1); o1 = rms(o0, x2,
// 1e-05)"; likewise LayerNormalization, what is computed of its result on the same rows, and chains of both
// (a norm behind a layer, the residual sum, the next layer's norm). Bit-equal: each function has the code of
// its op.
//
// A row is normalized while it is in the cache from being made. Results that others read too, as a residual
// sum, are outputs of the program.
#include "passes/pass.h"
#include "passes/row_fusion.h"

namespace lathe {

bool fuse_normalization(Graph& graph, const PassContext&) {
  return fuse_rows(graph, [](const RowPair& pair) {
    return (pair.producer.reduces || pair.reader.reduces) && !pair.producer.quantizes &&
           !pair.reader.quantizes;
  });
}

}  // namespace lathe
