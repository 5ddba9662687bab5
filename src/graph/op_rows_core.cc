// The ops of language models, and those that passes make. Ops that ONNX lacks are marked "ours". Attributes
// stand in the order in which kernels get them.
#include "graph/fused_parts.h"
#include "graph/fused_program.h"
#include "graph/op_rows.h"
#include "graph/shape_rules.h"

namespace lathe::op_rows {
namespace {

constexpr double kGreatest = std::numeric_limits<float>::max();
constexpr bool kPure = true;
constexpr bool kEffect = false;
constexpr bool kCommutative = true;

/// A row for an op with a fixed number of inputs.
Op row(std::string_view name, int inputs, int outputs, std::vector<AttributeSpec> attributes,
       FusionKind fusion, bool pure, int aliases_input, decltype(Op::infer) infer, bool commutative = false) {
  return {name,   inputs, inputs,        outputs, std::move(attributes),
          fusion, pure,   aliases_input, infer,   commutative};
}

/// A row for a pure op whose last inputs may be left out.
Op ranged_row(std::string_view name, int min_inputs, int max_inputs, int outputs,
              std::vector<AttributeSpec> attributes, FusionKind fusion, decltype(Op::infer) infer) {
  return {name, min_inputs, max_inputs, outputs, std::move(attributes), fusion, kPure, kNoAlias, infer};
}

}  // namespace

std::vector<Op> core_rows() {
  using enum FusionKind;
  namespace rules = shape_rules;
  // an empty list of axes: all
  const std::vector<AttributeSpec> kReduce = {{"axes", kText, 0}, {"keepdims", kInteger, 1}};
  // clang-format off
  return {
      row("Abs", 1, 1, {}, pointwise, kPure, kNoAlias, rules::activation_function),
      row("Add", 2, 1, {}, broadcast, kPure, kNoAlias, rules::binary, kCommutative),
      row("ArgMax", 1, 1, {}, reduction, kPure, kNoAlias, rules::arg_max),
      ranged_row("Attention", 3, 4, 1,
                 {{"is_causal", kInteger, 0}, {"scale", kReal, 0}, {"softcap", kReal, 0}}, opaque, rules::attention),
      row("Clip", 1, 1, {{"min", kReal, -kGreatest}, {"max", kReal, kGreatest}}, pointwise, kPure, kNoAlias, rules::clip),
      row("Div", 2, 1, {}, broadcast, kPure, kNoAlias, rules::binary),
      row("Erf", 1, 1, {}, pointwise, kPure, kNoAlias, rules::activation_function),
      row("Exp", 1, 1, {}, pointwise, kPure, kNoAlias, rules::activation_function),
      row("Expand", 1, 1, {{"shape", kText, kRequired}}, broadcast, kPure, kNoAlias, rules::expand),
      // ours: rows times the transposed matrix of the expert that each slot of theirs is for
      row("ExpertLinear", 3, 1, {}, matmul, kPure, kNoAlias, rules::expert_linear),
      // ours: the weighted sum of each token's experts
      row("ExpertSum", 2, 1, {}, reduction, kPure, kNoAlias, rules::expert_sum),
      // ours: products of x with several weights, and a FusedProgram over them
      Op{"FusedLinear", 2, 1 + kMaxFusedWeights + kMaxFusedInputs, kAnyOutputs,
         {{"program", AttributeKind::program, 0}, {"weights", kInteger, kRequired}}, matmul, kPure, kNoAlias,
         rules::fused_linear},
      row("Gather", 2, 1, {}, shuffle, kPure, kNoAlias, rules::gather),
      row("Gelu", 1, 1, {{"approximate", kInteger, 0}}, pointwise, kPure, kNoAlias, rules::gelu),
      row("Identity", 1, 1, {}, pointwise, kPure, kNoAlias, rules::identity),
      // ours: keys and values of this step alone, in a fresh tensor with the cache's layout
      row("KvScratch", 4, 1, {{"dtype", kInteger, kRequired}}, opaque, kPure, kNoAlias, rules::kv_scratch),
      // ours: keys and values of this step into the pages of the cache
      row("KvWrite", 5, 1, {{"layer", kInteger, kRequired}}, opaque, kEffect, 0, rules::kv_write),
      ranged_row("LayerNormalization", 2, 3, 1, {{"epsilon", kReal, 1e-5}}, reduction, rules::layer_normalization),
      // ours: x times weight transposed
      row("Linear", 2, 1, {}, matmul, kPure, kNoAlias, rules::linear),
      row("Log", 1, 1, {}, pointwise, kPure, kNoAlias, rules::activation_function),
      row("LogSoftmax", 1, 1, {{"axis", kInteger, -1}}, reduction, kPure, kNoAlias, rules::softmax),
      // ours: logarithm of the sum of exponentials of each row
      row("LogSumExp", 1, 1, {}, reduction, kPure, kNoAlias, rules::log_sum_exp),
      row("LpNormalization", 1, 1, {}, reduction, kPure, kNoAlias, rules::lp_normalization),
      row("MatMul", 2, 1, {}, matmul, kPure, kNoAlias, rules::mat_mul),
      // ours: [T, H, d] seen as [T, H * d]
      row("MergeHeads", 1, 1, {}, shuffle, kPure, 0, rules::merge_heads),
      row("Mul", 2, 1, {}, broadcast, kPure, kNoAlias, rules::binary, kCommutative),
      row("Neg", 1, 1, {}, pointwise, kPure, kNoAlias, rules::activation_function),
      // ours: attention over the pages of each token's sequence
      row("PagedAttention", 4, 1,
          {{"layer", kInteger, kRequired}, {"scale", kReal, kRequired}, {"window", kInteger, 0}, {"softcap", kReal, 0},
           {"causal", kInteger, 1}},
          opaque, kPure, kNoAlias, rules::paged_attention),
      row("Pow", 2, 1, {}, broadcast, kPure, kNoAlias, rules::binary),
      // ours: rows as unsigned 8-bit codes with a scale and a zero per block, finer in columns that may be marked
      ranged_row("QuantizeActivation", 1, 2, 1, {}, reduction, rules::quantize_activation),
      // ours: ExpertLinear on the codes of both sides
      row("QuantizedExpertLinear", 3, 1, {}, matmul, kPure, kNoAlias, rules::quantized_expert_linear),
      // ours: Linear on the codes of both sides
      row("QuantizedLinear", 2, 1, {}, matmul, kPure, kNoAlias, rules::quantized_linear),
      row("RMSNormalization", 2, 1, {{"epsilon", kReal, 1e-5}}, reduction, kPure, kNoAlias, rules::rms_normalization),
      // ours: QuantizeActivation with one range for `group` columns (0: the whole row), or with ranges known ahead
      ranged_row("RangedQuantizeActivation", 1, 3, 1, {{"group", kInteger, 0}}, reduction, rules::ranged_quantize_activation),
      row("Reciprocal", 1, 1, {}, pointwise, kPure, kNoAlias, rules::activation_function),
      row("ReduceL1", 1, 1, kReduce, reduction, kPure, kNoAlias, rules::reduce),
      row("ReduceL2", 1, 1, kReduce, reduction, kPure, kNoAlias, rules::reduce),
      row("ReduceLogSum", 1, 1, kReduce, reduction, kPure, kNoAlias, rules::reduce),
      row("ReduceLogSumExp", 1, 1, kReduce, reduction, kPure, kNoAlias, rules::reduce),
      row("ReduceMax", 1, 1, kReduce, reduction, kPure, kNoAlias, rules::reduce),
      row("ReduceMean", 1, 1, kReduce, reduction, kPure, kNoAlias, rules::reduce),
      row("ReduceMin", 1, 1, kReduce, reduction, kPure, kNoAlias, rules::reduce),
      row("ReduceSum", 1, 1, kReduce, reduction, kPure, kNoAlias, rules::reduce),
      row("ReduceSumSquare", 1, 1, kReduce, reduction, kPure, kNoAlias, rules::reduce),
      row("Relu", 1, 1, {}, pointwise, kPure, kNoAlias, rules::activation_function),
      row("Reshape", 1, 1, {{"shape", kText, kRequired}}, shuffle, kPure, 0, rules::reshape),
      row("RotaryEmbedding", 2, 1, {{"interleaved", kInteger, 0}}, opaque, kPure, kNoAlias, rules::rotary_embedding),
      // ours: RotaryEmbedding of k, and of q where it is given, with KvWrite of the rotated k
      Op{"RotaryKvWrite", 6, 7, kAnyOutputs, {{"layer", kInteger, kRequired}, {"interleaved", kInteger, 0}}, opaque,
         kEffect, 0, rules::rotary_kv_write},
      // ours: cosines and sines of the positions' angles
      row("RotaryTable", 2, 1, {{"magnitude", kReal, 1}}, broadcast, kPure, kNoAlias, rules::rotary_table),
      // ours: rows rounded to bf16
      row("RoundActivation", 1, 1, {}, pointwise, kPure, kNoAlias, rules::round_activation),
      // ours: a chain of ops on rows as one, FusedProgram over x0 and what is like it, one row of it or one number
      Op{"RowProgram", 1, kMaxFusedInputs, kAnyOutputs, {{"program", AttributeKind::program, 0}}, reduction, kPure,
         kNoAlias, rules::row_program},
      // ours: softmax over a router's logits, and the k greatest of each row
      row("SelectExperts", 1, 2, {{"k", kInteger, kRequired}, {"normalize", kInteger, kRequired}}, opaque, kPure, kNoAlias,
          rules::select_experts),
      // ours: mean of each sequence's rows
      row("SequenceMean", 2, 1, {}, reduction, kPure, kNoAlias, rules::sequence_mean),
      row("Sigmoid", 1, 1, {}, pointwise, kPure, kNoAlias, rules::activation_function),
      row("Softmax", 1, 1, {{"axis", kInteger, -1}}, reduction, kPure, kNoAlias, rules::softmax),
      // ours: the k greatest or least of each row's softmax or its logarithm, with their indices
      row("SoftmaxTopK", 1, 2,
          {{"axis", kInteger, -1}, {"k", kInteger, kRequired}, {"largest", kInteger, 1}, {"log", kInteger, 0}}, reduction,
          kPure, kNoAlias, rules::softmax_top_k),
      row("Softplus", 1, 1, {}, pointwise, kPure, kNoAlias, rules::activation_function),
      // ours: [T, H * d] seen as [T, H, d]
      row("SplitHeads", 1, 1, {{"heads", kInteger, kRequired}}, shuffle, kPure, 0, rules::split_heads),
      row("Sqrt", 1, 1, {}, pointwise, kPure, kNoAlias, rules::activation_function),
      row("Sub", 2, 1, {}, broadcast, kPure, kNoAlias, rules::binary),
      row("Swish", 1, 1, {}, pointwise, kPure, kNoAlias, rules::activation_function),
      row("Tanh", 1, 1, {}, pointwise, kPure, kNoAlias, rules::activation_function),
      row("TopK", 1, 2, {{"k", kInteger, kRequired}}, opaque, kPure, kNoAlias, rules::top_k),
      row("Transpose", 1, 1, {{"perm", kText, 0}}, shuffle, kPure, kNoAlias, rules::transpose),
      row("Where", 3, 1, {}, broadcast, kPure, kNoAlias, rules::where),
  };
  // clang-format on
}

}  // namespace lathe::op_rows
