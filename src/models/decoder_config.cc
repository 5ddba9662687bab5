#include "models/decoder_config.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/error.h"

namespace lathe {
namespace {

// Keys that change what is computed, with the value that says "not used". An architecture that computes one
// has it among its own_keys.
struct ArithmeticKey {
  std::string_view name;
  double neutral;
};
constexpr double kNone = std::numeric_limits<double>::quiet_NaN();  // no value is neutral
constexpr ArithmeticKey kArithmeticKeys[] = {
    {"attention.causal", 1},
    {"attention.clamp_kqv", 0},
    {"attention.indexer.top_k", 0},
    {"attention.key_length_mla", kNone},
    {"attention.key_length_swa", kNone},
    {"attention.kv_lora_rank", 0},
    {"attention.max_alibi_bias", 0},
    {"attention.output_scale", 1},
    {"attention.q_lora_rank", 0},
    {"attention.rope_pattern", kNone},
    {"attention.shared_kv_layers", 0},
    {"attention.temperature_length", 0},
    {"attention.temperature_scale", 0},
    {"attention.value_length_swa", kNone},
    {"attention.value_scale", 1},
    {"deepstack_mapping", kNone},
    {"embedding_scale", 1},
    {"expert_count", 0},
    {"full_attention_interval", 0},
    {"hidden_activation", kNone},
    {"logit_scale", 1},
    {"n_deepstack_layers", 0},
    {"nextn_predict_layers", 0},
    {"num_loops", 1},
    {"residual_scale", 1},
    {"rope.dimension_count_swa", kNone},
    {"rope.dimension_sections", kNone},
    {"rope.freq_base_swa", kNone},
    {"rope.scaling.alpha", 0},
    {"swiglu_clamp_exp", 0},
    {"use_parallel_residual", 0},
};

struct ValueText {
  std::string operator()(std::int64_t number) const { return std::to_string(number); }
  std::string operator()(std::uint64_t number) const { return std::to_string(number); }
  std::string operator()(double number) const { return std::to_string(number); }
  std::string operator()(bool truth) const { return truth ? "true" : "false"; }
  std::string operator()(const std::string& text) const { return "\"" + printable(text, 60) + "\""; }
  template <class T>
  std::string operator()(const std::vector<T>& list) const {
    return "(a list of " + std::to_string(list.size()) + ")";
  }
};

bool is_number(const MetadataValue& value, double wanted) {
  if (const auto* whole = std::get_if<std::int64_t>(&value)) return static_cast<double>(*whole) == wanted;
  if (const auto* natural = std::get_if<std::uint64_t>(&value))
    return static_cast<double>(*natural) == wanted;
  if (const auto* real = std::get_if<double>(&value)) return *real == wanted;
  if (const auto* truth = std::get_if<bool>(&value)) return (*truth ? 1.0 : 0.0) == wanted;
  return false;
}

void refuse_arithmetic(const Checkpoint& checkpoint, const DecoderTraits& traits) {
  for (const auto& [name, neutral] : kArithmeticKeys) {
    if (std::find(traits.own_keys.begin(), traits.own_keys.end(), name) != traits.own_keys.end()) continue;
    if (name == "rope.freq_base_swa" && traits.local_rope_base != 0) continue;
    const std::string key = checkpoint.architecture + "." + std::string(name);
    const MetadataValue* value = checkpoint.value(key);
    if (value != nullptr && !is_number(*value, neutral)) refuse_key(checkpoint, "is not supported", key);
  }
}

/// [layers]: which see the window alone. The file has a period, or one entry for each layer.
std::vector<bool> read_window_pattern(const Checkpoint& checkpoint, const std::string& key,
                                      std::int64_t layers, std::int64_t every) {
  std::vector<bool> windowed(static_cast<std::size_t>(layers));
  const MetadataValue* value = checkpoint.value(key);
  if (const auto* list = std::get_if<std::vector<bool>>(value)) {
    windowed = *list;
  } else if (const auto* numbers = std::get_if<std::vector<std::int64_t>>(value)) {
    windowed.assign(numbers->size(), false);
    for (std::size_t i = 0; i < numbers->size(); ++i) windowed[i] = (*numbers)[i] != 0;
  } else {
    every = checkpoint.integer_or(key, every, 0, kMaxLayers);
    for (std::int64_t i = 0; i < layers; ++i)
      windowed[static_cast<std::size_t>(i)] = every == 0 || i % every < every - 1;
  }
  if (windowed.size() != static_cast<std::size_t>(layers))
    checkpoint.fail(
        "has " + std::to_string(windowed.size()) + " entries for " + std::to_string(layers) + " layers", key);
  return windowed;
}

void read_heads(const Checkpoint& checkpoint, const std::string& prefix, DecoderConfig& config) {
  config.heads = checkpoint.integer(prefix + "attention.head_count", 1, kMaxWidth);
  config.kv_heads = checkpoint.integer_or(prefix + "attention.head_count_kv", config.heads, 1, kMaxWidth);
  if (config.heads % config.kv_heads != 0)
    checkpoint.fail("attention.head_count " + std::to_string(config.heads) + " is not a multiple of " +
                        std::to_string(config.kv_heads),
                    prefix + "attention.head_count_kv");
  if (!checkpoint.has(prefix + "attention.key_length") && config.embedding % config.heads != 0)
    checkpoint.fail("embedding_length " + std::to_string(config.embedding) + " is not a multiple of " +
                        std::to_string(config.heads),
                    prefix + "attention.head_count");
  config.head_dim =
      checkpoint.integer_or(prefix + "attention.key_length",
                            std::max<std::int64_t>(config.embedding / config.heads, 1), 1, kMaxHeadDim);
  if (checkpoint.integer_or(prefix + "attention.value_length", config.head_dim, 1, kMaxHeadDim) !=
      config.head_dim)
    refuse_key(checkpoint, "is not supported: values of another width than keys",
               prefix + "attention.value_length");
}

void read_attention(const Checkpoint& checkpoint, const std::string& prefix, const DecoderTraits& traits,
                    DecoderConfig& config) {
  config.window = checkpoint.integer_or(prefix + "attention.sliding_window", traits.window, 0, kMaxContext);
  config.windowed = read_window_pattern(checkpoint, prefix + "attention.sliding_window_pattern",
                                        config.layers, traits.window_every);
  const auto not_negative = [&](const std::string& key) {
    const double value = checkpoint.real_or(prefix + key, 0);
    if (value < 0) checkpoint.fail("must not be negative", prefix + key);
    return value;
  };
  const double scale = not_negative("attention.scale");  // 0: the usual one
  config.attention_scale = scale != 0 ? scale : 1.0 / std::sqrt(static_cast<double>(config.head_dim));
  config.attention_softcap = not_negative("attn_logit_softcapping");
  config.final_softcap = not_negative("final_logit_softcapping");
}

void read_vocabulary(const Checkpoint& checkpoint, const std::string& prefix, DecoderConfig& config) {
  const TensorView* embedding = checkpoint.find_tensor("token_embd.weight");
  if (embedding == nullptr || embedding->shape.size() != 2)
    checkpoint.fail("the embedding is missing or no matrix", "token_embd.weight");
  config.vocabulary = embedding->shape[0];
  const std::int64_t stored =
      checkpoint.integer_or(prefix + "vocab_size", config.vocabulary, 1, kMaxVocabulary);
  const auto* tokens = checkpoint.strings("tokenizer.ggml.tokens");
  const auto token_count = tokens == nullptr ? config.vocabulary : static_cast<std::int64_t>(tokens->size());
  if (config.vocabulary < 1 || stored != config.vocabulary || token_count != config.vocabulary)
    checkpoint.fail("has " + std::to_string(config.vocabulary) + " rows for a vocabulary of " +
                        std::to_string(stored != config.vocabulary ? stored : token_count),
                    "token_embd.weight");
}

}  // namespace

DecoderConfig read_decoder_config(const Checkpoint& checkpoint, const DecoderTraits& traits) {
  const std::string prefix = checkpoint.architecture + ".";
  DecoderConfig config;
  config.layers = checkpoint.integer(prefix + "block_count", 1, kMaxLayers);
  config.embedding = checkpoint.integer(prefix + "embedding_length", 1, kMaxWidth);
  config.feed_forward = checkpoint.integer(prefix + "feed_forward_length", 1, kMaxWidth);
  config.context_tokens = checkpoint.integer(prefix + "context_length", 1, kMaxContext);
  read_heads(checkpoint, prefix, config);
  read_attention(checkpoint, prefix, traits, config);
  if (traits.rotary) {
    config.rope = read_rope_config(checkpoint, config.head_dim, config.context_tokens);
    if (traits.local_rope_base != 0 && config.window != 0) {
      config.local_rope = RopeConfig{.dims = config.rope.dims, .base = traits.local_rope_base};
      config.local_rope->base = checkpoint.real_or(prefix + "rope.freq_base_swa", traits.local_rope_base);
      if (!(config.local_rope->base > 0))
        checkpoint.fail("must be a positive number", prefix + "rope.freq_base_swa");
    }
  }
  config.norm = traits.norm;
  const std::string epsilon_key = prefix + (traits.norm == Norm::rms ? "attention.layer_norm_rms_epsilon"
                                                                     : "attention.layer_norm_epsilon");
  config.epsilon = checkpoint.real(epsilon_key);
  if (!(config.epsilon > 0.0 && config.epsilon < 1.0))
    checkpoint.fail("must lie between 0 and 1", epsilon_key);
  refuse_arithmetic(checkpoint, traits);
  read_vocabulary(checkpoint, prefix, config);
  return config;
}

ModelShape decoder_shape(const DecoderConfig& config) {
  return {config.vocabulary, config.context_tokens, config.layers, config.kv_heads, config.head_dim};
}

void refuse_key(const Checkpoint& checkpoint, const std::string& message, const std::string& key) {
  const MetadataValue* value = checkpoint.value(key);
  const std::string shown = value == nullptr ? "" : "the value " + std::visit(ValueText{}, *value) + " ";
  throw Error(ErrorCode::unsupported, shown + message, {checkpoint.file, std::nullopt, key});
}

}  // namespace lathe
