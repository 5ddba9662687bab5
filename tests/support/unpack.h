// Packed layouts back to floats, element by element as quant/packed.h words it: slow, and shares nothing with
// the packers.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "tensor/dtype.h"

namespace lathe::test {

/// [rows, columns]; with `padding` the rows are those of all groups, the added ones included.
std::vector<float> unpack(Dtype packed, const std::byte* data, std::int64_t rows, std::int64_t columns,
                          bool padding = false);

}  // namespace lathe::test
