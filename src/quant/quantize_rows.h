// Floats to the blocks of a file's format, as well as the format can hold them.
#pragma once

#include <cstddef>
#include <cstdint>

#include "tensor/dtype.h"

namespace lathe {

/// Whether quantize_rows() writes this type: f32, f16, bf16 and block formats with an encoder.
bool can_quantize(Dtype dtype);

/// Rounds `rows` rows of `columns` floats; the sum of importance[column] * error^2 is what a block's factors
/// are searched for. `importance` [columns] is not negative; nullptr: the format's own weighting, or none,
/// and where the `gguf` package has an encoder its bits. Threads may share one matrix by rows. Throws
/// Error(unsupported) for a type that cannot be written, Error(invalid_argument) where columns are no whole
/// blocks.
void quantize_rows(Dtype dtype, const float* values, const float* importance, std::int64_t rows,
                   std::int64_t columns, std::byte* destination);

}  // namespace lathe
