// The kernel of cpu/fused_linear.h on bf16: products of this folder's Linear, functions of AVX-512.
#include "cpu/fused_linear.h"

#include <cstddef>
#include <cstdint>

#include "cpu/avx512/quantize_row.h"
#include "cpu/avx512bf16/bf16_multiply.h"
#include "cpu/isa_kernel.h"
#include "cpu/vector/row_program.h"

namespace lathe::avx512bf16 {
namespace {

struct Bf16 : vector::RowFunctions<avx512::Vector> {
  static constexpr std::int64_t kTileGroups = 4;
  static std::int64_t row_bytes(std::int64_t columns) { return columns * 2; }
  static fused_linear::LayoutMultiply multiply_of(std::int32_t) { return {multiply_bf16_chunk, kPackedBf16}; }
};

}  // namespace

extern const IsaKernel fused_linear_kernels[];
const IsaKernel fused_linear_kernels[] = {
    {"fused_linear.bf16", fused_linear::run<Bf16>, fused_linear::scratch_bytes<Bf16>},
    {nullptr, nullptr, nullptr},
};

}  // namespace lathe::avx512bf16
