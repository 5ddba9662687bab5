// Random operands of the matmuls.
#pragma once

#include "parity/harness.h"

namespace lathe::parity {

/// Bytes of activation rows (activation.h).
std::size_t activation_bytes(std::int64_t tokens, std::int64_t columns);

/// Packed weights of a file type: random codes under factors as models have them. The factors lie at known
/// places in a block, so these bytes are replaced.
Tensor random_weight(Random& random, Dtype dtype, std::int64_t weight_rows, std::int64_t columns);

/// packed_f32.
Tensor random_float_weight(Random& random, std::int64_t weight_rows, std::int64_t columns);

/// Activations quantized by the portable kernel.
Tensor random_activation(Random& random, std::int64_t tokens, std::int64_t columns);

}  // namespace lathe::parity
