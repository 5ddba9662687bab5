// Packed layouts that hold another's codes and factors in more bits. A kernel of the wider layout computes
// the same integers and applies the same factors in the same order, so its results are equal bit for bit.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "tensor/dtype.h"

namespace lathe {

/// The layouts that hold what `packed` holds, narrowest first; none of them `packed` itself.
std::vector<Dtype> wider_layouts(Dtype packed);

/// One group of 16 rows from `packed` to one of its wider layouts. All of the wider group's bytes are
/// written.
void widen_group(Dtype packed, const std::byte* group, std::int64_t columns, Dtype wider,
                 std::byte* wider_group);

}  // namespace lathe
