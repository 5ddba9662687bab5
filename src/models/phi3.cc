// Phi 3 and 4: Llama's layers with Q, K and V in one matrix, gate and up in another, rotation by halves of a
// part of each head, and LongRoPE.
#include "models/blocks.h"
#include "models/folder_decoder.h"
#include "models/registry.h"

namespace lathe {
namespace {

ModelShape shape(const Checkpoint& checkpoint) { return decoder_shape(read_decoder_config(checkpoint)); }

Graph build(const std::shared_ptr<const Checkpoint>& checkpoint, const GraphOptions& options) {
  const DecoderConfig config = read_decoder_config(*checkpoint);
  const std::int64_t width = config.embedding;
  DecoderBuilder b(checkpoint, config, options);
  ValueId x = b.embed();  // [T, width]
  for (std::int64_t layer = 0; layer < config.layers; ++layer) {
    const std::string block = block_name(layer);
    const Heads heads = b.heads(block, b.norm(block + ".attn_norm", x, width));
    ValueId a = b.attention(layer, b.rotate(block, heads, b.rotary_table(layer), RotaryPairs::halves));
    a = b.wanted(layer, "attn_wanted", a);
    x = b.wanted(layer, "x_wanted", x);
    x = b.add(block + ".attn_residual", x, b.attention_output(block, a));
    const ValueId h = b.norm(block + ".ffn_norm", x, width);
    x = b.add(block + ".ffn_residual", x, b.fused_gated_feed_forward(block, h, Activation::swish));
  }
  return b.finish(x);
}

void read_folder(FolderConfig& config, FolderMetadata& metadata) {
  read_decoder_sizes(config, metadata, false);
  read_rope(config, metadata, {.yarn_is_longrope = true});
  read_window(config, metadata);
  config.expect("hidden_act", {"silu", "swish"});
  for (const char* key : {"full_attn_mod", "interpolate_factor"}) config.expect(key, {1});
  config.ignore({"attention_bias"});  // biases are where the tensors are
}

constexpr TensorRule kTensors[] = {
    {"embed_tokens.weight", "token_embd.weight"},
    {"norm.weight", "output_norm.weight"},
    {"lm_head.weight", "output.weight"},
    {"layers.{}.input_layernorm.weight", "blk.{}.attn_norm.weight"},
    {"layers.{}.self_attn.qkv_proj.weight", "blk.{}.attn_qkv.weight"},
    {"layers.{}.self_attn.o_proj.weight", "blk.{}.attn_output.weight"},
    {"layers.{}.self_attn.rotary_emb.inv_freq", ""},
    {"layers.{}.post_attention_layernorm.weight", "blk.{}.ffn_norm.weight"},
    {"layers.{}.mlp.gate_up_proj.weight", "blk.{}.ffn_up.weight"},
    {"layers.{}.mlp.down_proj.weight", "blk.{}.ffn_down.weight"},
};

}  // namespace

const Architecture kPhi3{"phi3", &shape, &build, {"phi3", "phi3", "model.", kTensors, &read_folder}};

}  // namespace lathe
