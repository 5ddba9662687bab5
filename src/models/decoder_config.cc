#include <cmath>
#include <limits>

#include "base/error.h"
#include "models/blocks.h"

namespace lathe {
namespace {

// Bounds far above any model; they keep products of sizes inside 64 bits.
constexpr std::int64_t kMaxLayers = 4096;
constexpr std::int64_t kMaxWidth = 1 << 20;
constexpr std::int64_t kMaxContext = 1 << 27;

void refuse(const Checkpoint& checkpoint, const std::string& what, const std::string& key) {
  throw Error(ErrorCode::unsupported, what, {checkpoint.file, std::nullopt, key});
}

}  // namespace

DecoderConfig read_decoder_config(const Checkpoint& checkpoint) {
  const std::string prefix = checkpoint.architecture + ".";
  const auto integer = [&](const std::string& key, std::int64_t maximum) {
    return checkpoint.integer(prefix + key, 1, maximum);
  };
  const auto integer_or = [&](const std::string& key, std::int64_t fallback, std::int64_t maximum) {
    return checkpoint.integer_or(prefix + key, fallback, 1, maximum);
  };
  DecoderConfig config;
  config.layers = integer("block_count", kMaxLayers);
  config.embedding = integer("embedding_length", kMaxWidth);
  config.feed_forward = integer("feed_forward_length", kMaxWidth);
  config.heads = integer("attention.head_count", kMaxWidth);
  config.kv_heads = integer_or("attention.head_count_kv", config.heads, kMaxWidth);
  config.context_tokens = integer("context_length", kMaxContext);
  if (config.heads % config.kv_heads != 0)
    checkpoint.fail("attention.head_count " + std::to_string(config.heads) + " is not a multiple of " +
                        std::to_string(config.kv_heads),
                    prefix + "attention.head_count_kv");
  if (!checkpoint.has(prefix + "attention.key_length") && config.embedding % config.heads != 0)
    checkpoint.fail("embedding_length " + std::to_string(config.embedding) + " is not a multiple of " +
                        std::to_string(config.heads),
                    prefix + "attention.head_count");
  config.head_dim =
      integer_or("attention.key_length", std::max<std::int64_t>(config.embedding / config.heads, 1), 4096);
  if (integer_or("attention.value_length", config.head_dim, 4096) != config.head_dim)
    refuse(checkpoint, "values of another width than keys are not supported",
           prefix + "attention.value_length");
  config.rope_dims = integer_or("rope.dimension_count", config.head_dim, 4096);
  if (config.rope_dims % 2 != 0 || config.rope_dims > config.head_dim)
    checkpoint.fail("must be even and at most the head's " + std::to_string(config.head_dim),
                    prefix + "rope.dimension_count");
  config.rope_base = checkpoint.real_or(prefix + "rope.freq_base", 10000.0);
  if (!(config.rope_base > 0.0) || !std::isfinite(config.rope_base))
    checkpoint.fail("must be a positive number", prefix + "rope.freq_base");
  config.epsilon = checkpoint.real(prefix + "attention.layer_norm_rms_epsilon");
  if (!(config.epsilon > 0.0 && config.epsilon < 1.0))
    checkpoint.fail("must lie between 0 and 1", prefix + "attention.layer_norm_rms_epsilon");
  config.window = checkpoint.integer_or(prefix + "attention.sliding_window", 0, 0, kMaxContext);

  const auto scaling = checkpoint.optional_text(prefix + "rope.scaling.type");
  if (scaling && *scaling != "none")
    refuse(checkpoint, "RoPE scaling \"" + printable(*scaling) + "\" is not supported",
           prefix + "rope.scaling.type");
  if (checkpoint.integer_or(prefix + "expert_count", 0, 0, kMaxWidth) != 0)
    refuse(checkpoint, "experts are not supported", prefix + "expert_count");

  const TensorView* embedding = checkpoint.find_tensor("token_embd.weight");
  if (embedding == nullptr || embedding->shape.size() != 2)
    checkpoint.fail("the embedding is missing or no matrix", "token_embd.weight");
  config.vocabulary = embedding->shape[0];
  const std::int64_t stored = checkpoint.integer_or(prefix + "vocab_size", config.vocabulary, 0, 1 << 24);
  const auto* tokens = checkpoint.strings("tokenizer.ggml.tokens");
  const auto token_count = tokens == nullptr ? config.vocabulary : static_cast<std::int64_t>(tokens->size());
  if (config.vocabulary < 1 || stored != config.vocabulary || token_count != config.vocabulary)
    checkpoint.fail("has " + std::to_string(config.vocabulary) + " rows for a vocabulary of " +
                        std::to_string(stored != config.vocabulary ? stored : token_count),
                    "token_embd.weight");
  return config;
}

ModelShape decoder_shape(const DecoderConfig& config) {
  return {config.vocabulary, config.context_tokens, config.layers, config.kv_heads, config.head_dim};
}

}  // namespace lathe
