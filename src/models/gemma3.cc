// Gemma 3: norms before and behind each block and on the heads of Q and K, GeGLU, tied embedding scaled by
// sqrt(width); five sliding-window layers with RoPE base 10,000, then one global layer with the file's base.
#include <cmath>

#include "models/blocks.h"
#include "models/registry.h"

namespace lathe {
namespace {

constexpr std::int64_t kGlobalEvery = 6;
constexpr double kLocalRopeBase = 10000.0;

DecoderConfig config_of(const Checkpoint& checkpoint) {
  DecoderConfig config = read_decoder_config(checkpoint);
  if (config.window == 0) checkpoint.fail("must be at least 1", "gemma3.attention.sliding_window");
  return config;
}

ModelShape shape(const Checkpoint& checkpoint) { return decoder_shape(config_of(checkpoint)); }

Graph build(const std::shared_ptr<const Checkpoint>& checkpoint, const GraphOptions& options) {
  const DecoderConfig config = config_of(*checkpoint);
  const std::int64_t width = config.embedding;
  const std::int64_t q_width = config.heads * config.head_dim;
  const std::int64_t kv_width = config.kv_heads * config.head_dim;
  const double scale = 1.0 / std::sqrt(static_cast<double>(config.head_dim));

  DecoderBuilder b(checkpoint, config, options);
  ValueId x = b.scale("token_embd_scaled", b.embed(), std::sqrt(static_cast<float>(width)));  // [T, width]
  const ValueId local_table = b.rotary_table(kLocalRopeBase);
  const ValueId global_table = b.rotary_table(config.rope_base);
  for (std::int64_t layer = 0; layer < config.layers; ++layer) {
    const bool local = (layer + 1) % kGlobalEvery != 0;
    const ValueId table = local ? local_table : global_table;
    const std::string block = "blk." + std::to_string(layer);
    const auto heads_of = [&](const std::string& name, ValueId h, std::int64_t rows, std::int64_t heads) {
      std::string weight = block;
      weight.append(".attn_").append(name);
      return b.split_heads(weight + ".heads", b.linear(weight, h, rows, width), heads);
    };
    const ValueId h = b.norm(block + ".attn_norm", x, width);
    const ValueId q =
        b.norm(block + ".attn_q_norm", heads_of("q", h, q_width, config.heads), config.head_dim);
    const ValueId k =
        b.norm(block + ".attn_k_norm", heads_of("k", h, kv_width, config.kv_heads), config.head_dim);
    const ValueId v = heads_of("v", h, kv_width, config.kv_heads);
    ValueId a =
        b.attention(layer, b.rotate(block + ".q_rope", q, table, false),
                    b.rotate(block + ".k_rope", k, table, false), v, scale, local ? config.window : 0);
    if (layer + 1 == config.layers) {  // behind the last cache write, only rows with wanted logits matter
      a = b.wanted_rows(block + ".attn_wanted", a);
      x = b.wanted_rows(block + ".x_wanted", x);
    }
    const ValueId projected = b.linear(block + ".attn_output", a, width, q_width);
    x = b.graph().add("Add", block + ".attn_residual",
                      {x, b.norm(block + ".post_attention_norm", projected, width)});
    const ValueId f = b.gated_feed_forward(block, b.norm(block + ".ffn_norm", x, width), "Gelu");
    x = b.graph().add("Add", block + ".ffn_residual", {x, b.norm(block + ".post_ffw_norm", f, width)});
  }
  return b.finish(x);
}

}  // namespace

const Architecture kGemma3{"gemma3", &shape, &build};

}  // namespace lathe
