// Products of float activations and of bf16: what Linear, ExpertLinear and FusedLinear share.
#pragma once

#include "cpu/avx2/float_multiply.h"
#include "cpu/products.h"

namespace lathe::avx2 {
namespace {

/// In the order of Dtype.
constexpr LayoutMultiply kFloatLayouts[] = {
    {multiply_float_chunk<PackedF32>, kPackedF32},
    {multiply_float_chunk<PackedBf16>, kPackedBf16},
    {multiply_float_chunk<PackedF16>, kPackedF16},
};

using FloatProducts = FloatProductsOf<kFloatLayouts>;
using Bf16Products = Bf16ProductsOf<multiply_float_chunk<RoundedBf16>>;

}  // namespace
}  // namespace lathe::avx2
