// Figures of a text against the plain definitions, on logits made here.
#include "api/text_scores.h"

#include <gmock/gmock.h>

#include <cmath>
#include <limits>
#include <random>

#include "base/error.h"

namespace lathe {
namespace {

using testing::HasSubstr;

constexpr std::size_t kVocabulary = 40;
constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();

struct Text {
  std::vector<TokenId> ids;
  LogitsWindow window, reference;
};

/// Positions [first, first + rows) of a chunk of `length` tokens; the reference's logits are near the
/// model's.
Text make_text(std::size_t length, std::int32_t first, std::size_t rows) {
  std::mt19937 random(7);
  std::normal_distribution<float> normal;
  Text text;
  for (std::size_t i = 0; i < length; ++i) text.ids.push_back(static_cast<TokenId>(random() % kVocabulary));
  for (std::size_t i = 0; i < rows; ++i) {
    std::vector<float> row(kVocabulary), other(kVocabulary);
    for (std::size_t k = 0; k < kVocabulary; ++k) {
      row[k] = 2 * normal(random);
      other[k] = row[k] + normal(random) / 4;
    }
    text.window.add(first + static_cast<std::int32_t>(i), row);
    text.reference.add(first + static_cast<std::int32_t>(i), other);
  }
  return text;
}

std::vector<double> probabilities(std::span<const float> logits) {
  double sum = 0;
  std::vector<double> result;
  for (const float logit : logits) sum += std::exp(double{logit});
  for (const float logit : logits) result.push_back(std::exp(double{logit}) / sum);
  return result;
}

TEST(TextScores, AreThoseOfTheDefinitionsWithAnyNumberOfThreads) {
  const Text text = make_text(80, 20, 59);  // as without --all: the last position is left out
  for (const int threads : {1, 3}) {
    TextScores scores("model", "reference", threads);
    scores.add(text.ids, text.window, &text.reference);
    const auto all = scores.all();
    ASSERT_EQ(all.size(), 59u);
    double kl = 0, surprise = 0, of_reference = 0, squares = 0, same = 0;
    for (std::size_t i = 0; i < all.size(); ++i) {
      const auto p = probabilities(text.reference.row(i)), q = probabilities(text.window.row(i));
      double expected = 0;
      for (std::size_t k = 0; k < kVocabulary; ++k) expected += p[k] * std::log(p[k] / q[k]);
      EXPECT_NEAR(all[i].divergence, expected, 1e-10);
      EXPECT_EQ(all[i].same_top,
                std::ranges::max_element(p) - p.begin() == std::ranges::max_element(q) - q.begin());
      const auto next = static_cast<std::size_t>(text.ids[21 + i]);
      kl += expected;
      surprise -= std::log(q[next]);
      of_reference -= std::log(p[next]);
      squares += (q[next] - p[next]) * (q[next] - p[next]);
      same += all[i].same_top ? 1 : 0;
    }
    const TextDivergence figures = divergence(all);
    EXPECT_NEAR(perplexity(all).value, std::exp(surprise / 59), 1e-8);
    EXPECT_NEAR(figures.reference_perplexity.value, std::exp(of_reference / 59), 1e-8);
    EXPECT_NEAR(figures.log_ratio.value, (surprise - of_reference) / 59, 1e-8);
    EXPECT_NEAR(figures.ratio.value, std::exp((surprise - of_reference) / 59), 1e-8);
    EXPECT_NEAR(figures.difference.value, std::exp(surprise / 59) - std::exp(of_reference / 59), 1e-8);
    EXPECT_NEAR(figures.kl.mean.value, kl / 59, 1e-10);
    EXPECT_NEAR(figures.delta_p_rms.value, std::sqrt(squares / 59), 1e-8);
    EXPECT_NEAR(figures.same_top.value, same / 59, 1e-12);
    EXPECT_GT(same, 20);
    EXPECT_LT(same, 59);
  }
}

/// The error of a ratio is that of the mean of differences, since both are of the same tokens.
TEST(TextScores, ErrorsKnowThatBothReadTheSameText) {
  const Text text = make_text(500, 0, 499);
  TextScores scores("model", "reference", 1);
  scores.add(text.ids, text.window, &text.reference);
  std::vector<double> differences, own;
  for (const auto& score : scores.all()) {
    differences.push_back(score.surprise - score.reference_surprise);
    own.push_back(score.surprise);
  }
  const TextDivergence figures = divergence(scores.all());
  EXPECT_NEAR(figures.log_ratio.error, moments(differences).error_of_mean, 1e-9);
  EXPECT_NEAR(figures.ratio.error, figures.ratio.value * moments(differences).error_of_mean, 1e-9);
  const Figure of = perplexity(scores.all());
  EXPECT_NEAR(of.error, of.value * moments(own).error_of_mean, 1e-9);
  EXPECT_LT(figures.difference.error, of.error / 2);
  EXPECT_GT(figures.correlation, 0.9);
  EXPECT_LE(figures.correlation, 1);
  EXPECT_NEAR(figures.same_top.error, std::sqrt(figures.same_top.value * (1 - figures.same_top.value) / 498),
              1e-12);
}

TEST(TextScores, QuantilesAscendBetweenTheExtremes) {
  const Text text = make_text(200, 0, 199);
  TextScores scores("model", "reference", 1);
  scores.add(text.ids, text.window, &text.reference);
  const TextDivergence figures = divergence(scores.all());
  for (const auto* spread : {&figures.kl, &figures.delta_p}) {
    double last = spread->minimum;
    for (const auto& quantile : spread->quantiles) {
      EXPECT_GE(quantile.at.value, last);
      last = quantile.at.value;
    }
    EXPECT_LE(last, spread->maximum);
    EXPECT_EQ(spread->at(0.5).value, spread->quantiles[spread->quantiles.size() / 2].at.value);
    EXPECT_TRUE(std::isnan(spread->at(0.123).value));
  }
  EXPECT_GE(figures.kl.minimum, 0);
}

TEST(TextScores, TheLastPositionOfAChunkHasADivergenceAlone) {
  const Text text = make_text(10, 0, 10);
  TextScores scores("model", "reference", 1);
  scores.add(text.ids, text.window, &text.reference);
  EXPECT_FALSE(scores.all().back().has_next);
  EXPECT_GT(scores.all().back().divergence, 0);
  EXPECT_EQ(divergence(scores.all()).kl_at.size(), 10u);
  TextScores without("model", "", 1);
  Text shorter = make_text(10, 0, 9);
  without.add(shorter.ids, shorter.window);
  EXPECT_EQ(perplexity(without.all()).value, perplexity(scores.all()).value);
}

TEST(TextScores, EqualDistributionsAreAtNoDistance) {
  const Text text = make_text(50, 0, 49);
  TextScores scores("model", "reference", 1);
  scores.add(text.ids, text.window, &text.window);
  const TextDivergence figures = divergence(scores.all());
  EXPECT_EQ(figures.kl.maximum, 0);
  EXPECT_EQ(figures.delta_p_rms.value, 0);
  EXPECT_EQ(figures.delta_p_rms.error, 0);
  EXPECT_EQ(figures.log_ratio.value, 0);
  EXPECT_NEAR(figures.log_ratio.error, 0, 1e-9);
  EXPECT_EQ(figures.same_top.value, 1);
  EXPECT_NEAR(figures.correlation, 1, 1e-9);
}

std::string refusal(const LogitsWindow& window, const LogitsWindow* reference) {
  const std::vector<TokenId> ids(50);
  for (const int threads : {1, 2}) {
    TextScores scores("one.gguf", "other.gguf", threads);
    try {
      scores.add(ids, window, reference);
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::invalid_model);
      if (threads == 2) return error.what();
    }
  }
  return "nothing";
}

TEST(TextScores, NumbersThatAreNoneAreNamed) {
  for (const float bad : {kNaN, std::numeric_limits<float>::infinity()}) {
    Text text = make_text(50, 30, 10);
    text.window.logits[4 * kVocabulary + 17] = bad;
    const auto what = refusal(text.window, &text.reference);
    for (const char* part :
         {"one.gguf", "position 34", "token 17", std::isnan(bad) ? "not a number" : "infinite"})
      EXPECT_THAT(what, HasSubstr(part));
    EXPECT_THAT(refusal(text.reference, &text.window), HasSubstr("other.gguf"));
    EXPECT_THAT(refusal(text.window, nullptr), HasSubstr("one.gguf"));
  }
}

}  // namespace
}  // namespace lathe
