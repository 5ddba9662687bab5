// The products of cpu/pair_conv.h on vectors: of the pairs of an instruction set.
#pragma once

#include "cpu/vector/flush_denormals.h"

namespace lathe::vector {

template <class PairsOfIsa>
struct PairProducts {
  using Pairs = PairsOfIsa;
  using Vector = typename Pairs::Floats;

  [[gnu::always_inline]] static Vector sum(Vector a, Vector b) { return a + b; }

  template <class Rows>
  static void run(void (*function)(const Rows&), const Rows& rows) {
    flush_denormals(rows, function);
  }
};

}  // namespace lathe::vector
