#include "graph/einsum_equation.h"

#include <algorithm>

namespace lathe {
namespace {

constexpr int kLetters = 52;  // the axes of "..." are numbered behind them, the last first

int code_of(char letter) {
  if (letter >= 'A' && letter <= 'Z') return letter - 'A';
  if (letter >= 'a' && letter <= 'z') return letter - 'a' + 26;
  return -1;
}

/// A term's axes by code; `ellipsis` is how many axes "..." stands for, -1: as many as the rank leaves.
struct ParsedTerm {
  EinsumTerm term;
  int ellipsis = 0;
};

std::optional<ParsedTerm> parse_term(std::string_view text, int rank) {
  int letters = 0;
  bool dots = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == ' ') continue;
    if (text[i] == '.') {
      if (dots || text.substr(i, 3) != "...") return std::nullopt;
      dots = true;
      i += 2;
    } else if (code_of(text[i]) < 0) {
      return std::nullopt;
    } else {
      ++letters;
    }
  }
  if (letters > rank || rank > kMaxEinsumAxes || (!dots && letters != rank)) return std::nullopt;
  ParsedTerm parsed;
  parsed.ellipsis = rank - letters;
  for (std::size_t i = 0; i < text.size(); ++i) {
    auto& term = parsed.term;
    if (text[i] == ' ') continue;
    if (text[i] != '.') {
      term.letters[static_cast<std::size_t>(term.count++)] = code_of(text[i]);
      continue;
    }
    for (int k = parsed.ellipsis - 1; k >= 0; --k)
      term.letters[static_cast<std::size_t>(term.count++)] = kLetters + k;
    i += 2;
  }
  return parsed;
}

using Counts = std::array<int, kMaxEinsumLetters>;

/// The axes of "...", and the letters that stand once.
std::optional<EinsumTerm> implied_output(const Counts& counts, int ellipsis) {
  EinsumTerm output;
  for (int k = ellipsis - 1; k >= 0; --k)
    output.letters[static_cast<std::size_t>(output.count++)] = kLetters + k;
  for (int code = 0; code < kLetters; ++code) {
    if (counts[static_cast<std::size_t>(code)] != 1) continue;
    if (output.count == kMaxEinsumAxes) return std::nullopt;
    output.letters[static_cast<std::size_t>(output.count++)] = code;
  }
  return output;
}

std::optional<EinsumTerm> given_output(std::string_view text, const Counts& counts, int ellipsis) {
  int rank = text.find('.') == std::string_view::npos ? 0 : ellipsis;
  for (const char letter : text) rank += letter != ' ' && letter != '.' ? 1 : 0;
  const auto parsed = parse_term(text, rank);
  if (!parsed) return std::nullopt;
  Counts seen{};
  for (int i = 0; i < parsed->term.count; ++i) {
    const auto code = static_cast<std::size_t>(parsed->term.letters[static_cast<std::size_t>(i)]);
    if (++seen[code] > 1 || counts[code] == 0) return std::nullopt;
  }
  return parsed->term;
}

/// Numbers the codes: those of the output first, then the others as they come.
void number_letters(EinsumEquation& equation, std::size_t operands) {
  Counts numbers{};
  const auto renumber = [&](EinsumTerm& term) {
    for (int i = 0; i < term.count; ++i) {
      int& letter = term.letters[static_cast<std::size_t>(i)];
      int& number = numbers[static_cast<std::size_t>(letter)];
      if (number == 0) number = ++equation.letters;
      letter = number - 1;
    }
  };
  renumber(equation.output);
  for (std::size_t n = 0; n < operands; ++n) renumber(equation.operands[n]);
}

}  // namespace

std::optional<EinsumEquation> parse_einsum(std::string_view text, std::span<const int> ranks) {
  if (ranks.empty() || ranks.size() > kMaxEinsumOperands) return std::nullopt;
  const std::size_t arrow = text.find("->");
  std::string_view left = text.substr(0, arrow);
  EinsumEquation equation;
  Counts counts{};
  int ellipsis = 0;
  for (std::size_t n = 0; n < ranks.size(); ++n) {
    const std::size_t comma = left.find(',');
    if ((comma == std::string_view::npos) != (n + 1 == ranks.size())) return std::nullopt;
    const auto parsed = parse_term(left.substr(0, comma), ranks[n]);
    if (!parsed) return std::nullopt;
    equation.operands[n] = parsed->term;
    ellipsis = std::max(ellipsis, parsed->ellipsis);
    for (int i = 0; i < parsed->term.count; ++i)
      ++counts[static_cast<std::size_t>(parsed->term.letters[static_cast<std::size_t>(i)])];
    left = comma == std::string_view::npos ? std::string_view() : left.substr(comma + 1);
  }
  const auto output = arrow == std::string_view::npos
                          ? implied_output(counts, ellipsis)
                          : given_output(text.substr(arrow + 2), counts, ellipsis);
  if (!output) return std::nullopt;
  equation.output = *output;
  number_letters(equation, ranks.size());
  return equation;
}

}  // namespace lathe
