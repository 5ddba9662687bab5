// RoPE as config.json says it, in GGUF's words. transformers 5 has all in rope_parameters; before, the base
// stood beside rope_scaling, and the type was once "type".
#include <cmath>

#include "base/error.h"
#include "models/decoder_config.h"
#include "models/folder_decoder.h"

namespace lathe {
namespace {

// What a scaling needs of the rest.
struct RopeContext {
  double base = 0;
  std::int64_t dims = 0;
  std::int64_t original = 0;  // tokens before scaling
  std::int64_t longest = 0;   // tokens after it
};

double positive_or(FolderConfig& rope, std::string_view key, double fallback) {
  return rope.has(key) ? rope.positive(key) : fallback;
}

void read_linear(FolderConfig& rope, FolderMetadata& metadata) {
  metadata.set("rope.scaling.type", std::string("linear"));
  metadata.set("rope.scaling.factor", rope.positive("factor"));
}

void read_llama3(FolderConfig& rope, FolderMetadata& metadata, const RopeContext& context) {
  const double factor = rope.positive("factor");
  const double low = rope.positive("low_freq_factor");
  const double high = rope.positive("high_freq_factor");
  const auto original = static_cast<double>(context.original);
  if (!(high > low)) rope.fail("must be greater than low_freq_factor", "high_freq_factor");
  // What each frequency is divided by: nothing for short waves, `factor` for long ones, a blend between.
  std::vector<double> factors;
  for (std::int64_t i = 0; i < context.dims / 2; ++i) {
    const double frequency =
        std::pow(context.base, -2.0 * static_cast<double>(i) / static_cast<double>(context.dims));
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

void read_yarn(FolderConfig& rope, FolderMetadata& metadata, const RopeContext& context) {
  const double factor = positive_or(
      rope, "factor", static_cast<double>(context.longest) / static_cast<double>(context.original));
  metadata.set("rope.scaling.type", std::string("yarn"));
  metadata.set("rope.scaling.factor", factor);
  metadata.set("rope.scaling.original_context_length", context.original);
  metadata.set("rope.scaling.yarn_beta_fast", positive_or(rope, "beta_fast", 32));
  metadata.set("rope.scaling.yarn_beta_slow", positive_or(rope, "beta_slow", 1));
  rope.expect("truncate", {true});
  // GGUF multiplies by 0.1 ln(factor) + 1; a magnitude of the model's own is said relative to that.
  const auto magnitude = [factor](double weight) {
    return factor <= 1 ? 1.0 : 0.1 * weight * std::log(factor) + 1.0;
  };
  const double above = rope.real_or("mscale", 0);
  const double below = rope.real_or("mscale_all_dim", 0);
  const bool weighted = above != 0 && below != 0;
  const double own =
      positive_or(rope, "attention_factor", weighted ? magnitude(above) / magnitude(below) : magnitude(1));
  if (own != magnitude(1)) metadata.set("rope.scaling.attn_factor", own / magnitude(1));
}

void read_longrope(FolderConfig& rope, FolderMetadata& metadata, const RopeContext& context) {
  const auto original = static_cast<double>(context.original);
  for (const auto& [key, tensor] : {std::pair("long_factor", "rope_factors_long.weight"),
                                    std::pair("short_factor", "rope_factors_short.weight")}) {
    const auto factors = rope.reals(key);
    if (static_cast<std::int64_t>(factors.size()) != context.dims / 2)
      rope.fail("has " + std::to_string(factors.size()) + " numbers for " + std::to_string(context.dims / 2) +
                    " frequencies",
                key);
    for (const double factor : factors)
      if (!(factor > 0)) rope.fail("has a number that is not greater than 0", key);
    metadata.set_vector(tensor, factors);
  }
  const double factor = positive_or(rope, "factor", static_cast<double>(context.longest) / original);
  const double usual = factor <= 1 ? 1.0 : std::sqrt(1 + std::log(factor) / std::log(original));
  metadata.set("rope.scaling.type", std::string("longrope"));
  metadata.set("rope.scaling.original_context_length", context.original);
  metadata.set("rope.scaling.attn_factor", positive_or(rope, "attention_factor", usual));
}

void read_scaling(FolderConfig& rope, FolderMetadata& metadata, const RopeContext& context,
                  bool yarn_is_longrope) {
  const auto older = rope.optional_text("type");
  const std::string type = rope.optional_text("rope_type").value_or(older.value_or("default"));
  if (type == "linear") {
    read_linear(rope, metadata);
  } else if (type == "llama3") {
    read_llama3(rope, metadata, context);
  } else if (type == "longrope" || (yarn_is_longrope && (type == "yarn" || type == "su"))) {
    read_longrope(rope, metadata, context);
  } else if (type == "yarn") {
    read_yarn(rope, metadata, context);
  } else if (type != "default") {
    rope.refuse("the value \"" + printable(type) + "\" is not supported",
                rope.has("rope_type") ? "rope_type" : "type");
  }
}

/// `rope` is rope_parameters, one layer type's part of it, or rope_scaling; nullptr where there is none.
void read_rope_object(FolderConfig& config, FolderConfig* rope, FolderMetadata& metadata,
                      const RopeDefaults& defaults) {
  const auto number = [&](std::string_view key, std::string_view older_key, double fallback) {
    double beside = positive_or(config, older_key, fallback);
    if (key != older_key && config.has(key)) {  // written beside the older word, or in its place
      if (config.has(older_key) && config.positive(key) != beside)
        config.fail("contradicts " + std::string(older_key), key);
      beside = config.positive(key);
    }
    return rope != nullptr ? positive_or(*rope, key, beside) : beside;
  };
  const auto width = config.integer("hidden_size", 1, kMaxWidth);
  const auto heads = config.integer("num_attention_heads", 1, kMaxWidth);
  const auto head_dim = config.integer_or("head_dim", width / heads, 1, kMaxHeadDim);
  const double rotated = number("partial_rotary_factor", defaults.rotated_key, defaults.rotated);
  RopeContext context;
  context.base = number("rope_theta", defaults.base_key, defaults.base);
  context.dims = static_cast<std::int64_t>(static_cast<double>(head_dim) * rotated);
  if (context.dims < 1 || context.dims > head_dim || context.dims % 2 != 0)
    config.fail("rotates " + std::to_string(context.dims) + " of a head's " + std::to_string(head_dim) +
                    " elements: must be even and at most the head",
                rotated == 1 ? "head_dim" : defaults.rotated_key);
  metadata.set("rope.freq_base", context.base);
  metadata.set("rope.dimension_count", context.dims);
  context.longest = config.integer("max_position_embeddings", 1, kMaxContext);
  // Where both say it, the one beside wins.
  const auto inside =
      rope == nullptr ? context.longest
                      : rope->integer_or("original_max_position_embeddings", context.longest, 1, kMaxContext);
  context.original = config.integer_or("original_max_position_embeddings", inside, 1, kMaxContext);
  if (rope == nullptr) return;
  read_scaling(*rope, metadata, context, defaults.yarn_is_longrope);
  config.finish_object(*rope);
}

}  // namespace

void read_rope(FolderConfig& config, FolderMetadata& metadata, const RopeDefaults& defaults) {
  auto parameters = config.object("rope_parameters");
  auto scaling = config.object("rope_scaling");
  read_rope_object(config, scaling ? &*scaling : parameters ? &*parameters : nullptr, metadata, defaults);
}

void read_rope_by_layer_type(FolderConfig& config, FolderMetadata& metadata, double base, double local_base) {
  auto parameters = config.object("rope_parameters");
  auto scaling = config.object("rope_scaling");
  auto full = parameters ? parameters->object("full_attention") : std::nullopt;
  auto local = parameters ? parameters->object("sliding_attention") : std::nullopt;
  read_rope_object(config, full ? &*full : scaling ? &*scaling : nullptr, metadata, {.base = base});
  const double beside = positive_or(config, "rope_local_base_freq", local_base);
  metadata.set("rope.freq_base_swa", local ? positive_or(*local, "rope_theta", beside) : beside);
  if (local) {
    local->expect("rope_type", {"default"});
    config.finish_object(*local);
  }
  if (parameters) config.finish_object(*parameters);
}

}  // namespace lathe
