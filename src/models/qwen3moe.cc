// Qwen 3 with mixtures of experts: Qwen 3's attention, and in every layer experts in place of the
// feed-forward block.
#include "models/blocks.h"
#include "models/decoder_tensors.h"
#include "models/experts.h"
#include "models/folder_decoder.h"
#include "models/registry.h"

namespace lathe {
namespace {

DecoderConfig decoder_config(const Checkpoint& checkpoint) {
  return read_decoder_config(checkpoint, {.own_keys = {kExpertKeys}});
}

ExpertConfig expert_config(const Checkpoint& checkpoint, const DecoderConfig& config) {
  const ExpertConfig experts = read_expert_config(checkpoint, config);
  if (experts.experts == 0) checkpoint.fail("must be at least 1", "qwen3moe.expert_count");
  return experts;
}

ModelShape shape(const Checkpoint& checkpoint) {
  const DecoderConfig config = decoder_config(checkpoint);
  expert_config(checkpoint, config);
  return decoder_shape(config);
}

Graph build(const std::shared_ptr<const Checkpoint>& checkpoint, const GraphOptions& options) {
  const DecoderConfig config = decoder_config(*checkpoint);
  const ExpertConfig experts = expert_config(*checkpoint, config);
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
    x = b.add(block + ".ffn_residual", x,
              expert_feed_forward(b, block, h, config, experts, Activation::swish));
  }
  return b.finish(x);
}

void read_folder(FolderConfig& config, FolderMetadata& metadata) {
  read_decoder_sizes(config, metadata, false);
  read_rope(config, metadata);
  if (config.boolean_or("use_sliding_window", false))
    read_window(config, metadata, 4096);
  else
    config.ignore({"sliding_window"});
  read_expert_counts(config, metadata);
  metadata.set("expert_feed_forward_length", config.integer("moe_intermediate_size", 1, kMaxExpertWidth));
  metadata.set("expert_weights_norm", config.boolean_or("norm_topk_prob", false));
  config.expect("decoder_sparse_step", {1});
  config.expect("shared_expert_intermediate_size", {0});
  config.expect("use_qk_norm", {true});
  config.expect("mlp_only_layers", {Json::array()});
  config.expect("hidden_act", {"silu", "swish"});
  config.ignore({"attention_bias", "max_window_layers"});  // biases are where the tensors are
}

constexpr TensorRule kOwn[] = {
    kPreNorms[0],
    kPreNorms[1],
    {"layers.{}.self_attn.q_norm.weight", "blk.{}.attn_q_norm.weight"},
    {"layers.{}.self_attn.k_norm.weight", "blk.{}.attn_k_norm.weight"},
    {"layers.{}.mlp.gate.weight", "blk.{}.ffn_gate_inp.weight"},
    {"layers.{}.mlp.experts.{}.gate_proj.weight", "blk.{}.ffn_gate_exps.weight"},
    {"layers.{}.mlp.experts.{}.up_proj.weight", "blk.{}.ffn_up_exps.weight"},
    {"layers.{}.mlp.experts.{}.down_proj.weight", "blk.{}.ffn_down_exps.weight"},
};
constexpr auto kTensors = decoder_tensors({}, kOwn);

}  // namespace

const Architecture kQwen3Moe{
    "qwen3moe", &shape, &build, {"qwen3_moe", "qwen3moe", "model.", kTensors, &read_folder}};

}  // namespace lathe
