// Llama and what is built like it (SmolLM2, Mistral): pre-norm, grouped heads, SwiGLU.
// GGUF's Q and K rows are permuted so that rotation pairs neighbours (2i, 2i + 1).
#include <cmath>

#include "models/blocks.h"
#include "models/folder_decoder.h"
#include "models/llama_tensors.h"
#include "models/registry.h"

namespace lathe {
namespace {

ModelShape shape(const Checkpoint& checkpoint) { return decoder_shape(read_decoder_config(checkpoint)); }

Graph build(const std::shared_ptr<const Checkpoint>& checkpoint, const GraphOptions& options) {
  const DecoderConfig config = read_decoder_config(*checkpoint);
  const std::int64_t width = config.embedding;
  const std::int64_t q_width = config.heads * config.head_dim;
  const std::int64_t kv_width = config.kv_heads * config.head_dim;
  const double scale = 1.0 / std::sqrt(static_cast<double>(config.head_dim));

  DecoderBuilder b(checkpoint, config, options);
  ValueId x = b.embed();  // [T, width]
  const ValueId table = b.rotary_table(config.rope_base);
  for (std::int64_t layer = 0; layer < config.layers; ++layer) {
    const std::string block = "blk." + std::to_string(layer);
    const ValueId h = b.norm(block + ".attn_norm", x, width);
    const ValueId q =
        b.split_heads(block + ".q", b.linear(block + ".attn_q", h, q_width, width), config.heads);
    const ValueId k =
        b.split_heads(block + ".k", b.linear(block + ".attn_k", h, kv_width, width), config.kv_heads);
    const ValueId v =
        b.split_heads(block + ".v", b.linear(block + ".attn_v", h, kv_width, width), config.kv_heads);
    ValueId a = b.attention(layer, b.rotate(block + ".q_rope", q, table, true),
                            b.rotate(block + ".k_rope", k, table, true), v, scale, config.window);
    if (layer + 1 == config.layers) {  // behind the last cache write, only rows with wanted logits matter
      a = b.wanted_rows(block + ".attn_wanted", a);
      x = b.wanted_rows(block + ".x_wanted", x);
    }
    x = b.graph().add("Add", block + ".attn_residual",
                      {x, b.linear(block + ".attn_output", a, width, q_width)});
    const ValueId f = b.gated_feed_forward(block, b.norm(block + ".ffn_norm", x, width), "Swish");
    x = b.graph().add("Add", block + ".ffn_residual", {x, f});
  }
  return b.finish(x);
}

void read_folder(FolderConfig& config, FolderMetadata& metadata) {
  read_decoder_sizes(config, metadata, false);
  read_rope(config, metadata);
  config.expect("hidden_act", {"silu", "swish"});
  config.ignore({"pretraining_tp", "attention_bias", "mlp_bias"});  // biases are where the tensors are
}

}  // namespace

const Architecture kLlama{"llama", &shape, &build, {"llama", "llama", "model.", kLlamaTensors, &read_folder}};

}  // namespace lathe
