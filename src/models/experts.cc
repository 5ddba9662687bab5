#include "models/experts.h"

#include <cmath>

#include "base/error.h"

namespace lathe {
namespace {

void refuse_unless(bool computed, const Checkpoint& checkpoint, const std::string& what,
                   const std::string& key) {
  if (!computed) refuse_key(checkpoint, "is not supported: " + what, key);
}

}  // namespace

ExpertConfig read_expert_config(const Checkpoint& checkpoint, const DecoderConfig& config) {
  const std::string prefix = checkpoint.architecture + ".";
  ExpertConfig experts;
  experts.experts = checkpoint.integer_or(prefix + "expert_count", 0, 0, kMaxExperts);
  if (experts.experts == 0) {
    if (checkpoint.find_tensor("blk.0.ffn_gate_inp.weight") != nullptr)
      checkpoint.fail("must be at least 1, since the first layer has a router", prefix + "expert_count");
    return experts;
  }
  experts.used = checkpoint.integer(prefix + "expert_used_count", 1, experts.experts);
  experts.feed_forward =
      checkpoint.integer_or(prefix + "expert_feed_forward_length", config.feed_forward, 1, kMaxExpertWidth);
  experts.normalized = checkpoint.boolean_or(prefix + "expert_weights_norm", true);
  const double scale = checkpoint.real_or(prefix + "expert_weights_scale", 0.0);  // 0: none
  if (!std::isfinite(scale) || scale < 0)
    checkpoint.fail("must be a positive number", prefix + "expert_weights_scale");
  experts.scale = scale == 0 ? 1 : scale;

  const auto number = [&](const std::string& key) {
    return checkpoint.integer_or(prefix + key, 0, 0, kMaxExperts);
  };
  constexpr std::int64_t kSoftmax = 1;
  const auto gating = number("expert_gating_func");
  refuse_unless(gating == 0 || gating == kSoftmax, checkpoint, "routers are by softmax",
                prefix + "expert_gating_func");
  for (const char* key :
       {"expert_shared_count", "expert_shared_feed_forward_length", "leading_dense_block_count"})
    refuse_unless(number(key) == 0, checkpoint, "every token has its experts alone", prefix + key);
  refuse_unless(number("expert_group_count") <= 1, checkpoint, "experts are in one group",
                prefix + "expert_group_count");
  for (const char* key : {"interleave_moe_layer_step", "moe_every_n_layers"})
    refuse_unless(number(key) <= 1, checkpoint, "every layer has experts", prefix + key);
  return experts;
}

void read_expert_counts(FolderConfig& config, FolderMetadata& metadata) {
  const char* key = config.has("num_local_experts") ? "num_local_experts" : "num_experts";
  const auto experts = config.integer(key, 1, kMaxExperts);
  if (config.integer_or("num_experts", experts, 1, kMaxExperts) != experts)
    config.fail("is not num_local_experts, " + std::to_string(experts), "num_experts");
  metadata.set("expert_count", experts);
  metadata.set("expert_used_count", config.integer("num_experts_per_tok", 1, experts));
  config.ignore({"router_aux_loss_coef", "router_jitter_noise", "output_router_logits"});
}

ValueId expert_feed_forward(DecoderBuilder& builder, const std::string& block, ValueId x,
                            const DecoderConfig& config, const ExpertConfig& experts, Activation activation) {
  Graph& graph = builder.graph();
  const std::int64_t width = config.embedding;
  const ValueId logits = builder.linear(block + ".ffn_gate_inp", x, experts.experts, width);  // [T, experts]
  const auto chosen = graph.add_node("SelectExperts", block + ".ffn_experts", {logits},
                                     {{"k", experts.used}, {"normalize", std::int64_t{experts.normalized}}});
  const auto product = [&](const std::string& name, ValueId input, std::int64_t rows, std::int64_t columns) {
    const std::string weight = block + name;
    return graph.add(
        "ExpertLinear", weight,
        {input, builder.matrices(weight + ".weight", experts.experts, rows, columns), chosen[1]});
  };
  const ValueId gate = product(".ffn_gate_exps", x, experts.feed_forward, width);  // [T, used, feed_forward]
  const ValueId up = product(".ffn_up_exps", x, experts.feed_forward, width);
  const ValueId gated =
      graph.add("Mul", block + ".ffn_gated", {builder.activate(block + ".ffn_act", gate, activation), up});
  const ValueId down = product(".ffn_down_exps", gated, width, experts.feed_forward);  // [T, used, width]
  const ValueId weights = builder.scale(block + ".ffn_experts_scaled", chosen[0], experts.scale);
  return graph.add("ExpertSum", block + ".ffn_moe", {down, weights});
}

}  // namespace lathe
