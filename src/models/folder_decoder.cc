#include "models/folder_decoder.h"

#include <algorithm>

#include "base/error.h"
#include "models/decoder_config.h"

namespace lathe {
namespace {

/// The key stands there, be it as null.
bool is_named(const FolderConfig& config, std::string_view key) {
  const auto keys = config.keys();
  return std::find(keys.begin(), keys.end(), key) != keys.end();
}

void expect_one_for_each_layer(FolderConfig& config, std::size_t types) {
  const auto layers = config.integer("num_hidden_layers", 1, kMaxLayers);
  if (static_cast<std::int64_t>(types) != layers)
    config.fail("has " + std::to_string(types) + " entries for " + std::to_string(layers) + " layers",
                "layer_types");
}

}  // namespace

void read_decoder_sizes(FolderConfig& config, FolderMetadata& metadata, bool tied,
                        std::string_view epsilon_key) {
  const auto heads = config.integer("num_attention_heads", 1, kMaxWidth);
  const auto kv_heads = config.integer_or("num_key_value_heads", heads, 1, kMaxWidth);
  const auto width = config.integer("hidden_size", 1, kMaxWidth);
  if (heads % kv_heads != 0)
    config.fail("the value " + std::to_string(kv_heads) + " does not divide num_attention_heads " +
                    std::to_string(heads),
                "num_key_value_heads");
  metadata.set("block_count", config.integer("num_hidden_layers", 1, kMaxLayers));
  metadata.set("embedding_length", width);
  metadata.set("feed_forward_length", config.integer("intermediate_size", 1, kMaxWidth));
  metadata.set("attention.head_count", heads);
  metadata.set("attention.head_count_kv", kv_heads);
  metadata.set("context_length", config.integer("max_position_embeddings", 1, kMaxContext));
  metadata.set("vocab_size", config.integer("vocab_size", 1, kMaxVocabulary));
  if (config.has("head_dim")) {
    const auto head_dim = config.integer("head_dim", 1, kMaxHeadDim);
    metadata.set("attention.key_length", head_dim);
    metadata.set("attention.value_length", head_dim);
  } else if (width % heads != 0) {
    config.fail(
        "the value " + std::to_string(heads) + " does not divide hidden_size " + std::to_string(width),
        "num_attention_heads");
  }
  read_epsilon(config, metadata, epsilon_key);
  metadata.set_tied(config.boolean_or("tie_word_embeddings", tied));
}

void read_epsilon(FolderConfig& config, FolderMetadata& metadata, std::string_view key) {
  const double epsilon = config.real(key);
  if (!(epsilon > 0 && epsilon < 1))
    config.fail("the value " + std::to_string(epsilon) + " must lie between 0 and 1", key);
  metadata.set(key == "rms_norm_eps" ? "attention.layer_norm_rms_epsilon" : "attention.layer_norm_epsilon",
               epsilon);
}

void read_window(FolderConfig& config, FolderMetadata& metadata, std::int64_t window,
                 const std::function<bool(std::int64_t)>& windowed) {
  if (config.has("sliding_window"))
    window = config.integer("sliding_window", 1, kMaxContext);
  else if (is_named(config, "sliding_window"))
    window = 0;
  const auto layers = config.integer("num_hidden_layers", 1, kMaxLayers);
  std::vector<bool> pattern;
  const auto types = config.texts("layer_types");
  for (std::int64_t layer = 0; types.empty() && layer < layers; ++layer) pattern.push_back(windowed(layer));
  for (const std::string& type : types) {
    if (type != "sliding_attention" && type != "full_attention")
      config.refuse("the value \"" + printable(type) + "\" is not supported", "layer_types");
    pattern.push_back(type == "sliding_attention");
  }
  expect_one_for_each_layer(config, pattern.size());
  if (std::find(pattern.begin(), pattern.end(), true) == pattern.end()) return;
  if (window == 0 && !types.empty()) config.fail("layer_types needs a window", "sliding_window");
  if (window == 0) return;
  metadata.set("attention.sliding_window", window);
  metadata.set("attention.sliding_window_pattern", pattern);
}

void read_qwen_window(FolderConfig& config, FolderMetadata& metadata) {
  const auto first = config.integer_or("max_window_layers", 28, 0, kMaxLayers);
  if (config.boolean_or("use_sliding_window", false)) {
    read_window(config, metadata, 4096, [first](std::int64_t layer) { return layer >= first; });
  } else {
    config.ignore({"sliding_window"});
    expect_full_attention(config);
  }
}

void expect_full_attention(FolderConfig& config) {
  if (!config.has("layer_types")) return;
  const auto types = config.texts("layer_types");
  for (const std::string& type : types)
    if (type != "full_attention")
      config.refuse("the value \"" + printable(type) + "\" is not supported", "layer_types");
  expect_one_for_each_layer(config, types.size());
}

void read_real(FolderConfig& config, FolderMetadata& metadata, std::string_view key, std::string_view gguf) {
  if (!is_named(config, key)) return;
  const double value = config.real_or(key, 0);
  if (value < 0) config.fail("must not be negative", key);
  metadata.set(gguf, value);
}

void read_gelu_name(FolderConfig& config, FolderMetadata& metadata, std::string_view key,
                    std::string_view fallback) {
  config.expect(key, {"gelu", "gelu_new", "gelu_fast", "gelu_pytorch_tanh"});
  const bool exact = config.optional_text(key).value_or(std::string(fallback)) == "gelu";
  metadata.set("hidden_activation", std::string(exact ? "gelu" : "gelu_pytorch_tanh"));
}

}  // namespace lathe
