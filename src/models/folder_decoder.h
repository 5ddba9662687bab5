// What the config.json files of most decoders share.
#pragma once

#include <functional>

#include "models/folder_translation.h"

namespace lathe {

/// Sizes: num_hidden_layers, hidden_size, intermediate_size, num_attention_heads, num_key_value_heads,
/// head_dim, vocab_size, max_position_embeddings; the norms' epsilon under `epsilon_key`; tied embeddings
/// (`tied` where the key is missing).
void read_decoder_sizes(FolderConfig& config, FolderMetadata& metadata, bool tied,
                        std::string_view epsilon_key = "rms_norm_eps");

/// Of the norms, between 0 and 1: rms_norm_eps is RMS's, other names LayerNorm's.
void read_epsilon(FolderConfig& config, FolderMetadata& metadata, std::string_view key);

struct RopeDefaults {
  double base = 10000;
  double rotated = 1;  // share of a head
  // Where the older spelling has them, beside rope_scaling.
  std::string_view base_key = "rope_theta";
  std::string_view rotated_key = "partial_rotary_factor";
  bool yarn_is_longrope = false;  // Phi-3 called it "su" and "yarn"
};

/// RoPE in both spellings: base, share of a head, and scaling default, linear, llama3, yarn, longrope as GGUF
/// says them (keys rope.scaling.*, tensors rope_freqs.weight, rope_factors_long/short.weight). Others are
/// refused with key and value.
void read_rope(FolderConfig& config, FolderMetadata& metadata, const RopeDefaults& defaults = {});

/// The same where layers with a window have a base of their own: rope_parameters by layer type, or
/// rope_local_base_freq beside rope_theta.
void read_rope_by_layer_type(FolderConfig& config, FolderMetadata& metadata, double base, double local_base);

/// sliding_window (`window` where the key is missing; null: none), and which layers have it: layer_types
/// where the config lists them, otherwise those for which `windowed` is true.
void read_window(
    FolderConfig& config, FolderMetadata& metadata, std::int64_t window = 0,
    const std::function<bool(std::int64_t layer)>& windowed = [](std::int64_t) { return true; });

/// Qwen's: a window where use_sliding_window is true, for the layers from max_window_layers on.
void read_qwen_window(FolderConfig& config, FolderMetadata& metadata);

/// For models without a window: layer_types may only say so.
void expect_full_attention(FolderConfig& config);

/// A number that is not negative, where the config has it; null is 0.
void read_real(FolderConfig& config, FolderMetadata& metadata, std::string_view key, std::string_view gguf);

/// Which of the two GELUs the config names, as hidden_activation: "gelu" (exact) or "gelu_pytorch_tanh".
void read_gelu_name(FolderConfig& config, FolderMetadata& metadata, std::string_view key,
                    std::string_view fallback);

}  // namespace lathe
