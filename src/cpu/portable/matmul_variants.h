// Names of the ways to cut a matmul (matmul_shape.h).
#pragma once

#include <iterator>
#include <string_view>

#include "cpu/matmul_shape.h"

namespace lathe::portable {

inline constexpr std::string_view kMatmulVariants[] = {"fit.256",   "rows.64",    "rows.128", "tokens.256",
                                                       "tokens.64", "tokens.128", "rows.256"};
static_assert(std::size(kMatmulVariants) == std::size(kMatmulVariantSplits));

}  // namespace lathe::portable
