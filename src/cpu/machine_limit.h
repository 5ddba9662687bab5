// Loops that do nothing but what the machine's limits are made of. Plain data, so that ISA files may include
// it. portable/machine_limit.cc is complete; the files of that name in avx2/ and avx512/ have the better
// instructions.
#pragma once

#include <cstdint>

namespace lathe {

/// 8-bit dot products on registers alone, `rounds` times; returns a sum of the results, so that they are
/// wanted.
using DotRounds = std::int32_t (*)(std::int64_t rounds);

struct DotLoop {
  DotRounds run;
  std::int64_t operations_per_round;  // two for each multiply-add
};

namespace portable {
extern const DotLoop machine_limit_dot;
/// Sums `words` 64-bit words at `data`, 64-byte aligned, a multiple of 8 of them.
std::uint64_t machine_limit_read(const std::uint64_t* data, std::int64_t words);
}  // namespace portable
namespace avx2 {
extern const DotLoop machine_limit_dot;
}
namespace avx512 {
extern const DotLoop machine_limit_dot;
}

}  // namespace lathe
