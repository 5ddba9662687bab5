// Both models against the float32 oracle: with exact arithmetic every logit that was kept, with the default
// arithmetic the divergence of whole distributions; and that it is that arithmetic which ran.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cctype>
#include <cmath>
#include <cstddef>
#include <numeric>
#include <sstream>
#include <string>
#include <vector>

#include "base/cpu_features.h"
#include "cpu/kernels.h"
#include "golden/golden.h"
#include "lathe/lathe.h"

namespace lathe::golden {
namespace {

struct Case {
  std::string name;
  double divergence_bound;  // mean, with the default arithmetic
  // Means with float32 arithmetic over a cache of codes of 8 and of 4 bits.
  double q8_bound;
  double q4_bound;
};

const Case kCases[] = {{"smollm2", 0.001, 0.001, 0.023}, {"gemma3-270m", 0.001, 0.001, 0.038}};

constexpr double kLogitBound = 1e-3;  // absolute, with float32 arithmetic

// Means of the divergence on either side of a wide gap: float32 gives 1e-11, activations of 8 bits 5e-4 and
// more.
constexpr double kFloat32Divergence = 1e-7;
constexpr double kLeastDivergence = 1e-5;

Model load(const std::string& name, const std::string& math, const std::string& kv = ModelOptions().kv) {
  ModelOptions options;
  options.math = math;
  options.kv = kv;
  options.fetch = false;  // a missing model is a failure, not a download in the middle of a test
  return Model::load(name, options);
}

std::size_t index(std::int32_t id) { return static_cast<std::size_t>(id); }

bool contains(const std::vector<std::int32_t>& ids, std::size_t id) {
  return std::find(ids.begin(), ids.end(), static_cast<std::int32_t>(id)) != ids.end();
}

double mean_divergence(Model& model, const Golden& golden) {
  std::vector<double> divergences;
  model.logits(golden.divergence_ids, 0, [&](int position, std::span<const float> logits) {
    divergences.push_back(golden.divergence_rows.at(static_cast<std::size_t>(position)).estimate(logits));
  });
  EXPECT_EQ(divergences.size(), golden.divergence_rows.size());
  return std::accumulate(divergences.begin(), divergences.end(), 0.0) /
         static_cast<double>(divergences.size());
}

/// The kernels of the plan's steps of one op.
std::vector<std::string> kernels_of(const Inspection& inspection, std::string_view op) {
  std::vector<std::string> kernels;
  for (const StepInspection& step : inspection.steps)
    if (step.op == op) kernels.push_back(step.kernel);
  return kernels;
}

/// Every matrix of a model but the embedding has a product of its own, and so has the head, which is the
/// embedding where the file has no other.
std::size_t products(const Inspection& inspection) {
  const auto matrices =
      std::count_if(inspection.tensors.begin(), inspection.tensors.end(),
                    [](const TensorInspection& tensor) { return tensor.shape.size() == 2; });
  const bool own_head =
      std::any_of(inspection.tensors.begin(), inspection.tensors.end(),
                  [](const TensorInspection& tensor) { return tensor.name == "output.weight"; });
  return static_cast<std::size_t>(matrices) - (own_head ? 1 : 0);
}

/// Every product of the model is in a step whose kernel has this arithmetic, and is of this machine's level.
void expect_products(const Inspection& inspection, std::string_view arithmetic) {
  const auto known = cpu_kernels(chosen_isa());
  std::size_t count = 0;
  for (const NodeInspection& node : inspection.before) {
    if (node.op != "Linear") continue;
    ++count;
    ASSERT_GE(node.step, 0) << node.name;
    const std::string& name = inspection.steps[static_cast<std::size_t>(node.step)].kernel;
    const IsaLevel level =
        std::min(chosen_isa(), IsaLevel::avx512);  // the highest that has products of codes
    EXPECT_THAT(name, testing::StartsWith(std::string(isa_name(level)) + ".")) << node.name;
    EXPECT_THAT(name, testing::HasSubstr("linear")) << node.name;
    const auto kernel = std::ranges::find(known, name, &Kernel::name);
    ASSERT_NE(kernel, known.end()) << name;
    EXPECT_EQ(kernel->arithmetic, arithmetic) << name;
  }
  EXPECT_EQ(count, products(inspection));
}

std::string scientific(double value) {
  std::ostringstream text;
  text << std::scientific << value;
  return text.str();
}

/// The largest gap of a prompt, and where it lies.
struct Worst {
  double gap = 0;
  int position = 0;
  std::int32_t id = 0;  // -1: log-sum-exp

  void see(double value, double expected, int at, std::int32_t of) {
    const double found = std::isfinite(value) ? std::abs(value - expected) : HUGE_VAL;
    if (found > gap) *this = {found, at, of};
  }
};

class GoldenTest : public testing::TestWithParam<Case> {
 protected:
  const Golden golden_ = read_golden(LATHE_SOURCE_DIR "/tests/golden/" + GetParam().name + ".golden");
};

class Float32 : public GoldenTest {
 protected:
  Model model_ = load(GetParam().name, "f32");
};

TEST_P(Float32, TextsBecomeTheSameIds) {
  for (const Prompt& prompt : golden_.prompts)
    EXPECT_EQ(model_.tokenize(prompt.text, true, prompt.parse_special), prompt.ids) << prompt.name;
}

TEST_P(Float32, LogitsAreTheOracles) {
  ASSERT_EQ(model_.info().vocabulary, static_cast<int>(golden_.vocabulary));
  for (const Prompt& prompt : golden_.prompts) {
    Worst worst;
    std::size_t rows = 0;
    std::vector<std::string> intruders;
    model_.logits(prompt.ids, 0, [&](int position, std::span<const float> logits) {
      ++rows;
      const Row& row = prompt.rows.at(static_cast<std::size_t>(position));
      worst.see(log_sum_exp(logits), row.log_sum_exp, position, -1);
      for (std::size_t i = 0; i < golden_.fixed_ids.size(); ++i)
        worst.see(logits[index(golden_.fixed_ids[i])], row.fixed_logits[i], position, golden_.fixed_ids[i]);
      for (std::size_t i = 0; i < row.top_ids.size(); ++i)
        worst.see(logits[index(row.top_ids[i])], row.top_logits[i], position, row.top_ids[i]);
      const double least = row.top_logits.back() + kLogitBound;
      for (std::size_t id = 0; id < logits.size(); ++id)
        if (logits[id] > least && !contains(row.top_ids, id))
          intruders.push_back(std::to_string(id) + " at " + std::to_string(position));
    });
    EXPECT_EQ(rows, prompt.ids.size()) << prompt.name;
    EXPECT_LE(worst.gap, kLogitBound)
        << prompt.name << ", position " << worst.position << ", id " << worst.id;
    EXPECT_THAT(intruders, testing::IsEmpty()) << prompt.name << ": ids that rank among the likeliest";
    RecordProperty(prompt.name, scientific(worst.gap));
  }
}

TEST_P(Float32, GreedyAnswersAreTheOracles) {
  for (const Prompt& prompt : golden_.prompts) {
    Request request;
    request.ids = prompt.ids;
    request.max_tokens = static_cast<int>(prompt.greedy.size());
    request.ignore_end = true;
    Answer answer = model_.answer(request);
    std::vector<std::int32_t> ids;
    for (Piece piece; answer.next(piece);) ids.insert(ids.end(), piece.ids.begin(), piece.ids.end());
    EXPECT_EQ(ids, prompt.greedy) << prompt.name;
  }
}

TEST_P(Float32, DistributionsAreTheOracles) {
  const double mean = mean_divergence(model_, golden_);
  RecordProperty("mean", scientific(mean));
  EXPECT_LE(mean, kFloat32Divergence);
}

TEST_P(Float32, NoProductIsQuantized) {
  const Inspection inspection = model_.inspect();
  EXPECT_THAT(kernels_of(inspection, "QuantizeActivation"), testing::IsEmpty());
  expect_products(inspection, "f32");
}

class CodesInTheCache : public GoldenTest {};

TEST_P(CodesInTheCache, DistributionsStayNearTheOracles) {
  for (const auto& [kv, bound] : {std::pair("q8", GetParam().q8_bound), {"q4", GetParam().q4_bound}}) {
    Model model = load(GetParam().name, "f32", kv);
    const double mean = mean_divergence(model, golden_);
    RecordProperty(kv, scientific(mean));
    EXPECT_LE(mean, bound) << kv;
    EXPECT_GT(mean, kLeastDivergence) << kv << " leaves a trace: the cache holds something else";
  }
}

class DefaultArithmetic : public GoldenTest {
 protected:
  Model model_ = load(GetParam().name, ModelOptions().math);
};

TEST_P(DefaultArithmetic, DistributionsStayNearTheOracles) {
  const double mean = mean_divergence(model_, golden_);
  RecordProperty("mean", scientific(mean));
  EXPECT_LE(mean, GetParam().divergence_bound);
  EXPECT_GT(mean, kLeastDivergence) << "8-bit activations leave a trace: another arithmetic ran";
}

TEST_P(DefaultArithmetic, EveryProductRunsOnAnInt8KernelOfThisLevel) {
  expect_products(model_.inspect(), "int8");
}

std::string case_name(const testing::TestParamInfo<Case>& info) {
  std::string name = info.param.name;
  std::erase_if(name, [](char letter) { return std::isalnum(static_cast<unsigned char>(letter)) == 0; });
  return name;
}

INSTANTIATE_TEST_SUITE_P(Models, Float32, testing::ValuesIn(kCases), case_name);
INSTANTIATE_TEST_SUITE_P(Models, CodesInTheCache, testing::ValuesIn(kCases), case_name);
INSTANTIATE_TEST_SUITE_P(Models, DefaultArithmetic, testing::ValuesIn(kCases), case_name);

}  // namespace
}  // namespace lathe::golden
