// The kernels of cpu/fused_linear.h, with the products of this folder's Linear and QuantizedLinear.
#include "cpu/fused_linear.h"

#include <cstddef>
#include <cstdint>

#include "cpu/avx512/blocks_multiply.h"
#include "cpu/avx512/float_multiply.h"
#include "cpu/avx512/quantize_row.h"
#include "cpu/avx512/quantized_multiply.h"
#include "cpu/isa_kernel.h"
#include "cpu/vector/row_program.h"

namespace lathe::avx512 {
namespace {

template <class Layout>
constexpr fused_linear::LayoutMultiply codes() {
  return {multiply_chunk<Layout>, Layout::kInfo, kHasTile<Layout>};
}

/// In the order of Dtype.
constexpr fused_linear::LayoutMultiply kLayouts[] = {
    codes<Packed4>(),  codes<Packed4m>(), codes<Packed5>(),   codes<Packed5m>(), codes<Packed8>(),
    codes<Packed4t>(), codes<Packed4x>(), codes<Packed4tk>(), codes<Packed2k>(), codes<Packed3k>(),
    codes<Packed4k>(), codes<Packed5k>(), codes<Packed6k>(),
};

struct Codes : vector::RowFunctions<Vector> {
  static constexpr ChunkPreparation kPreparation = kTileChunks;
  static constexpr std::int64_t kTileGroups = 8;
  static std::int64_t row_bytes(std::int64_t columns) { return activation_row_bytes(columns); }
  static fused_linear::LayoutMultiply multiply_of(std::int32_t dtype) {
    if (dtype >= fused_linear::kFirstPackedDtype) return kLayouts[dtype - fused_linear::kFirstPackedDtype];
    return {multiply_blocks_chunk, portable::blocks_layout(dtype)};
  }
};

/// By the distance from kFirstFloatDtype.
constexpr fused_linear::LayoutMultiply kFloatLayouts[] = {
    {multiply_float_chunk<PackedF32>, kPackedF32},
    {multiply_float_chunk<PackedBf16>, kPackedBf16},
    {multiply_float_chunk<PackedF16>, kPackedF16},
};

struct Floats : vector::RowFunctions<Vector> {
  static constexpr std::int64_t kTileGroups = 6;
  static std::int64_t row_bytes(std::int64_t columns) {
    return columns * static_cast<std::int64_t>(sizeof(float));
  }
  static fused_linear::LayoutMultiply multiply_of(std::int32_t dtype) {
    return kFloatLayouts[dtype - fused_linear::kFirstFloatDtype];
  }
};

}  // namespace

extern const IsaKernel fused_linear_kernels[];
const IsaKernel fused_linear_kernels[] = {
    {"fused_linear.codes", fused_linear::run<Codes>, fused_linear::scratch_bytes<Codes>},
    {"fused_linear.f32", fused_linear::run<Floats>, fused_linear::scratch_bytes<Floats>},
    {nullptr, nullptr, nullptr},
};

}  // namespace lathe::avx512
