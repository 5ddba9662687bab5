// Llama and what is built like it (SmolLM2, Mistral, Mixtral): pre-norm, grouped heads, and SwiGLU or experts
// of it. GGUF's Q and K rows are permuted so that rotation pairs neighbours (2i, 2i + 1).
#include "models/blocks.h"
#include "models/experts.h"
#include "models/folder_decoder.h"
#include "models/llama_tensors.h"
#include "models/registry.h"

namespace lathe {
namespace {

DecoderConfig decoder_config(const Checkpoint& checkpoint) {
  return read_decoder_config(checkpoint, {.own_keys = {kExpertKeys}});
}

ModelShape shape(const Checkpoint& checkpoint) {
  const DecoderConfig config = decoder_config(checkpoint);
  read_expert_config(checkpoint, config);
  return decoder_shape(config);
}

Graph build(const std::shared_ptr<const Checkpoint>& checkpoint, const GraphOptions& options) {
  const DecoderConfig config = decoder_config(*checkpoint);
  const ExpertConfig experts = read_expert_config(*checkpoint, config);
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
    const ValueId f = experts.experts > 0
                          ? expert_feed_forward(b, block, h, config, experts, Activation::swish)
                          : b.gated_feed_forward(block, h, Activation::swish);
    x = b.add(block + ".ffn_residual", x, f);
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
