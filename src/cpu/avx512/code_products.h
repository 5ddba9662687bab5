// Products of 8-bit activations, with every layout that has codes: what QuantizedLinear,
// QuantizedExpertLinear and FusedLinear share.
#pragma once

#include "cpu/avx512/quantized_multiply.h"
#include "cpu/products.h"

namespace lathe::avx512 {
namespace {

template <class Layout>
constexpr LayoutMultiply codes() {
  return {multiply_chunk<Layout>, Layout::kInfo, kHasTile<Layout> ? &kTileChunks : nullptr};
}

/// In the order of Dtype.
constexpr LayoutMultiply kCodeLayouts[] = {
    codes<Packed4>(),  codes<Packed4m>(), codes<Packed5>(),   codes<Packed5m>(), codes<Packed8>(),
    codes<Packed4t>(), codes<Packed4x>(), codes<Packed4tk>(), codes<Packed2k>(), codes<Packed3k>(),
    codes<Packed4k>(), codes<Packed5k>(), codes<Packed6k>(),
};
static_assert(sizeof(kCodeLayouts) == kCodeLayoutCount * sizeof(LayoutMultiply));

using CodeProducts = CodeProductsOf<kCodeLayouts>;

}  // namespace
}  // namespace lathe::avx512
