// Swish(a) -> Mul(., b)  ->  one RowProgram "o0 = mul(swish(x0), x1)"; so every tree of these whose inner
// results have one reader each, as long as a program has room:
//   Add, Sub, Mul, Div, Max and Min with a tensor of the same shape, one row of it or one number
//   Relu, Clip, LeakyRelu, PRelu by a constant number, HardSigmoid, HardSwish, Sigmoid, Swish, Tanh, Gelu
//   Abs, Erf, Exp, Neg, Reciprocal, Sqrt, squares
// Bit-equal: each function has the code of its op.
//
// Each of these nodes reads and writes whole tensors for one operation on each number; in one node the
// intermediate results stay in the first-level cache, and threads meet once.
#include "passes/pass.h"
#include "passes/row_fusion.h"

namespace lathe {

bool fuse_pointwise(Graph& graph, const PassContext&) {
  return fuse_rows(graph, [](const RowPair& pair) {
    return pair.only_reader && !pair.producer.reduces && !pair.reader.reduces && !pair.producer.quantizes &&
           !pair.reader.quantizes;
  });
}

}  // namespace lathe
