// A pass: one rewrite of the graph that keeps what it computes. A new one is a file here, a line in
// pipeline.cc and a test that shows the graph before and after.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "graph/graph.h"
#include "passes/derived_constants.h"

namespace lathe {

/// Runs one node on the host: its outputs, of the given types (their dimensions are numbers). Empty where it
/// has no kernel for the node; the node then stays.
using EvaluateNode = std::function<std::optional<std::vector<ConstantData>>(
    const Node& node, std::span<const TensorView> inputs, std::span<const ValueType> outputs)>;

/// How the inputs of 8-bit products get their codes.
struct ActivationCodes {
  std::int64_t group = 32;  // columns that share a scale, at most: a multiple of 32; 0: the whole row
  /// By name of the weight: f32 [2, columns / 32], the least and the greatest value that each block's codes
  /// are for, fine columns apart. Inputs of other weights have scales of their own values.
  std::map<std::string, std::vector<float>> ranges;
  /// By name of the weight, where scales are per 32 columns or known: which columns of its input get codes of
  /// 16 bits (quant/activation.h). Inputs of weights that are not named have none and no room for them in the
  /// plan.
  std::map<std::string, std::vector<std::int32_t>> fine;
  /// Names of weights whose inputs get no codes: products with them are computed in float32.
  std::set<std::string> exact;
};

struct PassContext {
  std::string math = "int8";  // "int8" or "f32"
  ActivationCodes activations;
  EvaluateNode evaluate;                                    // empty: nothing is computed ahead
  std::uint64_t max_folded_bytes = std::uint64_t{1} << 29;  // of the outputs of one folded node
  DerivedConstants* derived = nullptr;  // of other compilations too; null: of this one alone
};

struct Pass {
  std::string_view name;
  std::string_view summary;  // one line for people
  /// True where the graph was changed.
  bool (*run)(Graph& graph, const PassContext& context);
};

bool remove_identities(Graph& graph, const PassContext& context);
bool recognize_reductions(Graph& graph, const PassContext& context);
bool recognize_attention(Graph& graph, const PassContext& context);
bool fold_channel_factors(Graph& graph, const PassContext& context);
bool propagate_quantization(Graph& graph, const PassContext& context);
bool fuse_codes(Graph& graph, const PassContext& context);
bool tabulate_codes(Graph& graph, const PassContext& context);
bool fuse_code_functions(Graph& graph, const PassContext& context);
bool fuse_integer_products(Graph& graph, const PassContext& context);
bool lower_quantized_products(Graph& graph, const PassContext& context);
bool fold_weights(Graph& graph, const PassContext& context);
bool matmul_to_linear(Graph& graph, const PassContext& context);
bool merge_shuffles(Graph& graph, const PassContext& context);
bool quantize_activations(Graph& graph, const PassContext& context);
bool fold_constants(Graph& graph, const PassContext& context);
bool merge_common_subexpressions(Graph& graph, const PassContext& context);
bool fold_pads(Graph& graph, const PassContext& context);
bool recognize_pooling(Graph& graph, const PassContext& context);
bool scale_with_convolutions(Graph& graph, const PassContext& context);
bool fuse_conv_epilogues(Graph& graph, const PassContext& context);
bool transposed_convolutions(Graph& graph, const PassContext& context);
bool winograd_convolutions(Graph& graph, const PassContext& context);
bool fuse_conv_pooling(Graph& graph, const PassContext& context);
bool fuse_softmax_top_k(Graph& graph, const PassContext& context);
bool fuse_gated_linear(Graph& graph, const PassContext& context);
bool fuse_epilogues(Graph& graph, const PassContext& context);
bool fuse_residuals(Graph& graph, const PassContext& context);
bool fuse_shared_inputs(Graph& graph, const PassContext& context);
bool fuse_rotary_cache_write(Graph& graph, const PassContext& context);
bool fuse_pointwise(Graph& graph, const PassContext& context);
bool fuse_normalization(Graph& graph, const PassContext& context);
bool fuse_quantization(Graph& graph, const PassContext& context);
bool remove_dead_nodes(Graph& graph, const PassContext& context);

}  // namespace lathe
