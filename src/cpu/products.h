// How rows are multiplied with weights of a layout: what a folder's Linear, experts' Linear and FusedLinear
// share. A folder has one table of functions for each kind of activation (its code_products.h and
// float_products.h), in the order of Dtype; a layout is a line there. Plain data and functions of internal
// linkage, so that ISA files may include it.
//
// A `Products` type has, all static:
//   row_bytes(columns)    of a row of the activation
//   kTileGroups           tiles of FusedLinear have a multiple of so many groups; 8 fill the vectors of
//                         quantize
//   multiply_of(dtype)    how weights of a layout are multiplied
#pragma once

#include "cpu/expert_matmul.h"
#include "cpu/quantized_blocks.h"

namespace lathe {
namespace {

/// Dtype::packed4, the first of the layouts of codes.
constexpr std::int32_t kFirstPackedDtype = 22;
/// Dtype::packed_f32, the first of the layouts of floats, behind the last of codes.
constexpr std::int32_t kFirstFloatDtype = 35;
constexpr int kCodeLayoutCount = kFirstFloatDtype - kFirstPackedDtype;

/// Dtype::q4_0 and q6_k, the first and last of files' blocks.
constexpr std::int32_t kFirstBlockDtype = 8;
constexpr std::int32_t kLastBlockDtype = 20;

/// As files have them: between floats and codes that are packed.
constexpr bool is_blocks(std::int32_t dtype) { return dtype >= kFirstBlockDtype && dtype <= kLastBlockDtype; }

struct CodeActivations {
  static constexpr std::int64_t kTileGroups = 8;
  static std::int64_t row_bytes(std::int64_t columns) { return activation_row_bytes(columns); }
};

struct FloatActivations {
  static constexpr std::int64_t kTileGroups = 6;
  static std::int64_t row_bytes(std::int64_t columns) {
    return columns * static_cast<std::int64_t>(sizeof(float));
  }
};

struct Bf16Activations {
  static constexpr std::int64_t kTileGroups = 4;
  static std::int64_t row_bytes(std::int64_t columns) { return columns * 2; }
};

/// `kLayouts` from kFirstPackedDtype on.
template <const LayoutMultiply* kLayouts>
struct CodeProductsOf : CodeActivations {
  static void multiply_blocks_chunk(const KernelCall& call, const MatmulShape& shape, const Share& groups,
                                    const Share& tokens) {
    multiply_blocks(call, shape, groups, tokens, kLayouts);
  }
  static LayoutMultiply multiply_of(std::int32_t dtype) {
    if (is_blocks(dtype)) return {multiply_blocks_chunk, portable::blocks_layout(dtype)};
    return kLayouts[dtype - kFirstPackedDtype];
  }
};

/// `kLayouts` from kFirstFloatDtype on.
template <const LayoutMultiply* kLayouts>
struct FloatProductsOf : FloatActivations {
  static LayoutMultiply multiply_of(std::int32_t dtype) { return kLayouts[dtype - kFirstFloatDtype]; }
};

/// Of bf16 alone.
template <MultiplyChunk kMultiply>
struct Bf16ProductsOf : Bf16Activations {
  static LayoutMultiply multiply_of(std::int32_t) { return {kMultiply, kPackedBf16}; }
};

/// Linear or QuantizedLinear.
template <class Products>
void run_linear(const KernelCall& call) {
  const LayoutMultiply with = Products::multiply_of(call.inputs[1].dtype);
  multiply_in_chunks(call, with.multiply, with.preparation);
}

template <class Products>
std::size_t linear_scratch_bytes(const KernelCall& call) {
  const std::int32_t dtype = call.inputs[1].dtype;
  if (is_blocks(dtype)) return blocks_scratch_bytes(call.inputs[1].dims[1]);
  const ChunkPreparation* preparation = Products::multiply_of(dtype).preparation;
  return preparation != nullptr ? chunk_scratch_bytes(call, *preparation) : 0;
}

/// ExpertLinear or QuantizedExpertLinear.
template <class Products>
void run_expert_linear(const KernelCall& call) {
  const LayoutMultiply with = Products::multiply_of(call.inputs[1].dtype);
  multiply_experts(
      call, {with.layout, Products::row_bytes(call.inputs[1].dims[2]), with.multiply, with.preparation});
}

template <class Products>
std::size_t expert_scratch_bytes(const KernelCall& call) {
  const ExpertShape shape = expert_shape(call);
  const std::int64_t bytes = expert_scratch(shape, Products::row_bytes(shape.columns)).bytes;
  const ChunkPreparation* preparation = Products::multiply_of(call.inputs[1].dtype).preparation;
  if (preparation == nullptr) return static_cast<std::size_t>(bytes);
  return static_cast<std::size_t>(bytes + preparation->bytes(expert_chunk_slots(shape), shape.columns));
}

}  // namespace
}  // namespace lathe
