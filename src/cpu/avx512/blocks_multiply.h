// Products with weights as the file has them, with this folder's parts (cpu/quantized_blocks.h).
#pragma once

#include "cpu/avx512/quantized_multiply.h"
#include "cpu/quantized_blocks.h"

namespace lathe::avx512 {
namespace {

/// In the order of Dtype, from packed4 on.
constexpr MultiplyChunk kMultiply[] = {
    multiply_chunk<Packed4>,  multiply_chunk<Packed4m>, multiply_chunk<Packed5>,  multiply_chunk<Packed5m>,
    multiply_chunk<Packed8>,  multiply_chunk<Packed4t>, multiply_chunk<Packed4x>, multiply_chunk<Packed4tk>,
    multiply_chunk<Packed2k>, multiply_chunk<Packed3k>, multiply_chunk<Packed4k>, multiply_chunk<Packed5k>,
    multiply_chunk<Packed6k>,
};

inline void multiply_blocks_chunk(const KernelCall& call, const MatmulShape& shape, const Share& groups,
                                  const Share& tokens) {
  multiply_blocks(call, shape, groups, tokens, kMultiply);
}

}  // namespace
}  // namespace lathe::avx512
