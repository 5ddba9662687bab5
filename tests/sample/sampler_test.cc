#include "sample/sampler.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <numeric>
#include <random>
#include <set>

#include "base/error.h"
#include "sample/selection.h"

namespace lathe {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

using Logits = std::vector<float>;

/// What a device makes of logits: the definitions of TopK and LogSumExp, with float exponentials.
struct Device {
  std::vector<Candidate> candidates;
  float log_sum_exp = 0;

  explicit Device(const Logits& logits) {
    for (std::size_t i = 0; i < logits.size(); ++i)
      candidates.push_back({static_cast<std::int32_t>(i), logits[i]});
    std::stable_sort(candidates.begin(), candidates.end(),
                     [](auto& a, auto& b) { return a.logit > b.logit; });
    candidates.resize(kCandidates, {-1, -kInfinity});
    double sum = 0;
    const float greatest = candidates.front().logit;
    for (const float logit : logits) sum += static_cast<double>(std::exp(logit - greatest));
    log_sum_exp = greatest + static_cast<float>(std::log(sum));
  }
};

Logits random_logits(std::mt19937_64& random, std::size_t count, double spread) {
  std::normal_distribution<double> normal(0.0, spread);
  Logits logits(count);
  for (auto& logit : logits) logit = static_cast<float>(normal(random));
  return logits;
}

/// The documented order of operations, by full sort and long double: what can be drawn, with its probability.
std::map<std::int32_t, double> reference_distribution(const SamplingParameters& p, const Logits& logits) {
  std::vector<Candidate> sorted;
  for (std::size_t i = 0; i < logits.size(); ++i)
    if (!std::isnan(logits[i])) sorted.push_back({static_cast<std::int32_t>(i), logits[i]});
  std::sort(sorted.begin(), sorted.end(), before);
  if (p.top_k > 0 && static_cast<std::size_t>(p.top_k) < sorted.size())
    sorted.resize(static_cast<std::size_t>(p.top_k));
  const long double greatest = sorted.front().logit;
  const auto weight = [&](const Candidate& c, long double t) { return std::exp((c.logit - greatest) / t); };
  long double total = 0;
  for (auto& c : sorted) total += weight(c, 1);
  long double sum = 0;
  std::size_t length = 0;
  while (length < sorted.size() && sum < p.top_p * total) sum += weight(sorted[length++], 1);
  if (p.top_p < 1.0) sorted.resize(length);
  std::map<std::int32_t, double> result;
  long double kept = 0;
  for (auto& c : sorted)
    if (weight(c, 1) >= p.min_p) kept += weight(c, p.temperature);
  for (auto& c : sorted)
    if (weight(c, 1) >= p.min_p) result[c.id] = static_cast<double>(weight(c, p.temperature) / kept);
  return result;
}

TEST(Sampler, GreedyTakesTheLowestOfEqualMaxima) {
  Sampler sampler({});
  EXPECT_EQ(sampler.needs(), SamplingNeeds::arg_max);
  EXPECT_EQ(sampler.sample(Logits{1, 5, kNan, 5, -kInfinity}, {}), 1);
  EXPECT_EQ(sampler.sample(Logits{kNan, kInfinity, kInfinity}, {}), 1);
}

TEST(Sampler, TopPOfZeroAndTopKOfOneAreGreedy) {
  for (auto parameters : {SamplingParameters{.temperature = 2, .top_p = 0}, {.temperature = 2, .top_k = 1}}) {
    Sampler sampler(parameters);
    EXPECT_EQ(sampler.needs(), SamplingNeeds::arg_max);
    for (int i = 0; i < 50; ++i) EXPECT_EQ(sampler.sample(Logits{1, 1.01F, 1}, {}), 1);
  }
}

TEST(Sampler, NeedsTheLeastThatDecides) {
  const auto needs = [](SamplingParameters p) { return Sampler(p).needs(); };
  EXPECT_EQ(needs({.temperature = 1}), SamplingNeeds::logits);
  EXPECT_EQ(needs({.temperature = 1, .top_k = 128}), SamplingNeeds::candidates);
  EXPECT_EQ(needs({.temperature = 1, .top_k = 129}), SamplingNeeds::logits);
  EXPECT_EQ(needs({.temperature = 1, .top_k = 129, .top_p = 0.9}), SamplingNeeds::logits);
  EXPECT_EQ(needs({.temperature = 1, .top_p = 0.9}), SamplingNeeds::candidates);
  EXPECT_EQ(needs({.temperature = 1, .min_p = 0.1}), SamplingNeeds::candidates);
  EXPECT_EQ(needs({.repetition_penalty = 1.1}), SamplingNeeds::logits);
  EXPECT_EQ(needs({.repetition_penalty = 1.1, .penalty_window = 0}), SamplingNeeds::arg_max);
}

TEST(Sampler, CandidatesPickWhatAllLogitsWouldPick) {
  std::mt19937_64 random(7);
  const auto choose = [&](auto... values) {
    const std::vector<double> list{static_cast<double>(values)...};
    return list[random() % list.size()];
  };
  int decided = 0;
  for (int round = 0; round < 3000; ++round) {
    SamplingParameters parameters;
    parameters.temperature = choose(0.0, 0.01, 0.7, 1.0, 1.5, 100.0);
    parameters.top_k = static_cast<std::int32_t>(choose(0, 0, 1, 2, 40, 127, 128, 129, 1000));
    parameters.top_p = choose(0.0, 0.1, 0.5, 0.9, 0.95, 0.999, 1.0, 1.0);
    parameters.min_p = choose(0.0, 0.0, 1e-6, 0.05, 0.3, 1.0);
    parameters.seed = random();
    auto logits = random_logits(random, static_cast<std::size_t>(choose(1, 5, 127, 128, 129, 1500)),
                                choose(0.0, 0.1, 2.0, 5.0));
    if (choose(0, 1, 2) == 0) {  // ties, as quantized weights make them
      for (auto& logit : logits) logit = std::round(logit * 4) / 4;
    }
    if (choose(0, 1, 2, 3) == 0) {
      for (auto& logit : logits)
        if (random() % 3 == 0) logit = -kInfinity;
      logits[random() % logits.size()] = 1;
    }
    const Device device(logits);
    Sampler from_candidates(parameters);
    Sampler from_logits(parameters);
    for (int draw = 0; draw < 4; ++draw) {
      const auto expected = from_logits.sample(logits, {});
      const auto token = from_candidates.sample(device.candidates, device.log_sum_exp);
      decided += token ? 1 : 0;
      // Undecided candidates leave the generator where it was.
      ASSERT_EQ(token ? *token : from_candidates.sample(logits, {}), expected) << "round " << round;
    }
  }
  EXPECT_GT(decided, 6000);
}

TEST(Sampler, CandidatesDecideWhereTheSettingsSayTheyMay) {
  std::mt19937_64 random(3);
  for (auto parameters : {SamplingParameters{.temperature = 1, .top_k = 40, .top_p = 0.95},
                          {.temperature = 0.8, .top_p = 0.9},
                          {.temperature = 1, .min_p = 0.05}}) {
    Sampler sampler(parameters);
    int decided = 0;
    for (int i = 0; i < 200; ++i) {
      const Device device(random_logits(random, 2000, 5.0));
      decided += sampler.sample(device.candidates, device.log_sum_exp) ? 1 : 0;
    }
    EXPECT_GE(decided, 198);
  }
}

TEST(Sampler, DrawsAsTheDocumentedOrderSays) {
  std::mt19937_64 random(11);
  for (auto parameters : {SamplingParameters{.temperature = 1},
                          {.temperature = 0.7, .top_k = 5},
                          {.temperature = 2, .top_p = 0.8},
                          {.temperature = 1, .min_p = 0.2},
                          {.temperature = 1.5, .top_k = 20, .top_p = 0.9, .min_p = 0.02},
                          {.temperature = 1, .top_k = 150, .top_p = 0.97}}) {
    const auto logits = random_logits(random, 300, 2.0);
    const auto expected = reference_distribution(parameters, logits);
    Sampler sampler(parameters);
    std::map<std::int32_t, int> counts;
    constexpr int kDraws = 20000;
    for (int i = 0; i < kDraws; ++i) ++counts[sampler.sample(logits, {})];
    for (const auto& [id, count] : counts) ASSERT_TRUE(expected.contains(id)) << id;
    for (const auto& [id, probability] : expected) {
      const double deviation = std::sqrt(probability * (1 - probability) * kDraws);
      EXPECT_NEAR(counts[id], probability * kDraws, 5 * deviation + 1) << id;
    }
  }
}

TEST(Sampler, WideNucleusKeepsExactlyWhatASortWouldKeep) {
  std::mt19937_64 random(5);
  for (int round = 0; round < 100; ++round) {
    const auto logits = random_logits(random, 5000, 0.5 + round * 0.05);
    std::vector<Candidate> set;
    select_first(logits, logits.size(), set);
    ASSERT_EQ(set.size(), logits.size());
    auto sorted = set;
    std::sort(sorted.begin(), sorted.end(), before);
    const float greatest = sorted.front().logit;
    double total = 0;
    for (auto& candidate : sorted) total += relative_weight(candidate.logit, greatest);
    for (const double part : {1e-9, 0.3, 0.9, 0.99999}) {
      const auto length = nucleus_length(sorted, greatest, part * total);
      const auto cut = nucleus_cut(set, greatest, part * total);
      ASSERT_EQ(cut.id, sorted[length - 1].id) << part;
    }
    for (const std::size_t count : {1U, 2U, 64U, 500U, 4999U, 5000U, 9000U}) {
      select_first(logits, count, set);
      ASSERT_EQ(set.size(), std::min<std::size_t>(count, logits.size()));
      const auto last = std::max_element(set.begin(), set.end(), before);
      ASSERT_EQ(last->id, sorted[set.size() - 1].id);
      select_first(logits, logits.size(), set);
    }
  }
}

TEST(Sampler, SameSeedSameTokensAndOtherSeedOthers) {
  std::mt19937_64 random(1);
  const auto logits = random_logits(random, 1000, 1.0);
  const auto tokens = [&](std::uint64_t seed) {
    Sampler sampler({.temperature = 1, .seed = seed});
    std::vector<std::int32_t> result;
    for (int i = 0; i < 30; ++i) result.push_back(sampler.sample(logits, {}));
    return result;
  };
  EXPECT_EQ(tokens(42), tokens(42));
  std::set<std::vector<std::int32_t>> different;
  for (std::uint64_t seed = 0; seed < 20; ++seed) different.insert(tokens(seed));
  EXPECT_EQ(different.size(), 20U);
}

TEST(Sampler, SameTextOnEveryMachine) {
  // From a model of the documented rules in Python; every compiler, C library and processor must give the
  // same.
  Logits logits(50);
  for (std::size_t i = 0; i < logits.size(); ++i) logits[i] = static_cast<float>((i * 37) % 50) * 0.125F;
  Sampler sampler({.temperature = 0.9, .top_p = 0.95, .seed = 2024});
  std::vector<std::int32_t> tokens;
  for (int i = 0; i < 12; ++i) tokens.push_back(sampler.sample(logits, {}));
  EXPECT_EQ(tokens, (std::vector<std::int32_t>{8, 1, 8, 4, 12, 4, 31, 27, 28, 16, 8, 31}));
}

TEST(Sampler, PenaltiesCountTokensInTheWindow) {
  const Logits logits{2.0F, 1.9F, -1.0F, 0.5F};
  const std::vector<std::int32_t> recent{3, 3, 0, 0, 0};
  const auto greedy = [&](SamplingParameters p) { return Sampler(p).sample(logits, recent); };
  EXPECT_EQ(greedy({.repetition_penalty = 1.1}), 1);  // 2 / 1.1 < 1.9
  EXPECT_EQ(greedy({.repetition_penalty = 1.01}), 0);
  EXPECT_EQ(greedy({.presence_penalty = 0.2}), 1);
  EXPECT_EQ(greedy({.presence_penalty = 0.05}), 0);
  EXPECT_EQ(greedy({.frequency_penalty = 0.05}), 1);  // three times 0.05
  EXPECT_EQ(greedy({.frequency_penalty = 0.03}), 0);
  EXPECT_EQ(greedy({.presence_penalty = -3.0}), 0);
  // A window of two sees token 0 twice and token 3 not at all.
  EXPECT_EQ(greedy({.frequency_penalty = 0.04, .penalty_window = 2}), 0);
  EXPECT_EQ(greedy({.frequency_penalty = -3, .penalty_window = 4}), 0);
  EXPECT_EQ(Sampler({.repetition_penalty = 2.0}).sample(Logits{-1.0F, -1.5F}, std::vector<std::int32_t>{0}),
            1);
}

TEST(Sampler, NanIsNeverPicked) {
  std::mt19937_64 random(9);
  for (auto parameters : {SamplingParameters{.temperature = 1},
                          {.temperature = 1, .top_k = 4},
                          {.temperature = 1, .top_p = 0.9},
                          {.temperature = 1, .min_p = 0.01},
                          {.temperature = 1, .repetition_penalty = 1.2}}) {
    auto logits = random_logits(random, 400, 1.0);
    for (std::size_t i = 0; i < logits.size(); i += 2) logits[i] = kNan;
    Sampler sampler(parameters);
    for (int i = 0; i < 200; ++i) EXPECT_EQ(sampler.sample(logits, {}) % 2, 1);
  }
  Sampler sampler({.temperature = 1, .top_k = 2});
  EXPECT_FALSE(sampler.sample(std::vector<Candidate>{{4, kNan}, {1, 2.0F}}, kNan));
}

TEST(Sampler, NoPossibleTokenIsAnErrorOfTheModel) {
  for (auto parameters : {SamplingParameters{}, {.temperature = 1}, {.temperature = 1, .top_k = 3}}) {
    Sampler sampler(parameters);
    for (const float value : {kNan, -kInfinity}) {
      try {
        sampler.sample(Logits(300, value), {});
        FAIL() << "picked a token from nothing";
      } catch (const Error& error) {
        EXPECT_EQ(error.code(), ErrorCode::invalid_model);
      }
    }
    EXPECT_THROW(sampler.sample(std::vector<Candidate>(kCandidates, {0, -kInfinity}), -kInfinity), Error);
  }
}

TEST(SamplingParameters, OutOfRangeNamesTheField) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const double infinity = std::numeric_limits<double>::infinity();
  const auto field = [](const SamplingParameters& parameters) -> std::string {
    try {
      validate(parameters);
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::invalid_argument);
      return error.place().field;
    }
    return "";
  };
  for (const double value : {-1.0, nan, infinity, 1e-30, 1e30})
    EXPECT_EQ(field({.temperature = value}), "temperature");
  for (const double value : {nan, 2.0, -0.1}) EXPECT_EQ(field({.top_p = value}), "top_p");
  for (const double value : {nan, 2.0, -0.1}) EXPECT_EQ(field({.min_p = value}), "min_p");
  for (const int value : {-1, 1000000000}) EXPECT_EQ(field({.top_k = value}), "top_k");
  for (const double value : {infinity, -infinity, nan, 1000.0}) {
    EXPECT_EQ(field({.repetition_penalty = value}), "repetition_penalty");
    EXPECT_EQ(field({.presence_penalty = value}), "presence_penalty");
    EXPECT_EQ(field({.frequency_penalty = value}), "frequency_penalty");
  }
  EXPECT_EQ(field({.repetition_penalty = 0.0}), "repetition_penalty");
  EXPECT_EQ(field({.penalty_window = -5}), "penalty_window");
  EXPECT_EQ(field({.temperature = 0.0, .top_p = 0.0}), "");
  EXPECT_EQ(field({.temperature = 1.0, .top_k = 40, .top_p = 1.0, .min_p = 1.0, .seed = ~0ULL}), "");
}

}  // namespace
}  // namespace lathe
