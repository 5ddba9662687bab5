// GPT-NeoX (Pythia): LayerNorm and biases throughout, rotation by halves of a part of each head, attention
// and feed-forward beside each other or one behind the other.
#include "models/blocks.h"
#include "models/folder_decoder.h"
#include "models/registry.h"

namespace lathe {
namespace {

DecoderConfig config_of(const Checkpoint& checkpoint) {
  return read_decoder_config(
      checkpoint, {.norm = Norm::layer, .own_keys = {"hidden_activation", "use_parallel_residual"}});
}

ModelShape shape(const Checkpoint& checkpoint) { return decoder_shape(config_of(checkpoint)); }

Graph build(const std::shared_ptr<const Checkpoint>& checkpoint, const GraphOptions& options) {
  const DecoderConfig config = config_of(*checkpoint);
  const bool parallel = checkpoint->boolean_or("gptneox.use_parallel_residual", true);
  const Activation gelu = read_gelu(*checkpoint, Activation::gelu);
  const std::int64_t width = config.embedding;
  DecoderBuilder b(checkpoint, config, options);
  ValueId x = b.embed();  // [T, width]
  for (std::int64_t layer = 0; layer < config.layers; ++layer) {
    const std::string block = block_name(layer);
    const Heads heads =
        b.heads(block, b.norm(block + ".attn_norm", x, width, Bias::required), Bias::optional);
    ValueId a = b.attention(layer, b.rotate(block, heads, b.rotary_table(layer), RotaryPairs::halves));
    a = b.wanted(layer, "attn_wanted", a);
    x = b.wanted(layer, "x_wanted", x);
    const ValueId attended = b.add(block + ".attn_residual", x, b.attention_output(block, a));
    const ValueId h = b.norm(block + ".ffn_norm", parallel ? x : attended, width, Bias::required);
    x = b.add(block + ".ffn_residual", attended, b.feed_forward(block, h, gelu, Bias::required));
  }
  return b.finish(x, 1, Bias::required);
}

void read_folder(FolderConfig& config, FolderMetadata& metadata) {
  config.ignore({"num_key_value_heads"});  // written by mistake: every head has its own keys
  read_decoder_sizes(config, metadata, false, "layer_norm_eps");
  metadata.set("attention.head_count_kv", config.integer("num_attention_heads", 1, kMaxWidth));
  read_rope(config, metadata, {.rotated = 0.25, .base_key = "rotary_emb_base", .rotated_key = "rotary_pct"});
  metadata.set("use_parallel_residual", config.boolean_or("use_parallel_residual", true));
  read_gelu_name(config, metadata, "hidden_act", "gelu");
  config.ignore({"attention_bias"});  // biases are where the tensors are
}

constexpr TensorRule kTensors[] = {
    {"embed_in.weight", "token_embd.weight"},
    {"final_layer_norm.weight", "output_norm.weight"},
    {"final_layer_norm.bias", "output_norm.bias"},
    {"embed_out.weight", "output.weight"},
    {"layers.{}.input_layernorm.weight", "blk.{}.attn_norm.weight"},
    {"layers.{}.input_layernorm.bias", "blk.{}.attn_norm.bias"},
    {"layers.{}.attention.query_key_value.weight", "blk.{}.attn_qkv.weight", TensorEdit::grouped_by_head},
    {"layers.{}.attention.query_key_value.bias", "blk.{}.attn_qkv.bias", TensorEdit::grouped_by_head},
    {"layers.{}.attention.dense.weight", "blk.{}.attn_output.weight"},
    {"layers.{}.attention.dense.bias", "blk.{}.attn_output.bias"},
    {"layers.{}.attention.bias", ""},  // the causal mask
    {"layers.{}.attention.masked_bias", ""},
    {"layers.{}.attention.rotary_emb.inv_freq", ""},
    {"layers.{}.post_attention_layernorm.weight", "blk.{}.ffn_norm.weight"},
    {"layers.{}.post_attention_layernorm.bias", "blk.{}.ffn_norm.bias"},
    {"layers.{}.mlp.dense_h_to_4h.weight", "blk.{}.ffn_up.weight"},
    {"layers.{}.mlp.dense_h_to_4h.bias", "blk.{}.ffn_up.bias"},
    {"layers.{}.mlp.dense_4h_to_h.weight", "blk.{}.ffn_down.weight"},
    {"layers.{}.mlp.dense_4h_to_h.bias", "blk.{}.ffn_down.bias"},
};

}  // namespace

const Architecture kGptNeox{
    "gptneox", &shape, &build, {"gpt_neox", "gptneox", "gpt_neox.", kTensors, &read_folder}};

}  // namespace lathe
