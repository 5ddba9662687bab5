// Architectures refuse by name what they do not compute, and build graphs that hold the contract.
#include "models/architecture.h"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <limits>

#include "formats/gguf.h"
#include "lathe/error.h"
#include "support/temporary_file.h"
#include "support/tiny_model.h"

namespace lathe {
namespace {

std::shared_ptr<Checkpoint> tiny_checkpoint() {
  const test::TemporaryFile file(test::tiny_model().bytes());
  return std::make_shared<Checkpoint>(*read_gguf(file.path()));
}

void build(const std::shared_ptr<const Checkpoint>& checkpoint, const GraphOptions& options = {}) {
  const Architecture& architecture = find_architecture(checkpoint->architecture);
  architecture.shape(*checkpoint);
  verify(architecture.build(checkpoint, options), "test");
}

void expect_refused(const std::function<void(Checkpoint&)>& spoil, ErrorCode code, const std::string& part) {
  const auto checkpoint = tiny_checkpoint();
  spoil(*checkpoint);
  try {
    build(checkpoint);
    ADD_FAILURE() << "accepted, expected: " << part;
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), code) << error.what();
    EXPECT_NE(std::string(error.what()).find(part), std::string::npos) << error.what();
  }
}

void expect_bad_key(const std::string& key, const MetadataValue& value) {
  expect_refused([&](Checkpoint& checkpoint) { checkpoint.metadata[key] = value; }, ErrorCode::invalid_model,
                 key);
}

TEST(Architecture, TheShapeIsWhatTheFileSays) {
  const auto checkpoint = tiny_checkpoint();
  const ModelShape shape = find_architecture("llama").shape(*checkpoint);
  EXPECT_EQ(shape.vocabulary, 300);
  EXPECT_EQ(shape.context_tokens, 512);
  EXPECT_EQ(shape.layers, 2);
  EXPECT_EQ(shape.kv_heads, 2);
  EXPECT_EQ(shape.head_dim, 16);
}

TEST(Architecture, GraphsHoldTheContractWithAndWithoutACache) {
  const auto checkpoint = tiny_checkpoint();
  build(checkpoint);
  build(checkpoint, {Dtype::f32, true});
  const Graph with = find_architecture("llama").build(checkpoint, {});
  const Graph without = find_architecture("llama").build(checkpoint, {Dtype::f16, true});
  EXPECT_NE(print(with).find("= state"), std::string::npos);
  EXPECT_EQ(print(without).find("= state"), std::string::npos);
}

TEST(Architecture, AnUnknownOneIsRefusedByNameAndCut) {
  for (const std::string& name : {std::string("mamba"), std::string(1 << 20, 'x')}) {
    try {
      find_architecture(name);
      FAIL();
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::unsupported);
      EXPECT_NE(std::string(error.what()).find(name.substr(0, 5)), std::string::npos);
      EXPECT_LT(std::string(error.what()).size(), 1000u);
    }
  }
}

TEST(Architecture, NumbersThatDescribeNoModelAreRefusedByKey) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const double infinity = std::numeric_limits<double>::infinity();
  const auto number = [](std::uint64_t value) { return MetadataValue(value); };
  for (const std::uint64_t bad : {0ull, 1ull << 31, ~0ull}) {
    expect_bad_key("llama.block_count", number(bad));
    expect_bad_key("llama.context_length", number(bad));
    expect_bad_key("llama.embedding_length", number(bad));
    expect_bad_key("llama.feed_forward_length", number(bad));
    expect_bad_key("llama.attention.head_count", number(bad));
    expect_bad_key("llama.attention.head_count_kv", number(bad));
  }
  expect_bad_key("llama.attention.head_count_kv", number(3));
  expect_bad_key("llama.attention.head_count", number(6));
  expect_bad_key("llama.attention.head_count", MetadataValue(std::string("four")));
  expect_bad_key("llama.rope.dimension_count", number(15));
  expect_bad_key("llama.rope.dimension_count", number(18));
  for (const double bad : {0.0, -1.0, nan, infinity}) {
    expect_bad_key("llama.rope.freq_base", MetadataValue(bad));
    expect_bad_key("llama.attention.layer_norm_rms_epsilon", MetadataValue(bad));
  }
  expect_refused([](Checkpoint& c) { c.metadata.erase("llama.block_count"); }, ErrorCode::invalid_model,
                 "llama.block_count");
  expect_refused([](Checkpoint& c) { c.metadata["llama.vocab_size"] = std::uint64_t{299}; },
                 ErrorCode::invalid_model, "token_embd.weight");
  expect_refused([](Checkpoint& c) { c.tensors["token_embd.weight"].shape[0] = 299; },
                 ErrorCode::invalid_model, "token_embd.weight");
  expect_refused([](Checkpoint& c) { c.tensors.erase("token_embd.weight"); }, ErrorCode::invalid_model,
                 "token_embd.weight");
}

TEST(Architecture, WhatIsNotComputedIsRefusedAndNotIgnored) {
  expect_refused([](Checkpoint& c) { c.metadata["llama.rope.scaling.type"] = std::string("ntk"); },
                 ErrorCode::unsupported, "\"ntk\"");
  expect_refused([](Checkpoint& c) { c.metadata["llama.expert_count"] = std::uint64_t{8}; },
                 ErrorCode::invalid_model, "llama.expert_used_count");
  expect_refused([](Checkpoint& c) { c.metadata["llama.attention.value_length"] = std::uint64_t{32}; },
                 ErrorCode::unsupported, "value_length");
}

TEST(Architecture, RopeScalingIsCheckedKeyByKey) {
  const auto scaled = [](const std::string& type, const std::string& key, const MetadataValue& value) {
    return [=](Checkpoint& c) {
      c.metadata["llama.rope.scaling.type"] = type;
      c.metadata["llama.rope." + key] = value;
    };
  };
  for (const double bad : {0.0, -1.0, std::numeric_limits<double>::quiet_NaN()}) {
    for (const char* key : {"scaling.yarn_beta_fast", "scaling.yarn_beta_slow", "scaling.yarn_attn_factor"})
      expect_refused(scaled("yarn", key, bad), ErrorCode::invalid_model, key);
    expect_refused(scaled("linear", "scaling.attn_factor", bad), ErrorCode::invalid_model, "attn_factor");
  }
  expect_refused(scaled("yarn", "scaling.factor", -2.0), ErrorCode::invalid_model, "rope.scaling.factor");
  expect_refused(scaled("yarn", "scaling.yarn_beta_fast", 0.5), ErrorCode::invalid_model, "yarn_beta_fast");
  expect_refused(scaled("yarn", "freq_base", 1.0), ErrorCode::invalid_model, "rope.freq_base");
  expect_refused(scaled("yarn", "scaling.yarn_ext_factor", 0.5), ErrorCode::unsupported, "0.5");
  expect_refused(scaled("longrope", "scaling.factor", 4.0), ErrorCode::unsupported, "rope.scaling.factor");
  expect_refused(scaled("linear", "scaling.original_context_length", std::uint64_t{0}),
                 ErrorCode::invalid_model, "original_context_length");
  expect_refused(scaled("linear", "scaling.alpha", 1000.0), ErrorCode::unsupported, "1000");
}

void remove_tensor(Checkpoint& checkpoint, const std::string& name) {
  checkpoint.tensors.erase(name);
  std::erase(checkpoint.tensor_names, name);
}

TEST(Architecture, TensorsThatDoNotFitAreListed) {
  expect_refused([](Checkpoint& c) { remove_tensor(c, "blk.1.ffn_up.weight"); }, ErrorCode::invalid_model,
                 "blk.1.ffn_up.weight is missing");
  expect_refused(
      [](Checkpoint& c) {
        std::swap(c.tensors["blk.0.ffn_down.weight"].shape[0], c.tensors["blk.0.ffn_down.weight"].shape[1]);
      },
      ErrorCode::invalid_model, "blk.0.ffn_down.weight is [128, 64], not [64, 128]");
  expect_refused([](Checkpoint& c) { c.tensors["blk.0.attn_norm.weight"].dtype = Dtype::f16; },
                 ErrorCode::invalid_model, "blk.0.attn_norm.weight is f16, not f32");
  expect_refused([](Checkpoint& c) { c.tensors["blk.0.attn_q.weight"].dtype = Dtype::i32; },
                 ErrorCode::invalid_model, "blk.0.attn_q.weight is i32");
  expect_refused(
      [](Checkpoint& c) {
        c.tensors["blk.0.attn_q.weight"].shape = {64, 0};
      },
      ErrorCode::invalid_model, "blk.0.attn_q.weight is [64, 0]");
  expect_refused(
      [](Checkpoint& c) {
        c.tensors["blk.0.attn_norm.bias"] = c.tensors["blk.0.attn_norm.weight"];
        c.tensor_names.push_back("blk.0.attn_norm.bias");
      },
      ErrorCode::invalid_model, "blk.0.attn_norm.bias is not part of this architecture");
  expect_refused(
      [](Checkpoint& c) {
        for (const char* name :
             {"attn_q", "attn_k", "attn_v", "attn_output", "ffn_gate", "ffn_up", "ffn_down"})
          remove_tensor(c, std::string("blk.0.") + name + ".weight");
      },
      ErrorCode::invalid_model, "and 2 more");
}

}  // namespace
}  // namespace lathe
