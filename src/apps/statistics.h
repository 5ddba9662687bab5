// Small statistics for benchmarks.
#pragma once

#include <array>
#include <span>
#include <vector>

namespace lathe::apps {

double mean(std::span<const double> values);
double median(std::vector<double> values);
double standard_deviation(std::span<const double> values);  // of a sample; 0 for fewer than two

/// The least-squares c[0] + c[1] x + c[2] x^2; at least three points with different x.
std::array<double, 3> fit_parabola(std::span<const double> x, std::span<const double> y);

}  // namespace lathe::apps
