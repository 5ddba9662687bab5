// Tensor names that most decoders' folders share.
#pragma once

#include <array>

#include "models/folder_translation.h"

namespace lathe {

/// How the shared tensors are changed on the way.
struct DecoderEdits {
  TensorEdit query = TensorEdit::as_stored;
  TensorEdit key = TensorEdit::as_stored;
  TensorEdit norm = TensorEdit::as_stored;  // the final norm
};

/// The shared names, and behind them the architecture's own: the norms of its layers, and what else it has.
template <std::size_t N>
constexpr auto decoder_tensors(const DecoderEdits& edits, const TensorRule (&own)[N]) {
  constexpr std::size_t kShared = 18;
  const TensorRule shared[kShared] = {
      {"embed_tokens.weight", "token_embd.weight"},
      {"norm.weight", "output_norm.weight", edits.norm},
      {"lm_head.weight", "output.weight"},
      {"layers.{}.self_attn.q_proj.weight", "blk.{}.attn_q.weight", edits.query},
      {"layers.{}.self_attn.k_proj.weight", "blk.{}.attn_k.weight", edits.key},
      {"layers.{}.self_attn.v_proj.weight", "blk.{}.attn_v.weight"},
      {"layers.{}.self_attn.o_proj.weight", "blk.{}.attn_output.weight"},
      {"layers.{}.self_attn.q_proj.bias", "blk.{}.attn_q.bias", edits.query},
      {"layers.{}.self_attn.k_proj.bias", "blk.{}.attn_k.bias", edits.key},
      {"layers.{}.self_attn.v_proj.bias", "blk.{}.attn_v.bias"},
      {"layers.{}.self_attn.o_proj.bias", "blk.{}.attn_output.bias"},
      {"layers.{}.self_attn.rotary_emb.inv_freq", ""},
      {"layers.{}.mlp.gate_proj.weight", "blk.{}.ffn_gate.weight"},
      {"layers.{}.mlp.up_proj.weight", "blk.{}.ffn_up.weight"},
      {"layers.{}.mlp.down_proj.weight", "blk.{}.ffn_down.weight"},
      {"layers.{}.mlp.gate_proj.bias", "blk.{}.ffn_gate.bias"},
      {"layers.{}.mlp.up_proj.bias", "blk.{}.ffn_up.bias"},
      {"layers.{}.mlp.down_proj.bias", "blk.{}.ffn_down.bias"},
  };
  std::array<TensorRule, kShared + N> rules{};
  for (std::size_t i = 0; i < kShared; ++i) rules[i] = shared[i];
  for (std::size_t i = 0; i < N; ++i) rules[kShared + i] = own[i];
  return rules;
}

/// The norms of a layer that normalizes before attention and before feed-forward.
inline constexpr TensorRule kPreNorms[] = {
    {"layers.{}.input_layernorm.weight", "blk.{}.attn_norm.weight"},
    {"layers.{}.post_attention_layernorm.weight", "blk.{}.ffn_norm.weight"},
};

}  // namespace lathe
