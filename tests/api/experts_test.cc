// The work of a mixture of experts: a token reads the matrices of its own experts alone.
#include <gtest/gtest.h>

#include "lathe/inspection.h"
#include "lathe/model.h"

namespace lathe {
namespace {

// The tiny Mixtral: 2 layers of 4 experts, 2 for each token, in float32.
constexpr std::uint64_t kWidth = 64;
constexpr std::uint64_t kExpertWeights = 3 * 128 * kWidth;
constexpr std::uint64_t kAttentionWeights = 2 * kWidth * kWidth + 2 * 32 * kWidth;
constexpr std::uint64_t kRouterWeights = 4 * kWidth;
constexpr std::uint64_t kHeadWeights = 320 * kWidth;

Model load() {
  ModelOptions options;
  options.math = "f32";
  return Model::load(std::string(LATHE_SOURCE_DIR) + "/tests/tiny/mixtral", options);
}

TEST(WorkOfExperts, BytesAreThoseOfTheChosenExperts) {
  const Model model = load();
  const std::uint64_t one = model.work(1).weight_bytes;
  // The last layer computes one row alone: two experts, however many tokens there are.
  EXPECT_EQ(model.work(2).weight_bytes - one, 2 * kExpertWeights * sizeof(float));
  EXPECT_EQ(model.work(100).weight_bytes, model.work(2).weight_bytes);
  const auto memory = model.inspect().memory;
  const std::uint64_t all = memory.weight_bytes_copied + memory.weight_bytes_mapped;
  const std::uint64_t embedding = kHeadWeights * sizeof(float);  // of which rows are read
  EXPECT_EQ(all - embedding - one, 2 * 2 * kExpertWeights * sizeof(float));
}

TEST(WorkOfExperts, OperationsAreThoseOfTheChosenExperts) {
  const Model model = load();
  constexpr std::uint64_t kLayer = kAttentionWeights + kRouterWeights + 2 * kExpertWeights;
  EXPECT_EQ(model.work(1).matmul_operations, 2 * (2 * kLayer + kHeadWeights));
  constexpr std::uint64_t kQkv = kWidth * kWidth + 2 * 32 * kWidth;
  EXPECT_EQ(model.work(10).matmul_operations, 2 * (11 * kLayer + 9 * kQkv + kHeadWeights));
}

}  // namespace
}  // namespace lathe
