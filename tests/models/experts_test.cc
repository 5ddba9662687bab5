// Mixtures of experts: counts that fit each other, and what is computed of their keys; the rest is refused.
#include "models/experts.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <limits>

#include "lathe/error.h"
#include "models/architecture.h"
#include "models/folder_translation.h"

namespace lathe {
namespace {

std::shared_ptr<const Checkpoint> tiny(const std::string& name) {
  return translate_folder(read_model_folder(std::string(LATHE_SOURCE_DIR) + "/tests/tiny/" + name));
}

Graph build(const std::shared_ptr<const Checkpoint>& checkpoint) {
  const Architecture& architecture = find_architecture(checkpoint->architecture);
  architecture.shape(*checkpoint);
  Graph graph = architecture.build(checkpoint, {});
  verify(graph, "test");
  return graph;
}

Graph build_with(const std::string& name, const std::string& key, const MetadataValue& value) {
  auto changed = std::make_shared<Checkpoint>(*tiny(name));
  changed->metadata[changed->architecture + "." + key] = value;
  return build(changed);
}

void expect_refused(const std::string& key, const MetadataValue& value, ErrorCode code) {
  for (const char* name : {"mixtral", "qwen3_moe"}) {
    try {
      build_with(name, key, value);
      ADD_FAILURE() << name << " accepts " << key;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), code) << error.what();
      EXPECT_NE(std::string(error.what()).find("." + key), std::string::npos) << error.what();
    }
  }
}

std::ptrdiff_t count(const Graph& graph, std::string_view op) {
  return std::count_if(graph.nodes.begin(), graph.nodes.end(),
                       [op](const Node& node) { return node.op->name == op; });
}

const Node& first(const Graph& graph, std::string_view op) {
  return *std::find_if(graph.nodes.begin(), graph.nodes.end(),
                       [op](const Node& node) { return node.op->name == op; });
}

TEST(Experts, EachLayerHasARouterThreeProductsAndASum) {
  for (const char* name : {"mixtral", "qwen3_moe"}) {
    const Graph graph = build(tiny(name));
    EXPECT_EQ(count(graph, "SelectExperts"), 2) << name;
    EXPECT_EQ(count(graph, "ExpertLinear"), 6) << name;
    EXPECT_EQ(count(graph, "ExpertSum"), 2) << name;
    EXPECT_EQ(first(graph, "SelectExperts").integer("k"), 2) << name;
    EXPECT_EQ(first(graph, "SelectExperts").integer("normalize"), 1) << name;
  }
}

TEST(Experts, CountsThatDoNotFitAreRefusedByKey) {
  const auto invalid = ErrorCode::invalid_model;
  const auto number = [](std::uint64_t value) { return MetadataValue(value); };
  for (const std::uint64_t bad : {std::uint64_t{0}, std::uint64_t{7}, ~std::uint64_t{0}})  // of 4 and of 6
    expect_refused("expert_used_count", number(bad), invalid);
  expect_refused("expert_used_count", MetadataValue(std::string("two")), invalid);
  expect_refused("expert_used_count", MetadataValue(std::vector<std::int64_t>{2}), invalid);  // for one layer
  for (const std::uint64_t bad : {std::uint64_t{0}, std::uint64_t{1} << 31, ~std::uint64_t{0}})
    expect_refused("expert_count", number(bad), invalid);
  expect_refused("expert_feed_forward_length", number(0), invalid);
  expect_refused("expert_feed_forward_length", number(std::uint64_t{1} << 31), invalid);
  expect_refused("expert_weights_norm", number(2), invalid);
  for (const double bad :
       {-1.0, std::numeric_limits<double>::quiet_NaN(), std::numeric_limits<double>::infinity()})
    expect_refused("expert_weights_scale", MetadataValue(bad), invalid);
}

TEST(Experts, FewerExpertsThanAreUsedAreRefused) {
  for (const char* name : {"mixtral", "qwen3_moe"}) {
    try {
      build_with(name, "expert_count", std::uint64_t{1});
      ADD_FAILURE() << name;
    } catch (const Error& error) {
      EXPECT_NE(std::string(error.what()).find(".expert_used_count"), std::string::npos) << error.what();
    }
  }
}

TEST(Experts, MatricesOfOtherCountsAreListed) {
  try {
    build_with("mixtral", "expert_count", std::uint64_t{5});
    FAIL();
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find("blk.0.ffn_gate_exps.weight is [4, 128, 64], not [5, 128, 64]"),
              std::string::npos)
        << error.what();
  }
}

TEST(Experts, WhatIsNotComputedIsRefused) {
  const auto unsupported = ErrorCode::unsupported;
  const auto number = [](std::uint64_t value) { return MetadataValue(value); };
  expect_refused("expert_gating_func", number(2), unsupported);
  expect_refused("expert_shared_count", number(1), unsupported);
  expect_refused("expert_shared_feed_forward_length", number(64), unsupported);
  expect_refused("leading_dense_block_count", number(1), unsupported);
  expect_refused("expert_group_count", number(2), unsupported);
  expect_refused("interleave_moe_layer_step", number(2), unsupported);
}

TEST(Experts, WhatSaysNothingIsAccepted) {
  for (const char* key : {"expert_gating_func", "expert_group_count", "interleave_moe_layer_step"})
    build_with("mixtral", key, std::uint64_t{1});
  for (const char* key : {"expert_shared_count", "leading_dense_block_count", "expert_group_count"})
    build_with("qwen3_moe", key, std::uint64_t{0});
}

TEST(Experts, WeightsAreNormalizedAndScaledAsTheFileSays) {
  EXPECT_EQ(first(build_with("mixtral", "expert_weights_norm", false), "SelectExperts").integer("normalize"),
            0);
  const auto products = count(build(tiny("mixtral")), "Mul");
  EXPECT_EQ(count(build_with("mixtral", "expert_weights_scale", 1.0), "Mul"), products);
  EXPECT_EQ(count(build_with("mixtral", "expert_weights_scale", 2.5), "Mul"), products + 2);
}

std::string folder_refusal(const std::string& name, const std::function<void(Json&)>& change) {
  auto folder = std::make_shared<ModelFolder>(
      *read_model_folder(std::string(LATHE_SOURCE_DIR) + "/tests/tiny/" + name));
  change(folder->config);
  try {
    build(translate_folder(folder));
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

void expect_folder_refused(const std::string& name, const std::string& key, const Json& value) {
  const std::string message = folder_refusal(name, [&](Json& config) { config[key] = value; });
  EXPECT_NE(message.find(key), std::string::npos) << key << " " << value.dump() << ": " << message;
}

TEST(ExpertFolders, SettingsThatAreNotComputedAreRefusedWithTheirKey) {
  expect_folder_refused("qwen3_moe", "decoder_sparse_step", 2);
  expect_folder_refused("qwen3_moe", "mlp_only_layers", Json::array({0}));
  expect_folder_refused("qwen3_moe", "shared_expert_intermediate_size", 64);
  expect_folder_refused("qwen3_moe", "num_experts", 5);
  expect_folder_refused("qwen3_moe", "num_experts_per_tok", 7);
  expect_folder_refused("mixtral", "num_experts_per_tok", 0);
  expect_folder_refused("mixtral", "hidden_act", "gelu");
}

TEST(ExpertFolders, TheOlderNameOfTheCountAndAMissingNormAreUnderstood) {
  EXPECT_EQ(folder_refusal("qwen3_moe",
                           [](Json& config) {
                             config["num_experts"] = config["num_local_experts"];
                             config.erase("num_local_experts");
                           }),
            "");
  auto folder = std::make_shared<ModelFolder>(
      *read_model_folder(std::string(LATHE_SOURCE_DIR) + "/tests/tiny/qwen3_moe"));
  folder->config.erase("norm_topk_prob");  // transformers takes it as false
  EXPECT_EQ(first(build(translate_folder(folder)), "SelectExperts").integer("normalize"), 0);
}

}  // namespace
}  // namespace lathe
