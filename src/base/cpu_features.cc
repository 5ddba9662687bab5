#include "base/cpu_features.h"

#include <cpuid.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

#include "base/error.h"

namespace lathe {

std::string_view isa_name(IsaLevel level) {
  switch (level) {
    case IsaLevel::portable:
      return "portable";
    case IsaLevel::avx2:
      return "avx2";
    case IsaLevel::avx512:
      return "avx512";
    case IsaLevel::avx512bf16:
      return "avx512bf16";
  }
  return "unknown";
}

namespace {

/// clang 14 does not know this feature by name. The system's part is AVX's, which avx2 has tested.
bool has_f16c() {
  unsigned eax = 0;
  unsigned ebx = 0;
  unsigned ecx = 0;
  unsigned edx = 0;
  return __get_cpuid(1, &eax, &ebx, &ecx, &edx) != 0 && (ecx & bit_F16C) != 0;
}

}  // namespace

IsaLevel detected_isa() {
  __builtin_cpu_init();
  const bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && has_f16c();
  if (!avx2) return IsaLevel::portable;
  const bool avx512 = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                      __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") &&
                      __builtin_cpu_supports("avx512vbmi") && __builtin_cpu_supports("avx512vnni");
  if (!avx512) return IsaLevel::avx2;
  return __builtin_cpu_supports("avx512bf16") ? IsaLevel::avx512bf16 : IsaLevel::avx512;
}

IsaLevel chosen_isa() {
  const char* wish = std::getenv("LATHE_ISA");
  if (wish == nullptr || *wish == '\0') return detected_isa();
  for (const auto level : {IsaLevel::portable, IsaLevel::avx2, IsaLevel::avx512, IsaLevel::avx512bf16}) {
    if (isa_name(level) != wish) continue;
    if (level > detected_isa())
      throw Error(ErrorCode::invalid_argument, "LATHE_ISA=" + std::string(wish) +
                                                   ": this processor has only " +
                                                   std::string(isa_name(detected_isa())));
    return level;
  }
  throw Error(ErrorCode::invalid_argument,
              "LATHE_ISA is portable, avx2, avx512 or avx512bf16, not \"" + printable(wish) + "\"");
}

std::string processor_name() {
  std::array<unsigned, 12> words{};
  for (unsigned i = 0; i < 3; ++i)
    if (__get_cpuid(0x80000002u + i, &words[4 * i], &words[4 * i + 1], &words[4 * i + 2],
                    &words[4 * i + 3]) == 0)
      return "unknown processor";
  std::array<char, sizeof words + 1> text{};
  std::memcpy(text.data(), words.data(), sizeof words);
  const std::string name(text.data());
  const auto begin = name.find_first_not_of(' ');
  const auto end = name.find_last_not_of(' ');
  return begin == std::string::npos ? "unknown processor" : printable(name.substr(begin, end + 1 - begin));
}

std::string processor_signature() {
  unsigned signature = 0;
  unsigned unused[3] = {};
  if (__get_cpuid(1, &signature, &unused[0], &unused[1], &unused[2]) == 0) return "0";
  std::array<char, 16> digits{};
  std::snprintf(digits.data(), digits.size(), "%x", signature);
  return digits.data();
}

}  // namespace lathe
