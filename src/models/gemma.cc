#include "models/gemma.h"

#include <cmath>

namespace lathe {

void set_gemma_attention_scale(const Checkpoint& checkpoint, std::int64_t big_layers, DecoderConfig& config) {
  if (config.layers == big_layers && !checkpoint.has(checkpoint.architecture + ".attention.scale"))
    config.attention_scale = 1.0 / std::sqrt(static_cast<double>(config.embedding / config.heads));
}

Graph build_gemma(const std::shared_ptr<const Checkpoint>& checkpoint, const DecoderConfig& config,
                  const GraphOptions& options, bool head_norms) {
  const std::int64_t width = config.embedding;
  DecoderBuilder b(checkpoint, config, options);
  ValueId x = b.scale("token_embd_scaled", b.embed(), std::sqrt(static_cast<double>(width)));  // [T, width]
  for (std::int64_t layer = 0; layer < config.layers; ++layer) {
    const std::string block = block_name(layer);
    Heads heads = b.heads(block, b.norm(block + ".attn_norm", x, width));
    if (head_norms) {
      heads.q = b.norm(block + ".attn_q_norm", heads.q, config.head_dim);
      heads.k = b.norm(block + ".attn_k_norm", heads.k, config.head_dim);
    }
    ValueId a = b.attention(layer, b.rotate(block, heads, b.rotary_table(layer), RotaryPairs::halves));
    a = b.wanted(layer, "attn_wanted", a);
    x = b.wanted(layer, "x_wanted", x);
    const ValueId attended = b.attention_output(block, a);
    x = b.add(block + ".attn_residual", x, b.norm(block + ".post_attention_norm", attended, width));
    const ValueId h = b.norm(block + ".ffn_norm", x, width);
    const ValueId f = b.gated_feed_forward(block, h, Activation::gelu_tanh);
    x = b.add(block + ".ffn_residual", x, b.norm(block + ".post_ffw_norm", f, width));
  }
  return b.finish(x);
}

void read_gemma_folder(FolderConfig& config, FolderMetadata& metadata) {
  read_decoder_sizes(config, metadata, true);
  const double divisor = config.has("query_pre_attn_scalar") ? config.positive("query_pre_attn_scalar") : 256;
  metadata.set("attention.scale", 1.0 / std::sqrt(divisor));
  config.expect("hidden_activation", {"gelu_pytorch_tanh"});
  config.expect("use_bidirectional_attention", {false});
  config.ignore({"hidden_act", "attention_bias"});  // an older name that nobody reads; biases are tensors
}

}  // namespace lathe
