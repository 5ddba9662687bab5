// What this processor can do, and the level of kernels that is used.
#pragma once

#include <string>
#include <string_view>

namespace lathe {

/// Ordered: a level has everything of the ones before it. Values reach plan files: append alone.
enum class IsaLevel {
  portable,    // C++ alone
  avx2,        // AVX2, FMA, F16C
  avx512,      // AVX-512 F, BW, DQ, VL, VBMI, VNNI
  avx512bf16,  // AVX-512 BF16
};

inline constexpr IsaLevel kHighestIsa = IsaLevel::avx512bf16;

std::string_view isa_name(IsaLevel level);

/// The highest level of this processor and operating system.
IsaLevel detected_isa();

/// detected_isa(), or what LATHE_ISA=portable|avx2|avx512|avx512bf16 asks for.
/// Throws Error(invalid_argument) for another word or a level that this processor lacks.
IsaLevel chosen_isa();

/// As the processor calls itself, printable: "AMD EPYC 9R14"; "unknown processor" where it does not.
std::string processor_name();

/// Family, model and stepping in hexadecimal: names of processors in virtual machines say little.
std::string processor_signature();

}  // namespace lathe
