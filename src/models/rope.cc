#include "models/rope.h"

#include <algorithm>
#include <cmath>

#include "models/decoder_config.h"

namespace lathe {
namespace {

/// How much YaRN sharpens attention, which its authors found best for a context `factor` times as long.
double yarn_magnitude(double factor, double weight) {
  return factor <= 1 ? 1.0 : 0.1 * weight * std::log(factor) + 1.0;
}

double positive(const Checkpoint& checkpoint, const std::string& key, double fallback) {
  const double value = checkpoint.real_or(key, fallback);
  if (!(value > 0)) checkpoint.fail("must be a positive number", key);
  return value;
}

void read_yarn(const Checkpoint& checkpoint, const std::string& prefix, RopeConfig& config) {
  config.yarn = true;
  if (!(config.base > 1)) checkpoint.fail("YaRN needs a base above 1", prefix + "freq_base");
  config.beta_fast = positive(checkpoint, prefix + "scaling.yarn_beta_fast", 32);
  config.beta_slow = positive(checkpoint, prefix + "scaling.yarn_beta_slow", 1);
  if (config.beta_fast < config.beta_slow)
    checkpoint.fail("must be at least yarn_beta_slow", prefix + "scaling.yarn_beta_fast");
  if (checkpoint.real_or(prefix + "scaling.yarn_ext_factor", 1) != 1)
    refuse_key(checkpoint, "is not supported", prefix + "scaling.yarn_ext_factor");
  // A magnitude of the model's own is what transformers computes with; llama.cpp does not read the key here.
  const double weight = checkpoint.real_or(prefix + "scaling.yarn_log_multiplier", 0);
  config.magnitude *= positive(checkpoint, prefix + "scaling.yarn_attn_factor",
                               yarn_magnitude(config.factor, 1) / yarn_magnitude(config.factor, weight));
}

}  // namespace

RopeConfig read_rope_config(const Checkpoint& checkpoint, std::int64_t head_dim,
                            std::int64_t context_tokens) {
  const std::string prefix = checkpoint.architecture + ".rope.";
  RopeConfig config;
  config.dims = checkpoint.integer_or(prefix + "dimension_count", head_dim, 1, kMaxHeadDim);
  if (config.dims % 2 != 0 || config.dims > head_dim)
    checkpoint.fail("must be even and at most the head's " + std::to_string(head_dim),
                    prefix + "dimension_count");
  config.base = positive(checkpoint, prefix + "freq_base", 10000.0);
  config.original_context =
      checkpoint.integer_or(prefix + "scaling.original_context_length", context_tokens, 1, kMaxContext);
  const std::string factor_key =
      checkpoint.has(prefix + "scaling.factor") ? "scaling.factor" : "scale_linear";  // the older name
  // 0 is written for "no scaling".
  const double factor = checkpoint.real_or(prefix + factor_key, 0);
  if (factor < 0) checkpoint.fail("must not be negative", prefix + factor_key);
  config.factor = factor == 0 ? 1.0 : factor;
  config.magnitude = positive(checkpoint, prefix + "scaling.attn_factor", 1);

  // A factor without a type is linear.
  const std::string type = checkpoint.optional_text(prefix + "scaling.type").value_or("linear");
  if (type == "none") {
    config.factor = 1;
  } else if (type == "yarn") {
    read_yarn(checkpoint, prefix, config);
  } else if (type == "longrope") {
    if (config.factor != 1) refuse_key(checkpoint, "beside longrope is not supported", prefix + factor_key);
  } else if (type != "linear") {
    refuse_key(checkpoint, "is not supported", prefix + "scaling.type");
  }
  return config;
}

std::string rope_factors_name(const Checkpoint& checkpoint, const RopeConfig& config,
                              std::int64_t context_tokens) {
  const std::string longrope =
      context_tokens > config.original_context ? "rope_factors_long.weight" : "rope_factors_short.weight";
  for (const std::string& name : {std::string("rope_freqs.weight"), longrope})
    if (checkpoint.find_tensor(name) != nullptr) return name;
  return "";
}

std::vector<double> rope_frequencies(const RopeConfig& config, std::span<const float> factors) {
  const auto dims = static_cast<double>(config.dims);
  // The pair that turns `turns` times within the original context.
  const auto pair_of = [&](double turns) {
    return dims * std::log(static_cast<double>(config.original_context) / (turns * 2 * M_PI)) /
           (2 * std::log(config.base));
  };
  const double low = config.yarn ? std::max(std::floor(pair_of(config.beta_fast)), 0.0) : 0;
  const double high = config.yarn ? std::min(std::ceil(pair_of(config.beta_slow)), dims - 1) : 0;
  std::vector<double> frequencies(static_cast<std::size_t>(config.dims / 2));
  for (std::size_t i = 0; i < frequencies.size(); ++i) {
    const double pair = static_cast<double>(i);
    double frequency = std::pow(config.base, -2 * pair / dims);
    if (!factors.empty()) frequency /= static_cast<double>(factors[i]);
    // YaRN: fast pairs stay as trained, slow ones are stretched, and a straight line leads from one to the
    // other.
    const double stretched =
        config.yarn ? std::clamp((pair - low) / std::max(high - low, 0.001), 0.0, 1.0) : 1.0;
    frequencies[i] = frequency * (1 - stretched) + frequency / config.factor * stretched;
  }
  return frequencies;
}

}  // namespace lathe
