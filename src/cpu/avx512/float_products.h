// Products of float activations: what Linear, ExpertLinear and FusedLinear share.
#pragma once

#include "cpu/avx512/float_multiply.h"
#include "cpu/products.h"

namespace lathe::avx512 {
namespace {

/// In the order of Dtype.
constexpr LayoutMultiply kFloatLayouts[] = {
    {multiply_float_chunk<PackedF32>, kPackedF32},
    {multiply_float_chunk<PackedBf16>, kPackedBf16},
    {multiply_float_chunk<PackedF16>, kPackedF16},
};

using FloatProducts = FloatProductsOf<kFloatLayouts>;

}  // namespace
}  // namespace lathe::avx512
