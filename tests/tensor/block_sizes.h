// Elements and bytes of a block, added up from the fields that the formats' descriptions list.
#pragma once

#include <array>

#include "tensor/dtype.h"

namespace lathe {

struct BlockSize {
  Dtype dtype;
  std::uint32_t elements;
  std::uint32_t bytes;
};

inline constexpr std::array kBlockSizes = {
    BlockSize{Dtype::f32, 1, 4},
    BlockSize{Dtype::f16, 1, 2},
    BlockSize{Dtype::bf16, 1, 2},
    BlockSize{Dtype::f64, 1, 8},
    BlockSize{Dtype::i8, 1, 1},
    BlockSize{Dtype::i16, 1, 2},
    BlockSize{Dtype::i32, 1, 4},
    BlockSize{Dtype::i64, 1, 8},
    BlockSize{Dtype::q4_0, 32, 2 + 32 / 2},           // f16 scale, nibbles
    BlockSize{Dtype::q4_1, 32, 2 + 2 + 32 / 2},       // and an f16 minimum
    BlockSize{Dtype::q5_0, 32, 2 + 32 / 8 + 32 / 2},  // and a high bit each
    BlockSize{Dtype::q5_1, 32, 2 + 2 + 32 / 8 + 32 / 2},
    BlockSize{Dtype::q8_0, 32, 2 + 32},
    BlockSize{Dtype::iq4_nl, 32, 2 + 32 / 2},
    BlockSize{Dtype::mxfp4, 32, 1 + 32 / 2},                  // an exponent
    BlockSize{Dtype::iq4_xs, 256, 2 + 8 * 6 / 8 + 256 / 2},   // 8 scales of 6 bits
    BlockSize{Dtype::q2_k, 256, 2 + 2 + 16 + 256 / 4},        // 16 scales and minima of 4 bits
    BlockSize{Dtype::q3_k, 256, 2 + 12 + 256 / 8 + 256 / 4},  // 16 scales of 6 bits
    BlockSize{Dtype::q4_k, 256, 2 + 2 + 12 + 256 / 2},        // 12 bytes hold 8 scales and minima of 6 bits
    BlockSize{Dtype::q5_k, 256, 2 + 2 + 12 + 256 / 8 + 256 / 2},
    BlockSize{Dtype::q6_k, 256, 256 / 2 + 256 / 4 + 16 + 2},
    BlockSize{Dtype::a8, 32, 32 + 4 * 5},  // codes, scale, zero, two sums, fine codes
};

}  // namespace lathe
