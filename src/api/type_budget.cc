#include "api/type_budget.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <limits>

#include "base/error.h"

namespace lathe {
namespace {

struct Unit {
  std::string_view name;
  double bytes;
};
constexpr std::array kUnits = {
    Unit{"B", 1},        Unit{"kB", 1e3},        Unit{"MB", 1e6},          Unit{"GB", 1e9},
    Unit{"KiB", 1024.0}, Unit{"MiB", 1048576.0}, Unit{"GiB", 1073741824.0}};
constexpr double kMostBytes = 1e15;

[[noreturn]] void fail(const std::string& message) {
  throw Error(ErrorCode::invalid_argument, message, {{}, std::nullopt, "budget"});
}

using Options = std::span<const std::vector<TypeOption>>;

std::uint64_t bytes_of(Options tensors, const std::vector<std::size_t>& chosen) {
  std::uint64_t sum = 0;
  for (std::size_t i = 0; i < chosen.size(); ++i) sum += tensors[i][chosen[i]].bytes;
  return sum;
}

/// The best of each tensor where a byte costs `price`.
std::vector<std::size_t> at_price(Options tensors, double price) {
  std::vector<std::size_t> chosen;
  for (const auto& options : tensors) {
    const auto cost = [price](const TypeOption& option) {
      return option.divergence + price * static_cast<double>(option.bytes);
    };
    const auto best = std::ranges::min_element(options, {}, cost);
    chosen.push_back(static_cast<std::size_t>(best - options.begin()));
  }
  return chosen;
}

/// Spends what is left, each time on what gains most for a byte.
void fill(Options tensors, std::uint64_t budget, std::vector<std::size_t>& chosen) {
  for (std::uint64_t used = bytes_of(tensors, chosen);;) {
    double best = 0;
    std::size_t tensor = 0;
    std::size_t option = 0;
    for (std::size_t i = 0; i < chosen.size(); ++i) {
      const TypeOption& now = tensors[i][chosen[i]];
      for (std::size_t j = 0; j < tensors[i].size(); ++j) {
        const TypeOption& other = tensors[i][j];
        const double saved = now.divergence - other.divergence;
        if (saved <= 0 || used - now.bytes + other.bytes > budget) continue;
        const double more = static_cast<double>(other.bytes) - static_cast<double>(now.bytes);
        const double gain = more <= 0 ? std::numeric_limits<double>::infinity() : saved / more;
        if (gain <= best) continue;
        best = gain;
        tensor = i;
        option = j;
      }
    }
    if (best == 0) return;
    used = used - tensors[tensor][chosen[tensor]].bytes + tensors[tensor][option].bytes;
    chosen[tensor] = option;
  }
}

}  // namespace

std::uint64_t parse_budget(const std::string& text, std::int64_t weights, std::uint64_t other_bytes) {
  double number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  const std::string_view unit(end, static_cast<std::size_t>(text.data() + text.size() - end));
  const std::string words = "\"" + printable(text) + "\" is no size: 4.5bpw, 80MB and 75MiB are";
  if (error != std::errc() || !std::isfinite(number) || number <= 0) fail(words);
  double bytes = 0;
  if (unit == "bpw") {
    bytes = number * static_cast<double>(weights) / 8;
  } else {
    const auto* row = std::ranges::find(kUnits, unit, &Unit::name);
    if (row == kUnits.end()) fail(words);
    bytes = number * row->bytes - static_cast<double>(other_bytes);
  }
  return static_cast<std::uint64_t>(std::clamp(bytes, 0.0, kMostBytes));
}

std::vector<std::size_t> choose_options(Options tensors, std::uint64_t budget) {
  std::vector<std::size_t> least;
  for (const auto& options : tensors)
    least.push_back(static_cast<std::size_t>(std::ranges::min_element(options, {}, &TypeOption::bytes) -
                                             options.begin()));
  if (const auto bytes = bytes_of(tensors, least); bytes > budget)
    fail("the tensors take " + std::to_string(bytes) + " bytes at least, and the budget leaves " +
         std::to_string(budget));
  // The price of a byte at which the choice just fits, between none and one that makes everything small.
  double low = 0;
  double high = 1;
  constexpr int kHalvings = 200;
  for (int i = 0; i < kHalvings && bytes_of(tensors, at_price(tensors, high)) > budget; ++i) high *= 2;
  for (int i = 0; i < kHalvings; ++i) {
    const double price = (low + high) / 2;
    (bytes_of(tensors, at_price(tensors, price)) > budget ? low : high) = price;
  }
  auto chosen = at_price(tensors, high);
  if (bytes_of(tensors, chosen) > budget) chosen = least;
  fill(tensors, budget, chosen);
  return chosen;
}

}  // namespace lathe
