// OLMo 2: no norms before a block but behind each, and norms over the whole of Q and of K before they are
// split.
#include "models/blocks.h"
#include "models/decoder_tensors.h"
#include "models/folder_decoder.h"
#include "models/registry.h"

namespace lathe {
namespace {

DecoderConfig config_of(const Checkpoint& checkpoint) {
  DecoderConfig config = read_decoder_config(checkpoint, {.window_every = 4});
  if (config.window != 0)  // OLMo 3, which GGUF counts to OLMo 2: layers with a window rotate unscaled
    config.local_rope = RopeConfig{.dims = config.rope.dims, .base = config.rope.base};
  return config;
}

ModelShape shape(const Checkpoint& checkpoint) { return decoder_shape(config_of(checkpoint)); }

Graph build(const std::shared_ptr<const Checkpoint>& checkpoint, const GraphOptions& options) {
  const DecoderConfig config = config_of(*checkpoint);
  const std::int64_t width = config.embedding;
  DecoderBuilder b(checkpoint, config, options);
  ValueId x = b.embed();  // [T, width]
  for (std::int64_t layer = 0; layer < config.layers; ++layer) {
    const std::string block = block_name(layer);
    Heads heads = b.project(block, x);
    heads.q = b.norm(block + ".attn_q_norm", heads.q, config.q_width());
    heads.k = b.norm(block + ".attn_k_norm", heads.k, config.kv_width());
    heads = b.rotate(block, b.split(block, heads), b.rotary_table(layer), RotaryPairs::halves);
    const ValueId a = b.wanted(layer, "attn_wanted", b.attention(layer, heads));
    x = b.wanted(layer, "x_wanted", x);
    const ValueId attended = b.attention_output(block, a);
    x = b.add(block + ".attn_residual", x, b.norm(block + ".post_attention_norm", attended, width));
    const ValueId f = b.gated_feed_forward(block, x, Activation::swish);
    x = b.add(block + ".ffn_residual", x, b.norm(block + ".post_ffw_norm", f, width));
  }
  return b.finish(x);
}

void read_folder(FolderConfig& config, FolderMetadata& metadata) {
  read_decoder_sizes(config, metadata, false);
  read_rope(config, metadata);
  expect_full_attention(config);
  config.expect("hidden_act", {"silu", "swish"});
  config.ignore({"attention_bias"});  // biases are where the tensors are
}

constexpr TensorRule kNorms[] = {
    {"layers.{}.self_attn.q_norm.weight", "blk.{}.attn_q_norm.weight"},
    {"layers.{}.self_attn.k_norm.weight", "blk.{}.attn_k_norm.weight"},
    {"layers.{}.post_attention_layernorm.weight", "blk.{}.post_attention_norm.weight"},
    {"layers.{}.post_feedforward_layernorm.weight", "blk.{}.post_ffw_norm.weight"},
};
constexpr auto kTensors = decoder_tensors({}, kNorms);

}  // namespace

const Architecture kOlmo2{"olmo2", &shape, &build, {"olmo2", "olmo2", "model.", kTensors, &read_folder}};

}  // namespace lathe
