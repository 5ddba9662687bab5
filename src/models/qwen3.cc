// Qwen 3: Llama's layers with a norm on the heads of Q and K, and rotation by halves.
#include "models/blocks.h"
#include "models/decoder_tensors.h"
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
    Heads heads = b.heads(block, b.norm(block + ".attn_norm", x, width));
    heads.q = b.norm(block + ".attn_q_norm", heads.q, config.head_dim);
    heads.k = b.norm(block + ".attn_k_norm", heads.k, config.head_dim);
    ValueId a = b.attention(layer, b.rotate(block, heads, b.rotary_table(layer), RotaryPairs::halves));
    a = b.wanted(layer, "attn_wanted", a);
    x = b.wanted(layer, "x_wanted", x);
    x = b.add(block + ".attn_residual", x, b.attention_output(block, a));
    const ValueId h = b.norm(block + ".ffn_norm", x, width);
    x = b.add(block + ".ffn_residual", x, b.gated_feed_forward(block, h, Activation::swish));
  }
  return b.finish(x);
}

void read_folder(FolderConfig& config, FolderMetadata& metadata) {
  read_decoder_sizes(config, metadata, false);
  read_rope(config, metadata);
  read_qwen_window(config, metadata);
  config.expect("hidden_act", {"silu", "swish"});
  config.ignore({"attention_bias"});  // biases are where the tensors are
}

constexpr TensorRule kOwn[] = {
    {"layers.{}.input_layernorm.weight", "blk.{}.attn_norm.weight"},
    {"layers.{}.post_attention_layernorm.weight", "blk.{}.ffn_norm.weight"},
    {"layers.{}.self_attn.q_norm.weight", "blk.{}.attn_q_norm.weight"},
    {"layers.{}.self_attn.k_norm.weight", "blk.{}.attn_k_norm.weight"},
};
constexpr auto kTensors = decoder_tensors({}, kOwn);

}  // namespace

const Architecture kQwen3{"qwen3", &shape, &build, {"qwen3", "qwen3", "model.", kTensors, &read_folder}};

}  // namespace lathe
