// The mix of types that loses least within a size.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "tensor/dtype.h"

namespace lathe {

/// What a tensor costs in one type: bytes, and the divergence that it is expected to bring.
struct TypeOption {
  Dtype dtype = Dtype::f32;
  std::uint64_t bytes = 0;
  double divergence = 0;
};

/// "4.5bpw" (bits of all tensors for each of `weights`) or "80MB", "75MiB", "1.2GB", "900kB", "900000B" (of
/// the file; `other_bytes` of it are no tensors) as bytes of tensors. Throws Error(invalid_argument).
std::uint64_t parse_budget(const std::string& text, std::int64_t weights, std::uint64_t other_bytes);

/// The option of each tensor, so that bytes come to at most `budget` and the sum of divergences is least, or
/// so near to it that no exchange of two tensors' steps helps. Throws Error(invalid_argument) with the least
/// size where there is none.
std::vector<std::size_t> choose_options(std::span<const std::vector<TypeOption>> tensors,
                                        std::uint64_t budget);

}  // namespace lathe
