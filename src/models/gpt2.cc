// GPT-2: learned positions, LayerNorm, Q, K and V in one matrix, feed-forward without a gate, biases
// throughout.
#include "models/blocks.h"
#include "models/folder_decoder.h"
#include "models/registry.h"

namespace lathe {
namespace {

DecoderConfig config_of(const Checkpoint& checkpoint) {
  return read_decoder_config(checkpoint,
                             {.norm = Norm::layer, .rotary = false, .own_keys = {"hidden_activation"}});
}

ModelShape shape(const Checkpoint& checkpoint) { return decoder_shape(config_of(checkpoint)); }

Graph build(const std::shared_ptr<const Checkpoint>& checkpoint, const GraphOptions& options) {
  const DecoderConfig config = config_of(*checkpoint);
  const Activation gelu = read_gelu(*checkpoint, Activation::gelu_tanh);
  const std::int64_t width = config.embedding;
  DecoderBuilder b(checkpoint, config, options);
  ValueId x = b.add("embedded", b.embed(), b.position_embedding());  // [T, width]
  for (std::int64_t layer = 0; layer < config.layers; ++layer) {
    const std::string block = block_name(layer);
    const ValueId normed = b.norm(block + ".attn_norm", x, width, Bias::required);
    ValueId a = b.attention(layer, b.heads(block, normed, Bias::required));
    a = b.wanted(layer, "attn_wanted", a);
    x = b.wanted(layer, "x_wanted", x);
    x = b.add(block + ".attn_residual", x, b.attention_output(block, a, Bias::required));
    const ValueId h = b.norm(block + ".ffn_norm", x, width, Bias::required);
    x = b.add(block + ".ffn_residual", x, b.feed_forward(block, h, gelu, Bias::required));
  }
  return b.finish(x, 1, Bias::required);
}

void read_folder(FolderConfig& config, FolderMetadata& metadata) {
  const auto width = config.integer("n_embd", 1, kMaxWidth);
  const auto heads = config.integer("n_head", 1, kMaxWidth);
  if (width % heads != 0)
    config.fail("the value " + std::to_string(heads) + " does not divide n_embd " + std::to_string(width),
                "n_head");
  metadata.set("block_count", config.integer("n_layer", 1, kMaxLayers));
  metadata.set("embedding_length", width);
  metadata.set("feed_forward_length", config.integer_or("n_inner", 4 * width, 1, kMaxWidth));
  metadata.set("attention.head_count", heads);
  metadata.set("context_length", config.integer("n_positions", 1, kMaxContext));
  metadata.set("vocab_size", config.integer("vocab_size", 1, kMaxVocabulary));
  read_epsilon(config, metadata, "layer_norm_epsilon");
  metadata.set_tied(config.boolean_or("tie_word_embeddings", true));
  if (!config.boolean_or("scale_attn_weights", true)) metadata.set("attention.scale", 1.0);
  read_gelu_name(config, metadata, "activation_function", "gelu_new");
  for (const char* key : {"scale_attn_by_inverse_layer_idx", "add_cross_attention"})
    config.expect(key, {false});
  config.ignore({"n_ctx", "reorder_and_upcast_attn"});  // an older n_positions; a matter of precision
}

constexpr TensorRule kTensors[] = {
    {"wte.weight", "token_embd.weight"},
    {"wpe.weight", "position_embd.weight"},
    {"ln_f.weight", "output_norm.weight"},
    {"ln_f.bias", "output_norm.bias"},
    {"lm_head.weight", "output.weight"},
    {"h.{}.ln_1.weight", "blk.{}.attn_norm.weight"},
    {"h.{}.ln_1.bias", "blk.{}.attn_norm.bias"},
    {"h.{}.attn.c_attn.weight", "blk.{}.attn_qkv.weight", TensorEdit::transposed},
    {"h.{}.attn.c_attn.bias", "blk.{}.attn_qkv.bias"},
    {"h.{}.attn.c_proj.weight", "blk.{}.attn_output.weight", TensorEdit::transposed},
    {"h.{}.attn.c_proj.bias", "blk.{}.attn_output.bias"},
    {"h.{}.attn.bias", ""},  // the causal mask
    {"h.{}.attn.masked_bias", ""},
    {"h.{}.ln_2.weight", "blk.{}.ffn_norm.weight"},
    {"h.{}.ln_2.bias", "blk.{}.ffn_norm.bias"},
    {"h.{}.mlp.c_fc.weight", "blk.{}.ffn_up.weight", TensorEdit::transposed},
    {"h.{}.mlp.c_fc.bias", "blk.{}.ffn_up.bias"},
    {"h.{}.mlp.c_proj.weight", "blk.{}.ffn_down.weight", TensorEdit::transposed},
    {"h.{}.mlp.c_proj.bias", "blk.{}.ffn_down.bias"},
};

}  // namespace

const Architecture kGpt2{"gpt2", &shape, &build, {"gpt2", "gpt2", "transformer.", kTensors, &read_folder}};

}  // namespace lathe
