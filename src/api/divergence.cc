#include "api/divergence.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>

#include "base/error.h"
#include "base/thread_pool.h"

namespace lathe {
namespace {

constexpr std::size_t kRowsAtOnce = 32;  // that threads share

}  // namespace

LogitsSource logits_of(Engine& engine) {
  return [&engine](std::span<const TokenId> ids, std::int32_t first, const LogitsRow& row) {
    engine.evaluate(ids, 0, row, first);
  };
}

void require_numbers(std::span<const float> logits, const std::string& model, std::int32_t position) {
  const auto bad = std::ranges::find_if(logits, [](float value) {
    return std::isnan(value) || value == std::numeric_limits<float>::infinity();
  });
  if (bad == logits.end()) return;
  throw Error(ErrorCode::invalid_model, model + " gives a logit that is " +
                                            (std::isnan(*bad) ? "not a number" : "infinite") +
                                            " at position " + std::to_string(position) + ", of token " +
                                            std::to_string(bad - logits.begin()));
}

KeptReference::KeptReference(const LogitsSource& reference, std::vector<std::vector<TokenId>> sequences,
                             std::int32_t first, int threads)
    : sequences_(std::move(sequences)), first_(first), threads_(threads) {
  std::size_t rows = 0;
  for (const auto& ids : sequences_) rows += ids.size() - static_cast<std::size_t>(first);
  for (const auto& ids : sequences_)
    reference(ids, first, [&](std::int32_t position, std::span<const float> row) {
      require_numbers(row, "the reference", position);
      if (logits_.empty()) {
        vocabulary_ = row.size();
        logits_.reserve(rows * vocabulary_);
      }
      logits_.insert(logits_.end(), row.begin(), row.end());
    });
}

std::vector<double> KeptReference::divergences(const LogitsSource& candidate) const {
  ThreadPool pool(threads_);
  std::vector<double> result;
  std::vector<float> rows;  // [at most kRowsAtOnce, vocabulary]
  const auto score = [&] {
    const std::size_t count = rows.size() / vocabulary_;
    const std::size_t done = result.size();
    result.resize(done + count);
    pool.run([&](int thread) {
      for (auto i = static_cast<std::size_t>(thread); i < count;
           i += static_cast<std::size_t>(pool.threads()))
        result[done + i] = kl_divergence(std::span(logits_).subspan((done + i) * vocabulary_, vocabulary_),
                                         std::span(rows).subspan(i * vocabulary_, vocabulary_));
    });
    rows.clear();
  };
  for (const auto& ids : sequences_)
    candidate(ids, first_, [&](std::int32_t position, std::span<const float> row) {
      if (row.size() != vocabulary_)
        throw Error(ErrorCode::invalid_argument, "the model's vocabulary has " + std::to_string(row.size()) +
                                                     " tokens, the reference's " +
                                                     std::to_string(vocabulary_));
      require_numbers(row, "the model", position);
      rows.insert(rows.end(), row.begin(), row.end());
      if (rows.size() == kRowsAtOnce * vocabulary_) score();
    });
  if (!rows.empty()) score();
  return result;
}

}  // namespace lathe
