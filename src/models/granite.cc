// IBM's Granite: Llama with multipliers on the embedding, the scores, both residuals and the logits.
#include "models/blocks.h"
#include "models/folder_decoder.h"
#include "models/llama_tensors.h"
#include "models/registry.h"

namespace lathe {
namespace {

DecoderConfig config_of(const Checkpoint& checkpoint) {
  if (!checkpoint.boolean_or("granite.rope.scaling.finetuned", true))  // how a file says "no RoPE"
    refuse_key(checkpoint, "is not supported", "granite.rope.scaling.finetuned");
  return read_decoder_config(checkpoint, {.own_keys = {"embedding_scale", "residual_scale", "logit_scale"}});
}

/// 0 counts as missing.
double multiplier(const Checkpoint& checkpoint, const std::string& key) {
  const double value = checkpoint.real_or(key, 1);
  if (value < 0) checkpoint.fail("must not be negative", key);
  return value == 0 ? 1 : value;
}

ModelShape shape(const Checkpoint& checkpoint) { return decoder_shape(config_of(checkpoint)); }

Graph build(const std::shared_ptr<const Checkpoint>& checkpoint, const GraphOptions& options) {
  const DecoderConfig config = config_of(*checkpoint);
  const double residual = multiplier(*checkpoint, "granite.residual_scale");
  const std::int64_t width = config.embedding;
  DecoderBuilder b(checkpoint, config, options);
  ValueId x = b.scale("token_embd_scaled", b.embed(), multiplier(*checkpoint, "granite.embedding_scale"));
  for (std::int64_t layer = 0; layer < config.layers; ++layer) {  // x is [T, width]
    const std::string block = block_name(layer);
    const Heads heads = b.heads(block, b.norm(block + ".attn_norm", x, width));
    ValueId a = b.attention(layer, b.rotate(block, heads, b.rotary_table(layer), RotaryPairs::neighbours));
    a = b.wanted(layer, "attn_wanted", a);
    x = b.wanted(layer, "x_wanted", x);
    const ValueId attended = b.attention_output(block, a);
    x = b.add(block + ".attn_residual", x, b.scale(block + ".attn_scaled", attended, residual));
    const ValueId f = b.gated_feed_forward(block, b.norm(block + ".ffn_norm", x, width), Activation::swish);
    x = b.add(block + ".ffn_residual", x, b.scale(block + ".ffn_scaled", f, residual));
  }
  return b.finish(x, 1 / multiplier(*checkpoint, "granite.logit_scale"));
}

void read_folder(FolderConfig& config, FolderMetadata& metadata) {
  read_decoder_sizes(config, metadata, false);
  read_rope(config, metadata);
  expect_full_attention(config);
  metadata.set("attention.scale", 1.0);  // not 1 / sqrt(head_dim), where nothing is said
  for (const auto& [key, gguf] :
       {std::pair("attention_multiplier", "attention.scale"),
        std::pair("embedding_multiplier", "embedding_scale"),
        std::pair("residual_multiplier", "residual_scale"), std::pair("logits_scaling", "logit_scale")}) {
    if (config.has(key)) config.positive(key);
    read_real(config, metadata, key, gguf);
  }
  config.expect("hidden_act", {"silu", "swish"});
  config.ignore({"attention_bias", "mlp_bias"});  // biases are where the tensors are
}

}  // namespace

const Architecture kGranite{
    "granite", &shape, &build, {"granite", "granite", "model.", kLlamaTensors, &read_folder}};

}  // namespace lathe
