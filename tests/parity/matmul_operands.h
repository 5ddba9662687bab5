// Random operands of the matmuls.
#pragma once

#include "parity/harness.h"

namespace lathe::parity {

/// Bytes of activation rows (activation.h).
std::size_t activation_bytes(std::int64_t tokens, std::int64_t columns);

/// Weights of a file type as files have them: random codes under factors as models have them. The factors lie
/// at known places in a block, so these bytes are replaced.
Tensor random_blocks(Random& random, Dtype dtype, std::int64_t weight_rows, std::int64_t columns);

/// The same weights in their type's own packed layout.
Tensor packed(const Tensor& blocks);

/// packed(random_blocks()).
Tensor random_weight(Random& random, Dtype dtype, std::int64_t weight_rows, std::int64_t columns);

/// Normal numbers that bf16 and f16 hold exactly, in a layout of floats.
Tensor random_float_weight(Random& random, Dtype layout, std::int64_t weight_rows, std::int64_t columns);

/// Activations rounded to bf16; a few are tiny, so that their products are not normal.
Tensor random_rounded(Random& random, Shape dims);

/// f32 [columns]: not 0 at one or two columns of some blocks.
Tensor sparse_marks(Random& random, std::int64_t columns);

/// One value of a record (quant/activation.h).
double decoded_activation(const std::uint8_t* record, std::int64_t columns, std::int64_t column);

/// Activations quantized by the portable kernel, with fine columns.
Tensor random_activation(Random& random, std::int64_t tokens, std::int64_t columns);

}  // namespace lathe::parity
