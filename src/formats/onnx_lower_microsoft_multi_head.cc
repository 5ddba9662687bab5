// MultiHeadAttention of com.microsoft. [B, S, H * d] are B sequences of S rows; keys and values have L rows,
// and T with those of the past.
#include <algorithm>
#include <array>

#include "formats/onnx_lower_microsoft.h"

namespace lathe::onnx {
namespace {

using Values = std::vector<ValueId>;

class MultiHeadAttention {
 public:
  explicit MultiHeadAttention(NodeImport& node)
      : node_(node), dtype_(node.type(0).dtype), heads_(node.integer("num_heads", 0)) {}

  Values lower() {
    if (heads_ < 1) node_.refuse("num_heads must be at least 1");
    if (node_.has(8) || node_.has(9))
      node_.unsupported("buffers that past and present share are not computed");
    if (node_.has(6) != node_.has(7)) node_.refuse("past_key and past_value come together");
    if (node_.wants(3)) node_.unsupported("qk is not computed");
    split_inputs();
    add_bias();
    const double scale = node_.real("scale", 0);
    const bool heads_apart = node_.graph().value(k_).type.dims.size() == 4;
    Values inputs = {heads_apart ? by_heads(node_, q_, heads_) : q_, k_, v_, mask()};
    if (node_.has(6)) inputs.insert(inputs.end(), {node_.inputs()[6], node_.inputs()[7]});
    const std::size_t outputs = std::max<std::size_t>(1, node_.wanted_outputs());
    Values results = node_.add_node("AttentionAny", inputs,
                                    {{"q_num_heads", heads_},
                                     {"kv_num_heads", heads_},
                                     {"is_causal", node_.integer("unidirectional", 0)},
                                     {"scale", scale == 0 ? -1.0 : scale},
                                     {"outputs", static_cast<std::int64_t>(outputs)}});
    if (heads_apart) results[0] = merged_heads(node_, results[0]);
    return results;
  }

 private:
  /// One of `count` in [B, S, heads, count, d], as [B, S, heads * d].
  ValueId part(ValueId packed, std::int64_t index) {
    const ValueId taken =
        node_.add("GatherAny", {packed, node_.constant(static_cast<double>(index), Dtype::i64)},
                  {{"axis", std::int64_t{3}}});
    return reshaped(node_, taken, {0, 0, -1});
  }

  void require_rank(std::size_t input, std::size_t rank) const {
    if (!node_.type(input).ranked) node_.unsupported("the shapes of its inputs are not known");
    if (node_.type(input).dims.size() != rank)
      node_.unsupported("input " + std::to_string(input) + " has " +
                        std::to_string(node_.type(input).dims.size()) + " dimensions");
  }

  void split_inputs() {
    q_ = node_.inputs().at(0);
    if (!node_.has(1)) {
      require_rank(0, 5);
      k_ = part(q_, 1);
      v_ = part(q_, 2);
      q_ = part(q_, 0);
      return;
    }
    require_rank(0, 3);
    k_ = node_.inputs()[1];
    if (!node_.has(2)) {
      require_rank(1, 5);
      v_ = part(k_, 1);
      k_ = part(k_, 0);
      return;
    }
    v_ = node_.inputs()[2];
    for (const std::size_t input : {std::size_t{1}, std::size_t{2}})
      if (!node_.type(input).ranked || node_.type(input).dims.size() != 4) require_rank(input, 3);
  }

  std::int64_t columns(ValueId x) const {
    const auto& type = node_.graph().value(x).type;
    if (!type.ranked || type.dims.size() != 3 || type.dims[2].is_symbolic())
      node_.unsupported("the columns that bias is added to are not known");
    return type.dims[2].value;
  }

  void add_bias() {
    if (!node_.has(3)) return;
    const ValueId sizes = node_.constant(std::array{columns(q_), columns(k_), columns(v_)});
    const Values parts = node_.add_node(
        "Split", {node_.inputs()[3], sizes},
        {{"axis", std::int64_t{0}}, {"num_outputs", std::int64_t{0}}, {"outputs", std::int64_t{3}}});
    q_ = sum(node_, q_, parts[0]);
    k_ = sum(node_, k_, parts[1]);
    v_ = sum(node_, v_, parts[2]);
  }

  /// What is added to the scores, [B or 1, H or 1, S or 1, T]; absent where there is nothing.
  ValueId mask() {
    const ValueId bias = node_.has(5) ? node_.inputs()[5] : node_.absent();
    if (!node_.has(4)) return bias;
    const ValueType type = node_.type(4);
    if (!type.ranked || (type.dims.size() != 2 && type.dims.size() != 3))
      node_.unsupported("key_padding_mask is not by keys");
    const ValueId keys =
        type.dims.size() == 2
            ? node_.add("Unsqueeze", {node_.inputs()[4], node_.constant(std::array<std::int64_t, 2>{1, 2})})
            : node_.add("Unsqueeze", {node_.inputs()[4], one_integer(node_, 1)});
    const ValueId added =
        node_.add("WhereAny", {cast(node_, keys, Dtype::boolean), node_.constant(0.0, dtype_),
                               node_.constant(node_.real("mask_filter_value", -10000), dtype_)});
    return node_.has(5) ? sum(node_, added, bias) : added;
  }

  NodeImport& node_;
  Dtype dtype_;
  std::int64_t heads_;
  ValueId q_ = -1, k_ = -1, v_ = -1;
};

}  // namespace

Values lower_multi_head_attention(NodeImport& node) { return MultiHeadAttention(node).lower(); }

}  // namespace lathe::onnx
