#include "api/text_scores.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <exception>
#include <mutex>

#include "base/error.h"
#include "quant/error_measures.h"

namespace lathe {
namespace {

constexpr std::array kTailShares = {0.001, 0.01, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99, 0.999};

Figure mean_of(std::span<const double> values) {
  const Moments of = moments(values);
  return {of.mean, of.error_of_mean};
}

Spread spread_of(std::vector<double> values) {
  Spread spread;
  spread.mean = mean_of(values);
  std::ranges::sort(values);
  spread.minimum = values.front();
  spread.maximum = values.back();
  for (const double share : kTailShares)
    spread.quantiles.push_back({share, {quantile(values, share), error_of_quantile(values, share)}});
  return spread;
}

/// Of the means of two samples, taken at the same positions.
double covariance_of_means(std::span<const double> a, std::span<const double> b) {
  if (a.size() < 2) return 0;
  const double mean_a = moments(a).mean, mean_b = moments(b).mean;
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += (a[i] - mean_a) * (b[i] - mean_b);
  const auto count = static_cast<double>(a.size());
  return sum / (count * (count - 1));
}

/// exp of a figure.
Figure exponential(Figure of) {
  const double value = std::exp(of.value);
  return {value, value * of.error};
}

/// Of a difference of two figures with this covariance.
double error_of_difference(double a, double b, double covariance) {
  return std::sqrt(std::max(a * a + b * b - 2 * covariance, 0.0));
}

}  // namespace

TextScores::TextScores(std::string model, std::string reference, int threads)
    : model_(std::move(model)), reference_(std::move(reference)), pool_(threads) {}

PositionScore TextScores::score(std::span<const TokenId> ids, const LogitsWindow& window,
                                const LogitsWindow* reference, std::size_t row) const {
  const auto position = static_cast<std::size_t>(window.position) + row;
  const auto logits = window.row(row);
  const auto of_reference = reference == nullptr ? logits : reference->row(row);
  const auto difference = distribution_difference(of_reference, logits);
  if (!std::isfinite(difference.log_sum) || !std::isfinite(difference.reference_log_sum)) {
    require_numbers(of_reference, reference == nullptr ? model_ : reference_,
                    window.position + static_cast<std::int32_t>(row));
    require_numbers(logits, model_, window.position + static_cast<std::int32_t>(row));
  }
  PositionScore score;
  score.divergence = difference.divergence;
  score.same_top = difference.top == difference.reference_top;
  score.has_next = position + 1 < ids.size();
  if (score.has_next) {
    const auto next = static_cast<std::size_t>(ids[position + 1]);
    score.surprise = difference.log_sum - double{logits[next]};
    score.reference_surprise = difference.reference_log_sum - double{of_reference[next]};
  }
  return score;
}

void TextScores::add(std::span<const TokenId> ids, const LogitsWindow& window,
                     const LogitsWindow* reference) {
  const std::size_t done = scores_.size();
  scores_.resize(done + window.rows);
  std::mutex mutex;
  std::exception_ptr failed;  // tasks of the pool must not throw
  pool_.run([&](int thread) {
    const auto threads = static_cast<std::size_t>(pool_.threads());
    try {
      for (auto row = static_cast<std::size_t>(thread); row < window.rows; row += threads)
        scores_[done + row] = score(ids, window, reference, row);
    } catch (...) {
      const std::lock_guard lock(mutex);
      failed = std::current_exception();
    }
  });
  if (failed) std::rethrow_exception(failed);
}

Figure perplexity(std::span<const PositionScore> scores) {
  std::vector<double> surprises;
  for (const auto& score : scores)
    if (score.has_next) surprises.push_back(score.surprise);
  return exponential(mean_of(surprises));
}

TextDivergence divergence(std::span<const PositionScore> scores) {
  std::vector<double> surprises, of_reference, steps, squares;
  TextDivergence result;
  double same = 0;
  for (const auto& score : scores) {
    result.kl_at.push_back(score.divergence);
    same += score.same_top ? 1 : 0;
    if (!score.has_next) continue;
    surprises.push_back(score.surprise);
    of_reference.push_back(score.reference_surprise);
    steps.push_back(std::exp(-score.surprise) - std::exp(-score.reference_surprise));
    squares.push_back(steps.back() * steps.back());
  }
  const Figure mean = mean_of(surprises), reference_mean = mean_of(of_reference);
  const double covariance = covariance_of_means(surprises, of_reference);
  const Figure own = exponential(mean);
  result.reference_perplexity = exponential(reference_mean);
  const double errors = mean.error * reference_mean.error;
  result.correlation = errors > 0 ? covariance / errors : 0;
  result.log_ratio = {mean.value - reference_mean.value,
                      error_of_difference(mean.error, reference_mean.error, covariance)};
  result.ratio = exponential(result.log_ratio);
  result.difference = {own.value - result.reference_perplexity.value,
                       error_of_difference(own.error, result.reference_perplexity.error,
                                           own.value * result.reference_perplexity.value * covariance)};
  result.kl = spread_of(result.kl_at);
  result.delta_p = spread_of(steps);
  const Figure square = mean_of(squares);
  result.delta_p_rms.value = std::sqrt(square.value);
  if (square.value > 0) result.delta_p_rms.error = square.error / (2 * result.delta_p_rms.value);
  const auto count = static_cast<double>(scores.size());
  result.same_top.value = same / count;
  if (count > 1)
    result.same_top.error = std::sqrt(result.same_top.value * (1 - result.same_top.value) / (count - 1));
  return result;
}

}  // namespace lathe
