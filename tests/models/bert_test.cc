// BERT: its graph, and each key and tensor of its files, refused by name where it is wrong.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <limits>

#include "lathe/error.h"
#include "models/architecture.h"

namespace lathe {
namespace {

constexpr std::int64_t kWidth = 8;
constexpr std::int64_t kInner = 12;
constexpr std::int64_t kWords = 6;
constexpr std::int64_t kPositions = 16;

/// Two layers of 2 heads, as a file has them; all weights are zero.
std::shared_ptr<Checkpoint> tiny() {
  auto checkpoint = std::make_shared<Checkpoint>();
  checkpoint->architecture = "bert";
  const auto key = [&](const std::string& name, MetadataValue value) {
    checkpoint->metadata["bert." + name] = std::move(value);
  };
  key("block_count", std::uint64_t{2});
  key("embedding_length", std::uint64_t{kWidth});
  key("feed_forward_length", std::uint64_t{kInner});
  key("attention.head_count", std::uint64_t{2});
  key("attention.layer_norm_epsilon", 1e-12);
  key("attention.causal", false);
  key("context_length", std::uint64_t{kPositions});
  key("pooling_type", std::uint64_t{1});
  static const std::vector<float> kZeros(kWidth * kInner + 1000);
  checkpoint->owner = std::shared_ptr<const void>(kZeros.data(), [](const void*) {});
  const auto tensor = [&](const std::string& name, Shape shape) {
    checkpoint->tensors[name] = {reinterpret_cast<const std::byte*>(kZeros.data()), Dtype::f32,
                                 std::move(shape)};
    checkpoint->tensor_names.push_back(name);
  };
  const auto affine = [&](const std::string& name, Shape shape) {
    const auto rows = shape.front();
    tensor(name + ".weight", std::move(shape));
    tensor(name + ".bias", {rows});
  };
  tensor("token_embd.weight", {kWords, kWidth});
  tensor("token_types.weight", {2, kWidth});
  tensor("position_embd.weight", {kPositions, kWidth});
  affine("token_embd_norm", {kWidth});
  for (const std::string block : {"blk.0.", "blk.1."}) {
    for (const char* name : {"attn_q", "attn_k", "attn_v", "attn_output"})
      affine(block + name, {kWidth, kWidth});
    affine(block + "attn_output_norm", {kWidth});
    affine(block + "ffn_up", {kInner, kWidth});
    affine(block + "ffn_down", {kWidth, kInner});
    affine(block + "layer_output_norm", {kWidth});
  }
  return checkpoint;
}

Graph build(const std::shared_ptr<const Checkpoint>& checkpoint) {
  const Architecture& architecture = find_architecture("bert");
  architecture.shape(*checkpoint);
  Graph graph = architecture.build(checkpoint, {});
  verify(graph, "test");
  return graph;
}

/// What is said of the file after `change`; empty where it is accepted.
std::string refusal(const std::function<void(Checkpoint&)>& change) {
  auto checkpoint = tiny();
  change(*checkpoint);
  try {
    build(checkpoint);
  } catch (const Error& error) {
    EXPECT_TRUE(error.code() == ErrorCode::invalid_model || error.code() == ErrorCode::unsupported)
        << error.what();
    return error.what();
  }
  return {};
}

std::size_t count(const Graph& graph, std::string_view op) {
  return static_cast<std::size_t>(
      std::ranges::count_if(graph.nodes, [op](const Node& node) { return node.op->name == op; }));
}

TEST(Bert, EveryTokenSeesItsWholeTextAndNothingIsKept) {
  const Graph graph = build(tiny());
  EXPECT_EQ(graph.output_names, std::vector<std::string>{"embeddings"});
  EXPECT_EQ(to_string(graph.value(graph.outputs[0]).type), "f32[Q, 8]");
  for (const auto& value : graph.values) EXPECT_NE(value.kind, ValueKind::state) << value.name;
  for (const auto& node : graph.nodes) {
    if (node.op->name != "PagedAttention") continue;
    EXPECT_EQ(node.integer("causal"), 0);
  }
  EXPECT_EQ(count(graph, "PagedAttention"), 2U);
  EXPECT_EQ(count(graph, "KvScratch"), 2U);
  EXPECT_EQ(count(graph, "LayerNormalization"), 5U);
  EXPECT_EQ(count(graph, "SequenceMean"), 1U);
  EXPECT_EQ(graph.nodes.back().op->name, "LpNormalization");
}

TEST(Bert, PoolsAndNormalizesAsTheFileSays) {
  auto checkpoint = tiny();
  checkpoint->metadata["bert.pooling_type"] = std::uint64_t{2};
  checkpoint->metadata["bert.embedding.normalize"] = false;
  const Graph graph = build(checkpoint);
  EXPECT_EQ(count(graph, "SequenceMean"), 0U);
  EXPECT_EQ(count(graph, "LpNormalization"), 0U);
  EXPECT_EQ(to_string(graph.value(graph.outputs[0]).type), "f32[S, 8]");
}

TEST(Bert, SaysThatItIsAnEncoderAndHowLongTextsAre) {
  auto checkpoint = tiny();
  const auto shape = [&] { return find_architecture("bert").shape(*checkpoint); };
  EXPECT_TRUE(shape().is_encoder());
  EXPECT_EQ(shape().embedding, kWidth);
  EXPECT_EQ(shape().text_tokens, kPositions);
  checkpoint->metadata["bert.embedding.text_tokens"] = std::uint64_t{5};
  EXPECT_EQ(shape().text_tokens, 5);
  EXPECT_EQ(shape().context_tokens, kPositions);
}

TEST(Bert, EachKeyIsCheckedAndNamed) {
  using testing::HasSubstr;
  const auto file = tiny();
  for (const auto& [key, value] : file->metadata) {
    const auto with = [name = key](const MetadataValue& bad) {
      return refusal([&](Checkpoint& checkpoint) { checkpoint.metadata[name] = bad; });
    };
    EXPECT_THAT(with(std::vector<std::string>{"one"}), HasSubstr(key));
    if (std::holds_alternative<std::uint64_t>(value)) {
      for (const std::uint64_t bad : {std::uint64_t{0}, std::uint64_t{1} << 31, ~std::uint64_t{0}})
        EXPECT_THAT(with(bad), HasSubstr(key)) << bad;
      EXPECT_THAT(with(std::int64_t{-1}), HasSubstr(key));
    } else if (std::holds_alternative<double>(value)) {
      for (const double bad : {0.0, -1.0, std::numeric_limits<double>::quiet_NaN()})
        EXPECT_THAT(with(bad), HasSubstr(key)) << bad;
    } else {
      EXPECT_THAT(with(true), HasSubstr(key));
    }
  }
  const auto set = [](const std::string& key, const MetadataValue& value) {
    return refusal([&](Checkpoint& checkpoint) { checkpoint.metadata["bert." + key] = value; });
  };
  EXPECT_THAT(set("pooling_type", std::uint64_t{3}), HasSubstr("the value 3"));
  EXPECT_THAT(set("attention.head_count", std::uint64_t{3}), HasSubstr("attention.head_count"));
  EXPECT_THAT(set("embedding.text_tokens", std::uint64_t{17}), HasSubstr("16 positions"));
  EXPECT_THAT(set("embedding.normalize", std::uint64_t{7}), HasSubstr("embedding.normalize"));
  EXPECT_THAT(set("attention.max_alibi_bias", 8.0), HasSubstr("attention.max_alibi_bias"));
}

TEST(Bert, EachTensorIsNeededInItsShape) {
  const auto file = tiny();
  for (const auto& name : file->tensor_names) {
    const auto removed = [&](Checkpoint& checkpoint) {
      checkpoint.tensors.erase(name);
      std::erase(checkpoint.tensor_names, name);
    };
    EXPECT_THAT(refusal(removed), testing::HasSubstr(name));
    EXPECT_THAT(refusal([&](Checkpoint& checkpoint) { checkpoint.tensors[name].shape.back() += 1; }),
                testing::HasSubstr(name == "token_embd.weight" ? "token_embd" : name));
    EXPECT_THAT(refusal([&](Checkpoint& checkpoint) { checkpoint.tensors[name].dtype = Dtype::i32; }),
                testing::HasSubstr(name));
  }
  EXPECT_THAT(refusal([](Checkpoint& checkpoint) {
                checkpoint.tensors["pooler.dense.weight"] = checkpoint.tensors["token_types.weight"];
                checkpoint.tensor_names.push_back("pooler.dense.weight");
              }),
              testing::HasSubstr("pooler.dense.weight is not part"));
}

}  // namespace
}  // namespace lathe
