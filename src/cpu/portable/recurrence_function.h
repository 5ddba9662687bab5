// The functions of ONNX's recurrent ops, by the numbers that the lowering gives them.
#pragma once

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace lathe::portable {

struct RecurrenceFunction {
  double (*apply)(double x, double alpha, double beta) = nullptr;
  double alpha = 0;
  double beta = 0;
};

/// In the order of the lowering's list of names (formats/onnx_lower_recurrence.cc).
inline constexpr std::array<double (*)(double, double, double), 11> kRecurrenceFunctions = {
    [](double x, double, double) { return std::max(x, 0.0); },                        // relu
    [](double x, double, double) { return std::tanh(x); },                            // tanh
    [](double x, double, double) { return 1.0 / (1.0 + std::exp(-x)); },              // sigmoid
    [](double x, double alpha, double beta) { return alpha * x + beta; },             // affine
    [](double x, double alpha, double) { return x >= 0 ? x : alpha * x; },            // leakyrelu
    [](double x, double alpha, double) { return x >= alpha ? x : 0.0; },              // thresholdedrelu
    [](double x, double alpha, double beta) { return alpha * std::tanh(beta * x); },  // scaledtanh
    [](double x, double alpha, double beta) {
      return std::clamp(alpha * x + beta, 0.0, 1.0);
    },                                                                                  // hardsigmoid
    [](double x, double alpha, double) { return x >= 0 ? x : alpha * std::expm1(x); },  // elu
    [](double x, double, double) { return x / (1.0 + std::fabs(x)); },                  // softsign
    [](double x, double, double) { return x > 0 ? x + std::log1p(std::exp(-x)) : std::log1p(std::exp(x)); },
};

inline constexpr std::size_t kMostFunctions = 6;  // three for each direction

/// Reads up to kMostFunctions numbers of a list in text; how many there are.
inline std::size_t read_numbers(std::string_view text, std::array<double, kMostFunctions>& numbers) {
  std::size_t count = 0;
  const char* at = text.data();
  const char* end = at + text.size();
  while (at < end && count < numbers.size()) {
    if (*at == ' ') {
      ++at;
      continue;
    }
    const auto [next, error] = std::from_chars(at, end, numbers[count]);
    if (error != std::errc()) break;
    ++count;
    at = next < end ? next + 1 : end;  // behind the comma
  }
  return count;
}

struct RecurrenceFunctions {
  std::array<RecurrenceFunction, kMostFunctions> functions{};

  /// Of the attributes activations, activation_alpha and activation_beta, which have one entry for each.
  RecurrenceFunctions(const char* codes, const char* alphas, const char* betas) {
    std::array<double, kMostFunctions> code{};
    std::array<double, kMostFunctions> alpha{};
    std::array<double, kMostFunctions> beta{};
    const std::size_t count = read_numbers(codes, code);
    read_numbers(alphas, alpha);
    read_numbers(betas, beta);
    for (std::size_t i = 0; i < count; ++i) {
      const auto index = static_cast<std::size_t>(std::clamp(code[i], 0.0, 10.0));
      functions[i] = {kRecurrenceFunctions[index], alpha[i], beta[i]};
    }
  }
};

}  // namespace lathe::portable
