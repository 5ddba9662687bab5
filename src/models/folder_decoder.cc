#include "models/folder_decoder.h"

#include <cmath>

namespace lathe {
namespace {

constexpr std::int64_t kMost = std::int64_t{1} << 31;

void read_llama3(FolderConfig& rope, FolderMetadata& metadata, double base, std::int64_t dims) {
  const double factor = rope.real("factor");
  const double low = rope.real("low_freq_factor");
  const double high = rope.real("high_freq_factor");
  const auto original = static_cast<double>(rope.integer("original_max_position_embeddings", 1, kMost));
  if (!(factor > 0 && low > 0 && high > low))
    rope.fail("the factors must ascend from above 0", "high_freq_factor");
  // What each frequency is divided by: nothing for short waves, `factor` for long ones, a blend between.
  std::vector<double> factors;
  for (std::int64_t i = 0; i < dims / 2; ++i) {
    const double frequency = std::pow(base, -2.0 * static_cast<double>(i) / static_cast<double>(dims));
    const double wavelength = 2 * M_PI / frequency;
    if (wavelength < original / high) {
      factors.push_back(1);
    } else if (wavelength > original / low) {
      factors.push_back(factor);
    } else {
      const double smooth = (original / wavelength - low) / (high - low);
      factors.push_back(1 / ((1 - smooth) / factor + smooth));
    }
  }
  metadata.set_vector("rope_freqs.weight", factors);
}

void read_yarn(FolderConfig& rope, FolderMetadata& metadata) {
  metadata.set("rope.scaling.type", std::string("yarn"));
  metadata.set("rope.scaling.factor", rope.real("factor"));
  if (rope.has("original_max_position_embeddings"))
    metadata.set("rope.scaling.original_context_length",
                 rope.integer("original_max_position_embeddings", 1, kMost));
  metadata.set("rope.scaling.yarn_beta_fast", rope.real_or("beta_fast", 32));
  metadata.set("rope.scaling.yarn_beta_slow", rope.real_or("beta_slow", 1));
  if (rope.has("attention_factor")) metadata.set("rope.scaling.magnitude", rope.real("attention_factor"));
  rope.expect("truncate", {true});
  rope.expect("mscale", {});
  rope.expect("mscale_all_dim", {});
}

}  // namespace

void read_decoder_sizes(FolderConfig& config, FolderMetadata& metadata, bool tied) {
  const auto heads = config.integer("num_attention_heads", 1, kMost);
  const auto width = config.integer("hidden_size", 1, kMost);
  metadata.set("block_count", config.integer("num_hidden_layers", 1, kMost));
  metadata.set("embedding_length", width);
  metadata.set("feed_forward_length", config.integer("intermediate_size", 1, kMost));
  metadata.set("attention.head_count", heads);
  metadata.set("attention.head_count_kv", config.integer_or("num_key_value_heads", heads, 1, kMost));
  metadata.set("context_length", config.integer("max_position_embeddings", 1, kMost));
  metadata.set("vocab_size", config.integer("vocab_size", 1, kMost));
  if (config.has("head_dim")) {
    const auto head_dim = config.integer("head_dim", 1, kMost);
    metadata.set("attention.key_length", head_dim);
    metadata.set("attention.value_length", head_dim);
  }
  if (config.has("rms_norm_eps"))
    metadata.set("attention.layer_norm_rms_epsilon", config.real("rms_norm_eps"));
  metadata.set_tied(config.boolean_or("tie_word_embeddings", tied));
}

void read_rope(FolderConfig& config, FolderMetadata& metadata) {
  const auto head_dim = config.integer_or(
      "head_dim", config.integer("hidden_size", 1, kMost) / config.integer("num_attention_heads", 1, kMost),
      1, kMost);
  // transformers 5 has all in rope_parameters; before, the base stood beside rope_scaling.
  auto parameters = config.object("rope_parameters");
  auto scaling = config.object("rope_scaling");
  FolderConfig* rope = parameters ? &*parameters : scaling ? &*scaling : nullptr;
  const auto number = [&](std::string_view key, double fallback) {
    const double beside = config.real_or(key, fallback);
    return rope != nullptr ? rope->real_or(key, beside) : beside;
  };
  const double base = number("rope_theta", 10000.0);
  const auto dims =
      static_cast<std::int64_t>(static_cast<double>(head_dim) * number("partial_rotary_factor", 1.0));
  metadata.set("rope.freq_base", base);
  metadata.set("rope.dimension_count", dims);
  if (rope == nullptr) return;
  const auto older = rope->optional_text("type");
  const std::string type = rope->optional_text("rope_type").value_or(older.value_or("default"));
  if (type == "linear") {
    metadata.set("rope.scaling.type", std::string("linear"));
    metadata.set("rope.scaling.factor", rope->real("factor"));
  } else if (type == "llama3") {
    read_llama3(*rope, metadata, base, dims);
  } else if (type == "yarn") {
    read_yarn(*rope, metadata);
  } else if (type != "default") {
    rope->refuse("RoPE scaling \"" + type + "\" is not supported",
                 rope->has("rope_type") ? "rope_type" : "type");
  }
  if (parameters) parameters->finish();
  if (scaling) scaling->finish();
}

void read_window(FolderConfig& config, FolderMetadata& metadata) {
  const bool used = config.boolean_or("use_sliding_window", true);
  const auto window = config.integer_or("sliding_window", 0, 0, kMost);
  if (used && window > 0) metadata.set("attention.sliding_window", window);
}

}  // namespace lathe
