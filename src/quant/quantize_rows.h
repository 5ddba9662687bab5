// Floats to the blocks of a file's format, as well as the format can hold them.
#pragma once

#include <cstddef>
#include <cstdint>

#include "tensor/dtype.h"

namespace lathe {

/// `fast`: at once, with the bits of the `gguf` package, where a format has such an encoder. `best`: a search
/// for the factors of each block, 60 to 210 ns per value.
enum class Effort { fast, best };

/// Whether quantize_rows() writes this type: f32, f16, bf16 and every block format.
bool can_quantize(Dtype dtype);

/// Rounds `rows` rows of `columns` floats; the sum of importance[column] * error^2 is what a block's factors
/// are searched for. `importance` [columns] is not negative; nullptr: all columns alike. Threads may share
/// one matrix by rows. Throws Error(unsupported) for a type that cannot be written, Error(invalid_argument)
/// where columns are no whole blocks.
void quantize_rows(Dtype dtype, const float* values, const float* importance, std::int64_t rows,
                   std::int64_t columns, std::byte* destination, Effort effort = Effort::best);

}  // namespace lathe
