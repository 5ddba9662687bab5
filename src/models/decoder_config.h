// The sizes and settings of a decoder, read from "<architecture>.*" keys. Each key is checked, and one that
// would change the arithmetic of an architecture that does not compute it is refused with its value.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "formats/checkpoint.h"
#include "models/architecture.h"
#include "models/rope.h"

namespace lathe {

// Bounds far above any model; they keep products of sizes inside 64 bits.
inline constexpr std::int64_t kMaxLayers = 4096;
inline constexpr std::int64_t kMaxWidth = 1 << 20;
inline constexpr std::int64_t kMaxHeadDim = 4096;
inline constexpr std::int64_t kMaxContext = 1 << 27;
inline constexpr std::int64_t kMaxVocabulary = 1 << 24;

enum class Norm : std::uint8_t {
  rms,    // attention.layer_norm_rms_epsilon
  layer,  // attention.layer_norm_epsilon
};

/// What an architecture does not leave to its files.
struct DecoderTraits {
  Norm norm = Norm::rms;
  bool rotary = true;
  /// Where the file has a window and no attention.sliding_window_pattern: the last of every `window_every`
  /// layers sees everything, the others see the window; 0: all see the window alone.
  std::int64_t window_every = 0;
  std::int64_t window = 0;  // where the file has no attention.sliding_window; 0: none
  /// RoPE base of the layers with a window where the file does not say (rope.freq_base_swa), unscaled; 0:
  /// they rotate like the others.
  double local_rope_base = 0;
  /// Keys beyond the common ones that the architecture reads itself.
  std::vector<std::string_view> own_keys = {};
};

struct DecoderConfig {
  std::int64_t layers = 0;
  std::int64_t embedding = 0;  // width of the residual stream
  std::int64_t feed_forward = 0;
  std::int64_t heads = 0;
  std::int64_t kv_heads = 0;
  std::int64_t head_dim = 0;
  std::int64_t vocabulary = 0;  // rows of the embedding
  std::int64_t context_tokens = 0;
  Norm norm = Norm::rms;
  double epsilon = 0;
  RopeConfig rope;                       // dims 0: none
  std::optional<RopeConfig> local_rope;  // of layers with a window, where they have their own
  std::int64_t window = 0;               // tokens a layer with a window sees; 0: the model has none
  std::vector<bool> windowed;            // [layers]
  double attention_scale = 0;            // of the scores, 1 / sqrt(head_dim) where the file does not say
  double attention_softcap = 0;          // 0: none
  double final_softcap = 0;
  bool causal = true;  // else every token sees all tokens of its sequence

  std::int64_t q_width() const { return heads * head_dim; }
  std::int64_t kv_width() const { return kv_heads * head_dim; }
  std::int64_t window_of(std::int64_t layer) const {
    return windowed[static_cast<std::size_t>(layer)] ? window : 0;
  }
};

/// Error(invalid_model) names the key whose value is wrong, Error(unsupported) the one that is not computed.
DecoderConfig read_decoder_config(const Checkpoint& checkpoint, const DecoderTraits& traits = {});
ModelShape decoder_shape(const DecoderConfig& config);

/// Error(unsupported) with the key and its value.
[[noreturn]] void refuse_key(const Checkpoint& checkpoint, const std::string& message,
                             const std::string& key);

}  // namespace lathe
