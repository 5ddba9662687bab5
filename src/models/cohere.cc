// Cohere's Command R: LayerNorm without bias, attention and feed-forward beside each other on one norm,
// rotation of neighbours, scaled logits.
#include "models/blocks.h"
#include "models/decoder_tensors.h"
#include "models/folder_decoder.h"
#include "models/registry.h"

namespace lathe {
namespace {

DecoderConfig config_of(const Checkpoint& checkpoint) {
  return read_decoder_config(checkpoint, {.norm = Norm::layer, .own_keys = {"logit_scale"}});
}

ModelShape shape(const Checkpoint& checkpoint) { return decoder_shape(config_of(checkpoint)); }

Graph build(const std::shared_ptr<const Checkpoint>& checkpoint, const GraphOptions& options) {
  const DecoderConfig config = config_of(*checkpoint);
  const double logit_scale = checkpoint->real_or("command-r.logit_scale", 0);  // 0: none
  if (logit_scale < 0) checkpoint->fail("must not be negative", "command-r.logit_scale");
  const std::int64_t width = config.embedding;
  DecoderBuilder b(checkpoint, config, options);
  ValueId x = b.embed();  // [T, width]
  for (std::int64_t layer = 0; layer < config.layers; ++layer) {
    const std::string block = block_name(layer);
    ValueId h = b.norm(block + ".attn_norm", x, width);
    const Heads heads = b.heads(block, h);
    ValueId a = b.attention(layer, b.rotate(block, heads, b.rotary_table(layer), RotaryPairs::neighbours));
    a = b.wanted(layer, "attn_wanted", a);
    x = b.wanted(layer, "x_wanted", x);
    h = b.wanted(layer, "h_wanted", h);
    x = b.add(block + ".attn_residual", x, b.attention_output(block, a));
    x = b.add(block + ".ffn_residual", x, b.gated_feed_forward(block, h, Activation::swish));
  }
  return b.finish(x, logit_scale == 0 ? 1 : logit_scale);
}

void read_folder(FolderConfig& config, FolderMetadata& metadata) {
  read_decoder_sizes(config, metadata, true, "layer_norm_eps");
  read_rope(config, metadata, {.base = 500000});
  expect_full_attention(config);
  metadata.set("logit_scale", 0.0625);  // where nothing is said
  read_real(config, metadata, "logit_scale", "logit_scale");
  config.expect("use_qk_norm", {false});
  config.expect("hidden_act", {"silu", "swish"});
  config.ignore({"attention_bias"});  // biases are where the tensors are
}

constexpr TensorRule kNorms[] = {{"layers.{}.input_layernorm.weight", "blk.{}.attn_norm.weight"}};
constexpr auto kTensors = decoder_tensors({}, kNorms);

}  // namespace

const Architecture kCohere{
    "command-r", &shape, &build, {"cohere", "command-r", "model.", kTensors, &read_folder}};

}  // namespace lathe
