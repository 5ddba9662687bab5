// Loops that do nothing but what the machine's limits are made of. Plain data, so that ISA files may include
// it. portable/machine_limit.cc is complete; the files of that name in avx2/, avx512/ and avx512bf16/ have
// the better instructions.
#pragma once

#include <cstdint>

namespace lathe {

/// Dot products on registers alone, `rounds` times; returns something of the results, so that they are
/// wanted.
using DotRounds = std::int32_t (*)(std::int64_t rounds);

struct DotLoop {
  DotRounds run;
  std::int64_t operations_per_round;  // two for each multiply-add
};

/// Reads `words` 64-bit words at `data`, 64-byte aligned, a multiple of kReadWords of them; returns something
/// of all of them.
using ReadLoop = std::uint64_t (*)(const std::uint64_t* data, std::int64_t words);

constexpr std::int64_t kReadWords = 4096;

// Which of several ways of reading is the fastest differs by machine and by what else runs on it.
namespace portable {
extern const DotLoop machine_limit_int8;
extern const DotLoop machine_limit_f32;
extern const ReadLoop machine_limit_reads[1];
}  // namespace portable
namespace avx2 {
extern const DotLoop machine_limit_int8;
extern const DotLoop machine_limit_f32;
extern const ReadLoop machine_limit_reads[3];
}  // namespace avx2
namespace avx512 {
extern const DotLoop machine_limit_int8;
extern const DotLoop machine_limit_f32;
extern const ReadLoop machine_limit_reads[4];
}  // namespace avx512
namespace avx512bf16 {
extern const DotLoop machine_limit_bf16;
}

}  // namespace lathe
