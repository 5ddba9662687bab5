// Mixtures of experts: a router chooses a few of many feed-forward blocks for each token, and their results
// are summed by its weights.
#pragma once

#include <string>
#include <string_view>

#include "models/blocks.h"
#include "models/folder_translation.h"

namespace lathe {

struct ExpertConfig {
  std::int64_t experts = 0;  // 0: the model has none
  std::int64_t used = 0;     // for each token
  std::int64_t feed_forward = 0;
  bool normalized = true;  // the weights of the chosen sum to 1
  double scale = 1;        // of the weights
};

/// Reads "<architecture>.expert_*", which DecoderTraits::own_keys must leave to this: kExpertKeys.
/// Error(invalid_model) where the counts do not fit each other, Error(unsupported) for what is not computed:
/// shared experts, groups of experts, a router without softmax.
ExpertConfig read_expert_config(const Checkpoint& checkpoint, const DecoderConfig& config);

inline constexpr std::string_view kExpertKeys = "expert_count";
inline constexpr std::int64_t kMaxExperts = 1 << 16;
inline constexpr std::int64_t kMaxExpertWidth = 1 << 20;

/// config.json's numbers of experts, under either of their names, and what means something in training alone.
void read_expert_counts(FolderConfig& config, FolderMetadata& metadata);

/// sum of weight * down(activation(gate(x)) * up(x)) over the chosen experts; weights
/// "<block>.ffn_gate_inp.weight" (the router), "<block>.ffn_gate_exps.weight" and so on, [experts, rows,
/// columns].
ValueId expert_feed_forward(DecoderBuilder& builder, const std::string& block, ValueId x,
                            const DecoderConfig& config, const ExpertConfig& experts, Activation activation);

}  // namespace lathe
