// Tensor names that Llama's folders and those built like it share.
#pragma once

#include "models/folder_translation.h"

namespace lathe {

inline constexpr TensorRule kLlamaTensors[] = {
    {"embed_tokens.weight", "token_embd.weight"},
    {"norm.weight", "output_norm.weight"},
    {"lm_head.weight", "output.weight"},
    {"layers.{}.input_layernorm.weight", "blk.{}.attn_norm.weight"},
    {"layers.{}.self_attn.q_proj.weight", "blk.{}.attn_q.weight", TensorEdit::query_pairs},
    {"layers.{}.self_attn.k_proj.weight", "blk.{}.attn_k.weight", TensorEdit::key_pairs},
    {"layers.{}.self_attn.v_proj.weight", "blk.{}.attn_v.weight"},
    {"layers.{}.self_attn.o_proj.weight", "blk.{}.attn_output.weight"},
    {"layers.{}.self_attn.q_proj.bias", "blk.{}.attn_q.bias", TensorEdit::query_pairs},
    {"layers.{}.self_attn.k_proj.bias", "blk.{}.attn_k.bias", TensorEdit::key_pairs},
    {"layers.{}.self_attn.v_proj.bias", "blk.{}.attn_v.bias"},
    {"layers.{}.self_attn.o_proj.bias", "blk.{}.attn_output.bias"},
    {"layers.{}.self_attn.rotary_emb.inv_freq", ""},
    {"layers.{}.post_attention_layernorm.weight", "blk.{}.ffn_norm.weight"},
    {"layers.{}.mlp.gate_proj.weight", "blk.{}.ffn_gate.weight"},
    {"layers.{}.mlp.up_proj.weight", "blk.{}.ffn_up.weight"},
    {"layers.{}.mlp.down_proj.weight", "blk.{}.ffn_down.weight"},
    {"layers.{}.mlp.gate_proj.bias", "blk.{}.ffn_gate.bias"},
    {"layers.{}.mlp.up_proj.bias", "blk.{}.ffn_up.bias"},
    {"layers.{}.mlp.down_proj.bias", "blk.{}.ffn_down.bias"},
};

}  // namespace lathe
