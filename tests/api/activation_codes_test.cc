// ModelOptions::activations: where the scales of 8-bit activations come from.
#include "api/activation_codes.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "lathe/lathe.h"
#include "support/temporary_file.h"
#include "support/tiny_model.h"

namespace lathe {
namespace {

using testing::HasSubstr;

class Activations : public testing::Test {
 protected:
  Activations() { test::write_tiny_model(model_.path()); }

  std::vector<float> logits(const std::string& activations, const std::string& math = "int8") const {
    ModelOptions options;
    options.threads = 2;
    options.math = math;
    options.activations = activations;
    Model model = Model::load(model_.path(), options);
    std::vector<float> all;
    model.logits(std::vector<std::int32_t>{1, 5, 9, 40, 17, 3, 120}, 3,
                 [&](int, std::span<const float> row) { all.insert(all.end(), row.begin(), row.end()); });
    return all;
  }

  std::string build_plan(const std::string& activations, bool strip) const {
    PlanOptions options;
    options.model.threads = 1;
    options.model.activations = activations;
    options.strip = strip;
    std::string bytes;
    build(model_.path(), options, [&](std::span<const std::byte> part, std::uint64_t) {
      bytes.append(reinterpret_cast<const char*>(part.data()), part.size());
    });
    return bytes;
  }

  test::TemporaryFile model_;
};

double root_mean_square(const std::vector<float>& a, const std::vector<float>& b) {
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += std::pow(a[i] - b[i], 2);
  return std::sqrt(sum / static_cast<double>(a.size()));
}

TEST_F(Activations, EveryKindIsNearFloat32AndNoneIsAnother) {
  const auto exact = logits("", "f32");
  const double size = root_mean_square(exact, std::vector<float>(exact.size()));
  std::vector<std::vector<float>> all;
  for (const std::string kind : {"32", "row", "static"}) {
    all.push_back(logits(kind));
    EXPECT_LT(root_mean_square(all.back(), exact), 0.05 * size) << kind;
    EXPECT_EQ(std::ranges::count(all, all.back()), 1) << kind;
  }
  EXPECT_EQ(logits("256"), all[1]);  // no row of this model is longer
}

TEST_F(Activations, Float32HasNone) { EXPECT_EQ(logits("static", "f32"), logits("", "f32")); }

TEST_F(Activations, StaticRangesAreInThePlanAndMeasuredAgainForOtherWeights) {
  const std::string plan = build_plan("static", false);
  const test::TemporaryFile file({}, ".plan");
  file.write(plan);
  ModelOptions options;
  options.threads = 2;
  Model loaded = Model::load(file.path(), options);
  EXPECT_EQ(loaded.options().activations, "static");
  EXPECT_THAT(loaded.graph_text(), HasSubstr("RangedQuantizeActivation"));
  file.write(build_plan("static", true));
  std::string refitted;
  refit(file.path(), model_.path(), options, [&](std::span<const std::byte> part, std::uint64_t) {
    refitted.append(reinterpret_cast<const char*>(part.data()), part.size());
  });
  EXPECT_TRUE(refitted == plan);
  file.write(plan);
  options.activations = "row";
  try {
    Model::load(file.path(), options);
    ADD_FAILURE() << "the plan was built for static";
  } catch (const Error& error) {
    EXPECT_EQ(error.place().field, "activations");
  }
}

TEST_F(Activations, FineColumnsAreMarkedInThePlanAndChosenAgainForOtherWeights) {
  const std::string plan = build_plan("", false);
  const test::TemporaryFile file({}, ".plan");
  file.write(build_plan("", true));
  std::string refitted;
  refit(file.path(), model_.path(), {}, [&](std::span<const std::byte> part, std::uint64_t) {
    refitted.append(reinterpret_cast<const char*>(part.data()), part.size());
  });
  EXPECT_TRUE(refitted == plan);
  file.write(plan);
  EXPECT_THAT(Model::load(file.path()).graph_text(), HasSubstr(".fine: f32["));
  file.write(build_plan("32", false));
  EXPECT_THAT(Model::load(file.path()).graph_text(), testing::Not(HasSubstr(".fine")));
}

TEST_F(Activations, MatricesThatShareAnInputShareItsFineColumns) {
  const auto codes = choose_activations(model_.path(), {}).codes;
  EXPECT_TRUE(codes.ranges.empty());
  EXPECT_EQ(codes.fine.at("blk.0.attn_q.weight"), codes.fine.at("blk.0.attn_k.weight"));
  EXPECT_EQ(codes.fine.at("blk.0.ffn_gate.weight"), codes.fine.at("blk.0.ffn_up.weight"));
  ModelOptions options;
  options.activations = "32";
  EXPECT_TRUE(choose_activations(model_.path(), options).codes.fine.empty());
}

TEST_F(Activations, RangesHoldWhatTheCalibrationTextGives) {
  ModelOptions options;
  options.activations = "static";
  options.context_tokens = 64;
  const auto codes = choose_activations(model_.path(), options).codes;
  EXPECT_EQ(codes.ranges.count("blk.0.attn_q.weight"), 1u);
  for (const auto& [name, ranges] : codes.ranges)
    for (std::size_t block = 0; block < ranges.size() / 2; ++block)
      EXPECT_LT(ranges[block], ranges[ranges.size() / 2 + block]) << name;
}

TEST_F(Activations, ScalesKnownAheadLeaveTheirFineColumnsOut) {
  ModelOptions options;
  options.activations = "static";
  const auto codes = choose_activations(model_.path(), options).codes;
  EXPECT_EQ(codes.fine.size(), codes.ranges.size());
  for (const auto& [name, fine] : codes.fine) {
    EXPECT_FALSE(fine.empty()) << name;
    EXPECT_LE(fine.size(), 8u) << name;
  }
}

TEST_F(Activations, ALimitIsKeptByFineColumnsOrByFloats) {
  ModelOptions options;
  for (const std::string kind : {"", "static"})
    for (const double limit : {1.0, 0.006, 1e-7}) {
      options.activations = kind;
      options.activation_limit = limit;
      const auto chosen = choose_activations(model_.path(), options);
      ASSERT_FALSE(chosen.inputs.empty());
      for (const auto& input : chosen.inputs) {
        EXPECT_LE(input.error_after, limit) << input.input;
        EXPECT_EQ(input.limit, limit);
        EXPECT_FALSE(input.reason.empty());
        const bool exact = input.codes == "float32";
        EXPECT_EQ(exact, chosen.codes.exact.contains(input.weights.at(0)));
        EXPECT_NE(exact, chosen.codes.fine.contains(input.weights.at(0)));
        EXPECT_TRUE(!exact || input.error_before > limit);
        EXPECT_TRUE(limit < 1 || !input.kept_finer());
        EXPECT_TRUE(limit > 1e-6 || exact);
      }
    }
}

TEST_F(Activations, ProductsThatStayAboveTheLimitAreThoseOfFloat32) {
  ModelOptions options;
  options.threads = 2;
  options.activation_limit = 1e-7;
  Model model = Model::load(model_.path(), options);
  EXPECT_THAT(model.graph_text(), testing::Not(HasSubstr("QuantizedLinear")));
  EXPECT_THAT(model.graph_text(), HasSubstr("Linear"));
}

TEST_F(Activations, ALimitWithoutCalibrationIsRefused) {
  for (const auto& [kind, limit] :
       {std::pair{"row", 0.01}, {"32", 0.01}, {"", -0.1}, {"", 1.5}, {"", std::nan("")}}) {
    ModelOptions options;
    options.activations = kind;
    options.activation_limit = limit;
    try {
      Model::load(model_.path(), options);
      ADD_FAILURE() << kind << " with " << limit;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::invalid_argument);
      EXPECT_EQ(error.place().field, "activation_limit");
    }
  }
}

TEST_F(Activations, AnUnknownWordIsRefused) {
  try {
    logits("tensor");
    ADD_FAILURE() << "nothing was thrown";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::invalid_argument);
    EXPECT_THAT(error.what(), HasSubstr("activations is \"tensor\", not one of 32, 256, row, static"));
  }
}

}  // namespace
}  // namespace lathe
