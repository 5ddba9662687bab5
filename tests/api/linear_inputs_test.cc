#include "api/linear_inputs.h"

#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <numeric>
#include <string>
#include <vector>

#include "api/load_checkpoint.h"
#include "lathe/error.h"
#include "quant/block_format.h"
#include "support/temporary_file.h"
#include "support/tiny_model.h"

namespace lathe {
namespace {

std::string tiny(const char* name) { return std::string(LATHE_SOURCE_DIR) + "/tests/tiny/" + name; }

std::vector<std::int32_t> some_tokens(int count) {
  std::vector<std::int32_t> ids(static_cast<std::size_t>(count));
  for (std::size_t i = 0; i < ids.size(); ++i) ids[i] = static_cast<std::int32_t>((17 * i + 3) % 300);
  return ids;
}

std::vector<float> decoded(const Checkpoint& checkpoint, const std::string& name) {
  const TensorView view = checkpoint.tensors.at(name);
  std::vector<float> values(static_cast<std::size_t>(view.rows() * view.columns()));
  decode_rows(view.dtype, view.data, values.data(), view.rows(), view.columns());
  return values;
}

TEST(LinearInputs, EveryMatrixIsSeenWithARowForEachToken) {
  const auto checkpoint = load_checkpoint(tiny("llama3"), {});
  std::map<std::string, std::int64_t> rows;
  observe_linear_inputs(tiny("llama3"), {}, some_tokens(50), 20, [&](const LinearInput& input) {
    EXPECT_EQ(input.expert, -1);
    EXPECT_EQ(input.columns, checkpoint->tensors.at(input.weight).columns());
    rows[input.weight] += std::ssize(input.rows) / input.columns;
  });
  int matrices = 0;
  for (const auto& [name, view] : checkpoint->tensors) {
    if (view.shape.size() != 2 ||
        (name == "token_embd.weight" && checkpoint->tensors.contains("output.weight")))
      continue;
    EXPECT_EQ(rows[name], 50) << name;
    ++matrices;
  }
  EXPECT_GT(matrices, 10);
}

TEST(LinearInputs, InEightBitsTheSameMatricesSeeNearlyTheSame) {
  test::TemporaryFile model;
  test::write_tiny_model(model.path());
  std::map<std::string, std::vector<float>> exact;
  const std::vector<std::vector<std::int32_t>> sequences = {some_tokens(20)};
  observe_linear_inputs(model.path(), {}, sequences, [&](const LinearInput& input) {
    exact[input.weight].assign(input.rows.begin(), input.rows.end());
  });
  std::size_t seen = 0;
  observe_linear_inputs(
      model.path(), {}, sequences,
      [&](const LinearInput& input) {
        ++seen;
        const auto& expected = exact.at(input.weight);
        ASSERT_EQ(input.rows.size(), expected.size());
        double difference = 0, size = 0;
        for (std::size_t i = 0; i < expected.size(); ++i) {
          difference += std::pow(input.rows[i] - expected[i], 2);
          size += std::pow(expected[i], 2);
        }
        EXPECT_LT(difference, 0.01 * size) << input.weight;
      },
      ObservedMath::int8);
  EXPECT_EQ(seen, exact.size());
}

TEST(LinearInputs, RowsAreWhatTheMatrixMultiplies) {
  const auto checkpoint = load_checkpoint(tiny("llama3"), {});
  const auto ids = some_tokens(7);
  const auto embedding = decoded(*checkpoint, "token_embd.weight");
  const auto norm = decoded(*checkpoint, "blk.0.attn_norm.weight");
  const std::size_t width = norm.size();
  int seen = 0;
  observe_linear_inputs(tiny("llama3"), {}, ids, 512, [&](const LinearInput& input) {
    if (input.weight != "blk.0.attn_q.weight" && input.weight != "blk.0.attn_v.weight") return;
    ++seen;
    for (std::size_t t = 0; t < ids.size(); ++t) {
      const float* x = &embedding[static_cast<std::size_t>(ids[t]) * width];
      const double mean = std::inner_product(x, x + width, x, 0.0) / static_cast<double>(width);
      for (std::size_t i = 0; i < width; ++i)
        EXPECT_NEAR(input.rows[t * width + i], x[i] / std::sqrt(mean + 1e-5) * norm[i], 1e-3);
    }
  });
  EXPECT_EQ(seen, 2);
}

TEST(LinearInputs, AnExpertSeesTheTokensThatChoseIt) {
  std::map<std::string, std::map<int, std::int64_t>> rows;  // [weight][expert]
  observe_linear_inputs(tiny("mixtral"), {}, some_tokens(40), 40, [&](const LinearInput& input) {
    rows[input.weight][input.expert] += std::ssize(input.rows) / input.columns;
  });
  for (const auto* name : {"blk.0.ffn_gate_exps.weight", "blk.1.ffn_down_exps.weight"}) {
    std::int64_t all = 0;
    for (const auto& [expert, count] : rows.at(name)) all += count;
    EXPECT_EQ(all, 2 * 40) << name;
    EXPECT_GT(rows.at(name).size(), 1u);
  }
  EXPECT_EQ(rows.at("blk.0.ffn_gate_exps.weight"), rows.at("blk.0.ffn_down_exps.weight"));
}

TEST(LinearInputs, AnEncoderHasThemToo) {
  std::map<std::string, std::int64_t> rows;
  ModelOptions options;
  options.fetch = false;
  observe_linear_inputs("minilm", options, some_tokens(30), 30, [&](const LinearInput& input) {
    rows[input.weight] += std::ssize(input.rows) / input.columns;
  });
  EXPECT_EQ(rows.size(), 6u * 6);
  for (const auto& [name, count] : rows) EXPECT_EQ(count, 30) << name;
}

TEST(LinearInputs, NoTokensAreAnError) {
  EXPECT_THROW(observe_linear_inputs(tiny("llama3"), {}, {}, 512, [](const LinearInput&) {}), Error);
}

}  // namespace
}  // namespace lathe
