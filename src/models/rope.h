// Rotary embedding: what a file says of its frequencies, and the frequencies that come of it. Whatever the
// scaling, an angle is position times frequency; cosine and sine are multiplied by one magnitude.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "formats/checkpoint.h"

namespace lathe {

struct RopeConfig {
  std::int64_t dims = 0;  // of a head that rotate, from its front
  double base = 10000;
  double factor = 1;  // frequencies are divided by it: all (linear), or the slow ones (YaRN)
  bool yarn = false;
  double beta_fast = 32, beta_slow = 1;  // YaRN: turns within the original context that bound the blend
  std::int64_t original_context = 0;     // tokens before scaling
  double magnitude = 1;
};

/// Keys "<architecture>.rope.*"; a scaling that is not computed is refused with key and value.
RopeConfig read_rope_config(const Checkpoint& checkpoint, std::int64_t head_dim, std::int64_t context_tokens);

/// The tensor whose numbers divide the frequencies one by one, "" where the file has none: Llama 3's factors,
/// or those of LongRoPE for contexts beyond the original one or within it.
std::string rope_factors_name(const Checkpoint& checkpoint, const RopeConfig& config,
                              std::int64_t context_tokens);

/// [dims / 2], in radians a position; `factors` is empty or as long.
std::vector<double> rope_frequencies(const RopeConfig& config, std::span<const float> factors);

}  // namespace lathe
