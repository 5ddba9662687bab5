// What holds for every architecture: each key of its files, as GGUF and as config.json, and each of its
// tensors is checked, and refused by name where it is wrong. The files are the tiny folders of tests/tiny.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <functional>
#include <limits>
#include <set>

#include "lathe/error.h"
#include "models/architecture.h"
#include "models/folder_translation.h"

namespace lathe {
namespace {

const std::string kTiny = std::string(LATHE_SOURCE_DIR) + "/tests/tiny/";

std::vector<std::string> tiny_folders() {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(kTiny))
    if (std::filesystem::exists(entry.path() / "config.json")) names.push_back(entry.path().filename());
  std::sort(names.begin(), names.end());
  return names;
}

/// What the error says, with its place; "" where there is none.
std::string refusal(const std::function<void()>& run) {
  try {
    run();
  } catch (const Error& error) {
    EXPECT_TRUE(error.code() == ErrorCode::invalid_model || error.code() == ErrorCode::unsupported)
        << error.what();
    return error.what();
  }
  return "";
}

void build(const std::shared_ptr<const Checkpoint>& checkpoint, const GraphOptions& options = {}) {
  const Architecture& architecture = find_architecture(checkpoint->architecture);
  architecture.shape(*checkpoint);
  verify(architecture.build(checkpoint, options), "test");
}

class EveryArchitecture : public testing::TestWithParam<std::string> {
 protected:
  void SetUp() override {
    folder_ = read_model_folder(kTiny + GetParam());
    checkpoint_ = translate_folder(folder_);
  }

  std::string with_config(const std::function<void(Json&)>& change) const {
    auto changed = std::make_shared<ModelFolder>(*folder_);
    change(changed->config);
    return refusal([&] { build(translate_folder(changed)); });
  }

  std::string with_checkpoint(const std::function<void(Checkpoint&)>& change) const {
    auto changed = std::make_shared<Checkpoint>(*checkpoint_);
    change(*changed);
    return refusal([&] { build(changed); });
  }

  void expect_named(const std::string& message, const std::string& key, const std::string& what) const {
    EXPECT_NE(message.find(key), std::string::npos)
        << key << " " << what << ": " << (message.empty() ? "accepted" : message);
  }

  std::shared_ptr<const ModelFolder> folder_;
  std::shared_ptr<const Checkpoint> checkpoint_;
};

TEST_P(EveryArchitecture, BuildsWithAndWithoutACache) {
  build(checkpoint_);
  build(checkpoint_, {Dtype::f32, true});
}

TEST_P(EveryArchitecture, EachGgufKeyIsChecked) {
  const std::set<std::string> may_be_zero = {"attention.sliding_window", "attention.sliding_window_pattern",
                                             "expert_count"};
  // 0 says "not used", or "the usual one".
  const std::set<std::string> neutral_zero = {
      "attention.scale", "attn_logit_softcapping", "final_logit_softcapping", "logit_scale",
      "embedding_scale", "residual_scale",         "rope.scaling.factor"};
  const std::string prefix = checkpoint_->architecture + ".";
  for (const auto& [key, value] : checkpoint_->metadata) {
    if (!key.starts_with(prefix)) continue;
    const auto with = [&, name = key](const MetadataValue& bad, const std::string& what) {
      expect_named(with_checkpoint([&](Checkpoint& c) { c.metadata[name] = bad; }), name, what);
    };
    const std::string bare = key.substr(prefix.size());
    with(std::vector<std::string>{"one"}, "as a list of strings");
    if (std::holds_alternative<std::int64_t>(value) || std::holds_alternative<std::uint64_t>(value)) {
      with(~std::uint64_t{0}, "as 2^64 - 1");
      with(std::int64_t{-1}, "as -1");
      with(std::string("four"), "as a string");
      if (!may_be_zero.contains(bare)) with(std::uint64_t{0}, "as 0");
    } else if (std::holds_alternative<double>(value)) {
      with(std::numeric_limits<double>::quiet_NaN(), "as NaN");
      with(std::numeric_limits<double>::infinity(), "as infinity");
      with(-1.0, "as -1");
      with(std::string("one"), "as a string");
      if (!neutral_zero.contains(bare)) with(0.0, "as 0");
    } else if (std::holds_alternative<bool>(value) || std::holds_alternative<std::string>(value)) {
      with(std::uint64_t{1} << 40, "as a number");
    }
  }
}

TEST_P(EveryArchitecture, NumbersThatContradictEachOtherAreRefused) {
  const std::string prefix = checkpoint_->architecture + ".";
  const auto with = [&](const std::string& key, const MetadataValue& bad) {
    return with_checkpoint([&](Checkpoint& c) { c.metadata[prefix + key] = bad; });
  };
  expect_named(with("attention.head_count_kv", std::uint64_t{3}), "attention.head_count_kv", "as 3");
  expect_named(with("block_count", std::uint64_t{1} << 31), "block_count", "as 2^31");
  expect_named(with("context_length", std::uint64_t{1} << 31), "context_length", "as 2^31");
  expect_named(with("vocab_size", std::uint64_t{319}), "token_embd.weight", "of another size");
  if (checkpoint_->has(prefix + "rope.dimension_count")) {
    expect_named(with("rope.dimension_count", std::uint64_t{3}), "rope.dimension_count", "odd");
    expect_named(with("rope.dimension_count", std::uint64_t{64}), "rope.dimension_count", "too large");
  }
}

TEST_P(EveryArchitecture, KeysThatAreNotComputedAreRefusedWithTheirValue) {
  const std::string prefix = checkpoint_->architecture + ".";
  for (const auto& [key, value] :
       std::vector<std::pair<std::string, MetadataValue>>{{"attention.max_alibi_bias", 8.0},
                                                          {"attention.clamp_kqv", 8.0},
                                                          {"attention.causal", false},
                                                          {"attention.value_length", std::uint64_t{8}},
                                                          {"swiglu_clamp_exp", 7.0}}) {
    const auto message =
        with_checkpoint([&, name = prefix + key, given = value](Checkpoint& c) { c.metadata[name] = given; });
    expect_named(message, prefix + key, "set");
    expect_named(message,
                 key == "attention.causal"   ? "false"
                 : key == "swiglu_clamp_exp" ? "7"
                                             : "8",
                 "with its value");
  }
  if (checkpoint_->has(prefix + "rope.freq_base")) {
    const auto message = with_checkpoint(
        [&](Checkpoint& c) { c.metadata[prefix + "rope.scaling.type"] = std::string("ntk"); });
    expect_named(message, "rope.scaling.type", "unknown");
    expect_named(message, "\"ntk\"", "with its value");
  }
}

TEST_P(EveryArchitecture, EachTensorIsNeededInItsShape) {
  for (const auto& name : checkpoint_->tensor_names) {
    const bool stands_in = name == "output.weight" || name == "rope_freqs.weight";  // something else serves
    // Without Q, K and V in one matrix a file must have three.
    const auto fused = name.find("attn_qkv.weight");
    const std::string wanted = fused == std::string::npos ? name : name.substr(0, fused) + "attn_q.weight";
    const bool optional = name.ends_with(".bias") && GetParam() != "qwen2" && GetParam() != "gpt2";
    if (!stands_in && !optional)
      expect_named(with_checkpoint([&](Checkpoint& c) {
                     c.tensors.erase(name);
                     std::erase(c.tensor_names, name);
                   }),
                   wanted, "removed");
    expect_named(with_checkpoint([&](Checkpoint& c) { c.tensors[name].shape.back() += 1; }), name,
                 "too wide");
    expect_named(with_checkpoint([&](Checkpoint& c) { c.tensors[name].dtype = Dtype::i32; }), name,
                 "of integers");
  }
  const auto extra = with_checkpoint([](Checkpoint& c) {
    c.tensors["blk.0.extra.weight"] = c.tensors.begin()->second;
    c.tensor_names.push_back("blk.0.extra.weight");
  });
  expect_named(extra, "blk.0.extra.weight is not part of this architecture", "added");
}

// Keys that say nothing about a forward pass, those that are words for what the tensors show, and one whose
// size is that of something else.
const std::set<std::string> kNoArithmetic = {
    "architectures",
    "attention_bias",
    "attention_dropout",
    "attn_pdrop",
    "bos_token_id",
    "classifier_dropout",
    "dtype",
    "embd_pdrop",
    "eos_token_id",
    "hidden_dropout",
    "initializer_range",
    "is_decoder",
    "max_window_layers",
    "mlp_bias",
    "model_type",
    "output_router_logits",
    "pad_token_id",
    "pretraining_tp",
    "reorder_and_upcast_attn",
    "resid_pdrop",
    "router_aux_loss_coef",
    "router_jitter_noise",
    "summary_activation",
    "summary_first_dropout",
    "summary_proj_to_labels",
    "summary_type",
    "summary_use_proj",
    "transformers_version",
    "use_cache",
    "_sliding_window_pattern",
};

TEST_P(EveryArchitecture, EachConfigKeyIsChecked) {
  const bool neox = folder_->config["model_type"] == "gpt_neox";
  for (const auto& [key, value] : folder_->config.items()) {
    if (kNoArithmetic.contains(key) || (neox && key == "num_key_value_heads")) continue;
    if (key == "sliding_window" && folder_->config.value("use_sliding_window", true) == false) continue;
    const auto with = [&, name = key](const Json& bad) {
      expect_named(with_config([&](Json& config) { config[name] = bad; }), name, "as " + bad.dump());
    };
    with(Json::object({{"unheard_of_scale", 1}}));
    if (!value.is_string()) with("text");
    if (value.is_number() || value.is_null()) with(-1);
    if (value.is_number_integer()) with(0);
    if (value.is_number_integer() && key != "query_pre_attn_scalar") with(std::int64_t{1} << 40);
    if (value.is_string()) with("something_else");
    if (value.is_object())
      for (const auto& [inner, number] : value.items()) {
        const auto message =
            with_config([&, outer = key, name = inner](Json& config) { config[outer][name] = "text"; });
        expect_named(message, inner, "as text");
      }
  }
}

TEST_P(EveryArchitecture, ConfigsThatContradictThemselvesAreRefused) {
  const Json& config = folder_->config;
  const auto with = [&](const char* key, const Json& bad) {
    if (config.contains(key))
      expect_named(with_config([&](Json& changed) { changed[key] = bad; }), key, "as " + bad.dump());
  };
  with("head_dim", 15);  // no pairs to rotate
  with("num_attention_heads", 3);
  with("n_head", 3);
  if (config["model_type"] != "gpt_neox") with("num_key_value_heads", 3);
  with("rms_norm_eps", 1.5);
  with("layer_norm_eps", 0.0);
  with("layer_types", Json::array({"full_attention"}));
  with("tie_word_embeddings", 1);
  if (const auto rope = config.find("rope_parameters"); rope != config.end() && rope->contains("rope_theta"))
    expect_named(with_config([](Json& changed) { changed["rope_parameters"]["rope_theta"] = 0; }),
                 "rope_theta", "as 0");
}

TEST_P(EveryArchitecture, WindowsAreByPeriodOrByLayer) {
  const std::string key = checkpoint_->architecture + ".attention.sliding_window";
  const auto layers =
      static_cast<std::size_t>(checkpoint_->integer(checkpoint_->architecture + ".block_count", 1, 100));
  const auto with = [&](const MetadataValue& pattern) {
    return with_checkpoint([&](Checkpoint& c) {
      c.metadata[key] = std::uint64_t{8};
      c.metadata[key + "_pattern"] = pattern;
    });
  };
  EXPECT_EQ(with(std::uint64_t{2}), "");
  EXPECT_EQ(with(std::vector<bool>(layers, true)), "");
  EXPECT_EQ(with(std::vector<std::int64_t>(layers, 0)), "");
  expect_named(with(std::vector<bool>(layers - 1, true)), key + "_pattern", "too short");
}

TEST_P(EveryArchitecture, WhatTheConfigMustSayIsMissedByName) {
  for (const char* key :
       {"num_hidden_layers", "hidden_size", "num_attention_heads", "intermediate_size", "vocab_size",
        "max_position_embeddings", "rms_norm_eps", "layer_norm_eps", "n_layer", "n_embd", "n_head",
        "n_positions", "layer_norm_epsilon", "num_experts_per_tok"})
    if (folder_->config.contains(key))
      expect_named(with_config([&](Json& config) { config.erase(key); }), key, "missing");
}

TEST_P(EveryArchitecture, UnknownKeysThatSoundLikeArithmeticAreRefused) {
  for (const char* key :
       {"attention_sinks", "logit_multiplier", "router_temperature", "quantization_config"}) {
    const auto message = with_config([&](Json& config) { config[key] = Json::object({{"a", 1}}); });
    expect_named(message, key, "added");
  }
  EXPECT_EQ(with_config([](Json& config) { config["some_note"] = "text"; }), "");
}

INSTANTIATE_TEST_SUITE_P(Tiny, EveryArchitecture, testing::ValuesIn(tiny_folders()),
                         [](const auto& test) { return test.param; });

TEST(AllArchitectures, EachHasATinyFolder) {
  std::set<std::string> types;
  for (const auto& name : tiny_folders())
    types.insert(read_model_folder(kTiny + name)->config["model_type"].get<std::string>());
  for (const Architecture* architecture : all_architectures()) {
    const std::string type(architecture->folder.model_type);
    if (!type.empty() && type != "bert") {
      EXPECT_TRUE(types.contains(type)) << type;
    }
  }
}

TEST(AllArchitectures, AreInTheTableOfModels) {
  std::ifstream file(std::string(LATHE_SOURCE_DIR) + "/docs/models.md");
  const std::string table((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  for (const Architecture* architecture : all_architectures()) {
    const FolderDialect& folder = architecture->folder;
    const std::string type(folder.model_type);
    const std::string name(type.empty() ? architecture->name : folder.architecture);
    EXPECT_NE(table.find("| " + type + (type.empty() ? "" : " | ") + name + " |"), std::string::npos)
        << type << " " << name << ": run tools/make_models_table.py";
  }
}

}  // namespace
}  // namespace lathe
