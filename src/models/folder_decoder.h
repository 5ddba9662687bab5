// What the config.json files of most decoders share.
#pragma once

#include "models/folder_translation.h"

namespace lathe {

/// Sizes: num_hidden_layers, hidden_size, intermediate_size, num_attention_heads, num_key_value_heads,
/// head_dim, vocab_size, max_position_embeddings; RMS epsilon; tied embeddings (`tied` where the key is
/// missing).
void read_decoder_sizes(FolderConfig& config, FolderMetadata& metadata, bool tied);

/// RoPE in both spellings: base, partial_rotary_factor, and scaling default, linear, llama3, yarn, longrope
/// as GGUF says them (keys rope.scaling.*, tensors rope_freqs.weight, rope_factors_long/short.weight). Others
/// are refused with key and value.
void read_rope(FolderConfig& config, FolderMetadata& metadata);

/// sliding_window where use_sliding_window is not false; layer_types must be what `window_of_layer` computes.
void read_window(FolderConfig& config, FolderMetadata& metadata);

}  // namespace lathe
