// Llama and what is built like it (SmolLM2, Mistral): pre-norm, grouped heads, SwiGLU.
// GGUF's Q and K rows are permuted so that rotation pairs neighbours (2i, 2i + 1).
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
  DecoderBuilder b(checkpoint, config, options);
  ValueId x = b.embed();  // [T, width]
  for (std::int64_t layer = 0; layer < config.layers; ++layer) {
    const std::string block = block_name(layer);
    const Heads heads = b.heads(block, b.norm(block + ".attn_norm", x, width));
    ValueId a = b.attention(layer, b.rotate(block, heads, b.rotary_table(layer), RotaryPairs::neighbours));
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
  expect_full_attention(config);
  config.expect("hidden_act", {"silu", "swish"});
  config.ignore({"pretraining_tp", "attention_bias", "mlp_bias"});  // biases are where the tensors are
}

}  // namespace

const Architecture kLlama{"llama", &shape, &build, {"llama", "llama", "model.", kLlamaTensors, &read_folder}};

}  // namespace lathe
