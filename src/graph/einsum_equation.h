// An equation of Einsum, "...ij,jk->...ik": its letters as numbers, those of the output first and in its
// order. The axes that "..." stands for have numbers of their own, aligned at the last.
#pragma once

#include <array>
#include <optional>
#include <span>
#include <string_view>

namespace lathe {

inline constexpr int kMaxEinsumOperands = 16;
inline constexpr int kMaxEinsumAxes = 8;
inline constexpr int kMaxEinsumLetters = 52 + kMaxEinsumAxes;

struct EinsumTerm {
  std::array<int, kMaxEinsumAxes> letters{};  // of each axis
  int count = 0;
};

struct EinsumEquation {
  std::array<EinsumTerm, kMaxEinsumOperands> operands{};
  EinsumTerm output;
  int letters = 0;
};

/// Without "->" the output is "..." and the letters that stand once, by their alphabet. Empty where the text
/// is no equation of so many operands with these ranks. Allocates nothing: kernels call it.
std::optional<EinsumEquation> parse_einsum(std::string_view text, std::span<const int> ranks);

}  // namespace lathe
