// What Gemma 2 and 3 share: norms before and behind each block, GeGLU, embedding scaled by sqrt(width).
#pragma once

#include "models/blocks.h"
#include "models/folder_decoder.h"

namespace lathe {

/// `big_layers`: how many layers the model of the family has that divides scores by another width than a
/// head's, which its file does not say.
void set_gemma_attention_scale(const Checkpoint& checkpoint, std::int64_t big_layers, DecoderConfig& config);

Graph build_gemma(const std::shared_ptr<const Checkpoint>& checkpoint, const DecoderConfig& config,
                  const GraphOptions& options, bool head_norms);

/// All but RoPE and window.
void read_gemma_folder(FolderConfig& config, FolderMetadata& metadata);

inline constexpr TensorRule kGemmaNorms[] = {
    {"layers.{}.input_layernorm.weight", "blk.{}.attn_norm.weight", TensorEdit::plus_one},
    {"layers.{}.post_attention_layernorm.weight", "blk.{}.post_attention_norm.weight", TensorEdit::plus_one},
    {"layers.{}.pre_feedforward_layernorm.weight", "blk.{}.ffn_norm.weight", TensorEdit::plus_one},
    {"layers.{}.post_feedforward_layernorm.weight", "blk.{}.post_ffw_norm.weight", TensorEdit::plus_one},
    {"layers.{}.self_attn.q_norm.weight", "blk.{}.attn_q_norm.weight", TensorEdit::plus_one},
    {"layers.{}.self_attn.k_norm.weight", "blk.{}.attn_k_norm.weight", TensorEdit::plus_one},
};

}  // namespace lathe
