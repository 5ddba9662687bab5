// How far numbers are from those that they stand for, and statistics of such distances. All sums in double.
#pragma once

#include <cstdint>
#include <span>

namespace lathe {

/// Of values that stand for others. With a value that is not finite on either side, what it enters is NaN or
/// infinite.
struct ValueErrors {
  double mean_squared;  // MSE
  double sqnr;          // signal to quantization noise in dB, 10 log10(sum r^2 / sum (r - v)^2); infinite
                        // where nothing is lost, NaN where there is no signal either
  double cosine;        // of the two as vectors; 1 where both are zero
  double largest;       // of |r - v|
};

/// `reference` and `values` have one length, at least 1.
ValueErrors value_errors(std::span<const float> reference, std::span<const float> values);

/// Two distributions over the same ids, and what each is on its own: log p(id) = logit - log_sum.
struct DistributionDifference {
  double divergence;                        // KL in nats from the reference's, never negative
  double reference_log_sum, log_sum;        // log of the sum of exp(logit)
  std::int32_t reference_top = 0, top = 0;  // the likeliest id; of equals the first
};

/// Of softmax(reference_logits) and softmax(logits), of one length, at least 1. A logit of minus infinity is
/// a probability of 0; where the reference gives such an id a chance, the divergence is infinite. NaN for
/// NaN.
DistributionDifference distribution_difference(std::span<const float> reference_logits,
                                               std::span<const float> logits);

/// The divergence alone.
double kl_divergence(std::span<const float> reference_logits, std::span<const float> logits);

struct Moments {
  double mean;
  double deviation;      // of a sample (n - 1); 0 for fewer than two
  double error_of_mean;  // deviation / sqrt(n): one standard error
};

/// All 0 for no values.
Moments moments(std::span<const double> values);

/// The value below which a share `q` (0 to 1) of the ascending values lies, between two of them by straight
/// line, as numpy.quantile has it. At least one value; q = 0.5 is the median.
double quantile(std::span<const double> sorted, double q);

/// One standard error of quantile(sorted, q): half the distance between the quantiles whose ranks are one
/// deviation, sqrt(n q (1 - q)), below and above. It asks nothing about how values are distributed. 0 for the
/// smallest and the largest, of which a sample does not tell.
double error_of_quantile(std::span<const double> sorted, double q);

}  // namespace lathe
