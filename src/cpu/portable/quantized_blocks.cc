// QuantizedLinear on weights as the file has them (cpu/quantized_blocks.h).
#include "cpu/quantized_blocks.h"

#include <array>
#include <span>

#include "backend/kernel.h"
#include "cpu/portable/matmul_variants.h"
#include "cpu/portable/quantized_multiply.h"
#include "quant/block_format.h"

namespace lathe::portable {

std::int32_t pack_block_group(const TensorArg& weight, std::int64_t group, void* destination,
                              std::int32_t& packed_dtype) {
  const auto stored = static_cast<Dtype>(weight.dtype);
  const std::int64_t columns = weight.dims[1];
  const std::int64_t first = group * kPackedRows;
  const auto* rows = static_cast<const std::byte*>(weight.data) +
                     static_cast<std::uint64_t>(first) * row_bytes(stored, columns);
  pack_groups(stored, rows, std::min<std::int64_t>(kPackedRows, weight.dims[0] - first), columns, 0, 1,
              static_cast<std::byte*>(destination));
  packed_dtype = static_cast<std::int32_t>(block_format(stored)->packed);
  return packed_dtype - static_cast<std::int32_t>(Dtype::packed4);
}

PackedLayoutInfo blocks_layout(std::int32_t dtype) {
  const auto& block = info(static_cast<Dtype>(dtype));
  return {static_cast<std::int32_t>(block.block_elements),
          static_cast<std::int32_t>(block.block_bytes) * kPackedRows, PackedFactors::scale};
}

void multiply_blocks_chunk(const KernelCall& call, const MatmulShape& shape, const Share& groups,
                           const Share& tokens) {
  static constexpr auto kLayouts = [] {
    std::array<LayoutMultiply, std::size(kPackedLayouts)> all{};
    for (std::size_t i = 0; i < all.size(); ++i) all[i] = {multiply_chunk, kPackedLayouts[i].info};
    return all;
  }();
  multiply_blocks(call, shape, groups, tokens, kLayouts.data());
}

namespace {

void quantized_blocks(const KernelCall& call) { multiply_in_chunks(call, multiply_blocks_chunk); }

std::size_t scratch_bytes(const KernelCall& call) { return blocks_scratch_bytes(call.inputs[1].dims[1]); }

bool accepts(const NodeTypes& types) {
  if (types.inputs.size() != 2 || types.inputs[0].dtype != Dtype::a8 || types.inputs[0].dims.size() != 2 ||
      !is_block_quantized(types.inputs[1].dtype) || types.inputs[1].dims.size() != 2)
    return false;
  const std::int64_t columns = types.inputs[1].dims[1].value;
  return columns > 0 && columns % info(types.inputs[1].dtype).block_elements == 0;
}

}  // namespace

std::span<const Kernel> quantized_blocks_kernels() {
  static const Kernel kKernels[] = {{.name = "portable.quantized_linear.blocks",
                                     .op = "QuantizedLinear",
                                     .arithmetic = "int8",
                                     .accepts = accepts,
                                     .run = quantized_blocks,
                                     .scratch_bytes = scratch_bytes,
                                     .variants = kMatmulVariants}};
  return kKernels;
}

}  // namespace lathe::portable
