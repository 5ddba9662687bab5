// The table of parity rows: for each op the cases that every kernel of it must pass.
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "parity/harness.h"

namespace lathe::parity {

struct Row {
  std::string_view op;
  std::vector<Case> (*cases)();
  /// Inputs that have one row per row of the output. Ops that have such inputs compute each row from its own
  /// alone; the invariance test cuts single rows out of the cases. Empty: tested elsewhere.
  std::vector<int> row_inputs;
};

std::span<const Row> rows();

/// The op's cases, built once; empty where it has no row.
const std::vector<Case>& cases_of(std::string_view op);

// rows_pointwise.cc
std::vector<Case> add_cases();
std::vector<Case> mul_cases();
std::vector<Case> swish_cases();
std::vector<Case> gelu_cases();
std::vector<Case> tanh_cases();
// rows_shuffle.cc
std::vector<Case> gather_cases();
std::vector<Case> rms_normalization_cases();
std::vector<Case> rotary_table_cases();
std::vector<Case> rotary_embedding_cases();
// rows_normalization.cc
std::vector<Case> layer_normalization_cases();
std::vector<Case> lp_normalization_cases();
std::vector<Case> sequence_mean_cases();
// rows_reduction.cc
std::vector<Case> arg_max_cases();
std::vector<Case> top_k_cases();
std::vector<Case> log_sum_exp_cases();
// rows_attention.cc
std::vector<Case> kv_write_cases();
std::vector<Case> rotary_kv_write_cases();
std::vector<Case> kv_scratch_cases();
std::vector<Case> paged_attention_cases();
// rows_matmul.cc
std::vector<Case> linear_cases();
std::vector<Case> round_activation_cases();
std::vector<Case> quantize_activation_cases();
std::vector<Case> ranged_quantize_activation_cases();
std::vector<Case> quantized_linear_cases();
// rows_fused_linear.cc
std::vector<Case> fused_linear_cases();
// rows_experts.cc
std::vector<Case> select_experts_cases();
std::vector<Case> expert_linear_cases();
std::vector<Case> quantized_expert_linear_cases();
std::vector<Case> expert_sum_cases();
// rows_fused.cc
std::vector<Case> row_program_cases();

}  // namespace lathe::parity
