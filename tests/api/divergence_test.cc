// A reference's logits that are kept, and what others' divergence from them is.
#include "api/divergence.h"

#include <gmock/gmock.h>

#include <cmath>
#include <limits>
#include <random>

#include "base/error.h"

namespace lathe {
namespace {

constexpr std::size_t kVocabulary = 30;

/// Logits that depend on the ids up to a position, plus noise of this size.
LogitsSource source_of(float noise, std::size_t vocabulary = kVocabulary) {
  return [=](std::span<const TokenId> ids, std::int32_t first, const LogitsRow& row) {
    for (auto at = first; at < static_cast<std::int32_t>(ids.size()); ++at) {
      std::mt19937 random(static_cast<unsigned>(ids[static_cast<std::size_t>(at)] * 1000 + at));
      std::normal_distribution<float> normal;
      std::vector<float> logits(vocabulary);
      for (auto& logit : logits) {
        const float exact = normal(random);
        logit = exact + noise * normal(random);
      }
      row(at, logits);
    }
  };
}

const std::vector<std::vector<TokenId>> kSequences = {std::vector<TokenId>(50, 3),
                                                      std::vector<TokenId>(41, 8)};

TEST(KeptReference, IsAtNoDistanceFromItself) {
  const KeptReference reference(source_of(0), kSequences);
  const Moments divergence = reference.divergence(source_of(0));
  EXPECT_EQ(divergence.mean, 0);
  EXPECT_EQ(divergence.error_of_mean, 0);
  EXPECT_EQ(reference.bytes(), 91 * kVocabulary * sizeof(float));
}

TEST(KeptReference, GivesTheDivergenceOfEveryKeptPosition) {
  for (const int threads : {1, 3}) {
    const KeptReference reference(source_of(0), kSequences, 10, threads);
    const auto values = reference.divergences(source_of(0.1f));
    ASSERT_EQ(values.size(), 71u);
    std::vector<std::vector<float>> exact, noisy;
    for (const auto& ids : kSequences) {
      source_of(0)(ids, 10, [&](std::int32_t, std::span<const float> row) {
        exact.emplace_back(row.begin(), row.end());
      });
      source_of(0.1f)(ids, 10, [&](std::int32_t, std::span<const float> row) {
        noisy.emplace_back(row.begin(), row.end());
      });
    }
    for (std::size_t i = 0; i < values.size(); ++i)
      EXPECT_EQ(values[i], kl_divergence(exact[i], noisy[i])) << i;
    // Small noise of deviation s: half its variance.
    EXPECT_NEAR(reference.divergence(source_of(0.1f)).mean, 0.005, 0.001);
  }
}

TEST(KeptReference, RefusesOtherVocabulariesAndWhatIsNoNumber) {
  const KeptReference reference(source_of(0), kSequences);
  EXPECT_THROW(reference.divergences(source_of(0, kVocabulary + 1)), Error);
  const LogitsSource broken = [](std::span<const TokenId>, std::int32_t first, const LogitsRow& row) {
    row(first, std::vector<float>(kVocabulary, std::numeric_limits<float>::quiet_NaN()));
  };
  EXPECT_THROW(reference.divergences(broken), Error);
  EXPECT_THROW(KeptReference(broken, kSequences), Error);
}

}  // namespace
}  // namespace lathe
