// Attention of com.microsoft as nodes of ONNX's own kind. [B, S, H * d] are B sequences of S new rows, past
// and present keys and values [B, KV, T, d].
#include <algorithm>
#include <array>
#include <limits>

#include "formats/onnx_lower_microsoft.h"

namespace lathe::onnx {
namespace {

using Values = std::vector<ValueId>;

ValueId dimension(NodeImport& node, ValueId x, std::int64_t axis) {  // i64 [1]
  return node.add("Shape", {x}, {{"start", axis}, {"end", axis + 1}});
}

ValueId less_than(NodeImport& node, ValueId a, ValueId b) { return node.add("Less", {a, b}); }

/// i64 [n] from an i64 [1].
ValueId count_up(NodeImport& node, ValueId n) {
  const ValueId limit = node.add("Squeeze", {n});
  return node.add("Range", {node.constant(0.0, Dtype::i64), limit, node.constant(1.0, Dtype::i64)});
}

/// x [B, KV, rows, d] with rows of zeros behind it, or in front, up to what `more` (i64 [1]) says.
ValueId padded(NodeImport& node, ValueId x, ValueId more, bool in_front) {
  const ValueId others = node.constant(std::array<std::int64_t, 2>{0, 0});
  const ValueId none = one_integer(node, 0);
  const ValueId front = in_front ? more : none;
  const ValueId behind = in_front ? none : more;
  const ValueId pads =
      node.add("Concat", {others, front, none, others, behind, none}, {{"axis", std::int64_t{0}}});
  return node.add("Pad", {x, pads, node.constant(0.0, node.graph().value(x).type.dtype)});
}

class GroupedAttention {
 public:
  explicit GroupedAttention(NodeImport& node)
      : node_(node),
        dtype_(node.type(0).dtype),
        heads_(node.integer("num_heads", 0)),
        kv_heads_(node.integer("kv_num_heads", 0)) {}

  Values lower() {
    refuse_what_is_not_computed();
    split_inputs();
    find_places();
    normalize();
    rotate();
    const ValueId keys = present(k_, 3);
    const ValueId values = present(v_, 4);
    return {merged_heads(node_, attend(by_heads(node_, q_, heads_), keys, values)), keys, values};
  }

 private:
  void refuse_what_is_not_computed() const {
    if (heads_ < 1 || kv_heads_ < 1 || heads_ % kv_heads_ != 0)
      node_.refuse("num_heads must be a multiple of kv_num_heads");
    if (node_.has(12) || node_.has(13) || node_.text("k_quant_type", "NONE") != "NONE" ||
        node_.text("v_quant_type", "NONE") != "NONE")
      node_.unsupported("a cache of codes is not computed");
    if (node_.integer("sliding_window_cache", 0) != 0)
      node_.unsupported("sliding_window_cache is not computed");
    if (node_.integer("qk_output", 0) != 0 || node_.wants(3)) node_.unsupported("qk_output is not computed");
    if (node_.has(14) != node_.has(15)) node_.refuse("q_norm_weight and k_norm_weight come together");
    if (node_.has(3) != node_.has(4)) node_.refuse("past_key and past_value come together");
    if (!node_.has(5) || !node_.has(6)) node_.refuse("seqlens_k and total_sequence_length are missing");
    if (window() > 0 && !is_causal()) node_.refuse("local_window_size is for causal attention");
  }

  bool is_causal() const { return node_.integer("causal", 1) != 0; }
  std::int64_t window() const { return node_.integer("local_window_size", -1); }

  /// q, k and v [B, S, heads * d], packed in one or not.
  void split_inputs() {
    q_ = node_.inputs().at(0);
    if (node_.has(1) != node_.has(2)) node_.refuse("key and value come together");
    if (node_.has(1)) {
      k_ = node_.inputs()[1];
      v_ = node_.inputs()[2];
      return;
    }
    const ValueType type = node_.type(0);
    const std::int64_t parts = heads_ + 2 * kv_heads_;
    if (!type.ranked || type.dims.size() != 3 || type.dims[2].is_symbolic() ||
        type.dims[2].value % parts != 0)
      node_.unsupported("the columns of query, key and value in one are not known");
    const std::int64_t head = type.dims[2].value / parts;
    const ValueId sizes = node_.constant(std::array{heads_ * head, kv_heads_ * head, kv_heads_ * head});
    const Values all = node_.add_node(
        "Split", {q_, sizes},
        {{"axis", std::int64_t{2}}, {"num_outputs", std::int64_t{0}}, {"outputs", std::int64_t{3}}});
    q_ = all[0];
    k_ = all[1];
    v_ = all[2];
  }

  /// Where the new rows begin: behind what each sequence has, but at 0 where they are all there is.
  void find_places() {
    rows_ = dimension(node_, q_, 1);
    total_ = reshaped(node_, cast(node_, node_.inputs()[6], Dtype::i64), {1});
    is_first_ = node_.add("Equal", {total_, rows_});  // bool [1]
    const ValueId lengths = reshaped(node_, cast(node_, node_.inputs()[5], Dtype::i64), {-1});
    const ValueId ends = sum(node_, lengths, one_integer(node_, 1));
    const ValueId before = node_.add("SubAny", {ends, rows_});
    first_ = node_.add("WhereAny", {is_first_, one_integer(node_, 0), before});  // i64 [B]
  }

  void normalize() {
    if (!node_.has(14)) return;
    const auto norm = [&](ValueId x, std::int64_t heads, std::size_t weight) {
      const ValueId split = reshaped(node_, x, {0, 0, heads, -1});
      const ValueId normed =
          node_.add("RMSNormalizationAny", {split, node_.inputs()[weight]},
                    {{"axis", std::int64_t{-1}}, {"epsilon", node_.real("qk_norm_epsilon", 1e-6)}});
      return reshaped(node_, normed, {0, 0, -1});
    };
    q_ = norm(q_, heads_, 14);
    k_ = norm(k_, kv_heads_, 15);
  }

  /// i64 [B, S]. Of positions that are given for a first step, the first alone counts.
  ValueId positions() {
    const ValueId steps = count_up(node_, rows_);
    const ValueId own = sum(node_, reshaped(node_, first_, {-1, 1}), steps);
    if (!node_.has(9)) return own;
    const ValueId given = node_.inputs()[9];
    const ValueId zeros = node_.constant(std::array<std::int64_t, 2>{0, 0});
    const ValueId ones = node_.constant(std::array<std::int64_t, 2>{1, 1});
    const ValueId start = node_.add("Slice", {given, zeros, ones});
    return node_.add("WhereAny", {is_first_, sum(node_, start, own), given});
  }

  void rotate() {
    if (node_.integer("do_rotary", 0) == 0) return;
    if (!node_.has(7) || !node_.has(8)) node_.refuse("do_rotary needs cos_cache and sin_cache");
    const ValueType cosines = node_.type(7);
    if (!cosines.ranked || cosines.dims.size() != 2 || cosines.dims[1].is_symbolic())
      node_.unsupported("the columns of cos_cache are not known");
    const ValueId places = positions();
    const auto rotated = [&](ValueId x, std::int64_t heads) {
      return node_.add("RotaryEmbeddingAny", {x, node_.inputs()[7], node_.inputs()[8], places},
                       {{"interleaved", node_.integer("rotary_interleaved", 0)},
                        {"num_heads", heads},
                        {"rotary_embedding_dim", 2 * cosines.dims[1].value}});
    };
    q_ = rotated(q_, heads_);
    k_ = rotated(k_, kv_heads_);
  }

  /// The past's rows that count, the new ones behind them, then zeros: [B, KV, T, d].
  ValueId present(ValueId rows, std::size_t past_input) {
    const ValueId own = by_heads(node_, rows, kv_heads_);
    if (!node_.has(past_input)) return padded(node_, own, node_.add("SubAny", {total_, rows_}), false);
    const ValueId past = node_.inputs()[past_input];
    const ValueId there = dimension(node_, past, 2);
    const ValueId all = node_.add("Max", {there, total_});
    const ValueId room = padded(node_, past, node_.add("SubAny", {all, there}), false);
    const ValueId counts = less_than(node_, reshaped(node_, count_up(node_, all), {1, 1, -1, 1}),
                                     reshaped(node_, first_, {-1, 1, 1, 1}));  // [B, 1, T, 1]
    const ValueId kept = node_.add("WhereAny", {counts, room, node_.constant(0.0, dtype_)});
    return node_.add("TensorScatter", {kept, own, first_}, {{"axis", std::int64_t{-2}}});
  }

  Attributes attributes() const {
    const double scale = node_.real("scale", 0);
    return {{"q_num_heads", heads_},
            {"kv_num_heads", kv_heads_},
            {"scale", scale == 0 ? -1.0 : scale},
            {"softcap", node_.real("softcap", 0)}};
  }

  /// q and the result [B, H, S, d].
  ValueId attend(ValueId q, ValueId keys, ValueId values) {
    const bool sink = node_.has(11) || node_.integer("smooth_softmax", 0) == 1;
    if (sink) return attend_with_sink(q, keys, values);
    const ValueId bias = node_.has(10) ? node_.inputs()[10] : node_.absent();
    const ValueId lengths = sum(node_, first_, rows_);
    Attributes given = attributes();
    given["is_causal"] = std::int64_t{is_causal()};
    if (window() > 0) given["left_window_size"] = window() - 1;
    return node_.add("AttentionAny", {q, keys, values, bias, node_.absent(), node_.absent(), lengths}, given);
  }

  /// A key of zeros in front, whose score is the head's sink, takes its share of the softmax, and a value of
  /// zeros gives nothing for it.
  ValueId attend_with_sink(ValueId q, ValueId keys, ValueId values) {
    const ValueId columns = dimension(node_, keys, 2);
    const ValueId j = reshaped(node_, count_up(node_, columns), {1, 1, 1, -1});
    const ValueId first = reshaped(node_, first_, {-1, 1, 1, 1});
    const ValueId i = sum(node_, first, reshaped(node_, count_up(node_, rows_), {1, 1, -1, 1}));
    const ValueId last =
        is_causal() ? i : sum(node_, first, node_.add("SubAny", {rows_, one_integer(node_, 1)}));
    ValueId seen = node_.add("LessOrEqual", {j, last});  // [B, 1, S, T]
    if (window() > 0)
      seen = node_.add("And", {seen, less_than(node_, i, sum(node_, j, one_integer(node_, window())))});
    const ValueId bias = node_.has(10) ? node_.inputs()[10] : node_.constant(0.0, dtype_);
    const ValueId hidden = node_.constant(-std::numeric_limits<double>::infinity(), dtype_);
    const ValueId mask = node_.add("WhereAny", {seen, bias, hidden});  // [B, 1 or H, S, T]
    const ValueId sinks =
        node_.has(11) ? reshaped(node_, node_.inputs()[11], {1, heads_, 1, 1}) : node_.constant(0.0, dtype_);
    const ValueId batch = dimension(node_, q_, 0);
    const ValueId heads = one_integer(node_, heads_), one = one_integer(node_, 1);
    const auto expanded = [&](ValueId x, ValueId last_axis) {
      const ValueId shape =
          node_.add("Concat", {batch, heads, rows_, last_axis}, {{"axis", std::int64_t{0}}});
      return node_.add("ExpandAny", {x, shape});
    };
    const ValueId all = node_.add("Concat", {expanded(sinks, one), expanded(mask, columns)},
                                  {{"axis", std::int64_t{3}}});  // [B, H, S, 1 + T]
    return node_.add("AttentionAny",
                     {q, padded(node_, keys, one, true), padded(node_, values, one, true), all},
                     attributes());
  }

  NodeImport& node_;
  Dtype dtype_;
  std::int64_t heads_;
  std::int64_t kv_heads_;
  ValueId q_ = -1, k_ = -1, v_ = -1;
  ValueId rows_ = -1;      // i64 [1]: S
  ValueId total_ = -1;     // i64 [1]
  ValueId is_first_ = -1;  // bool [1]: there is nothing before these rows
  ValueId first_ = -1;     // i64 [B]: where they begin
};

}  // namespace

ValueId one_integer(NodeImport& node, std::int64_t value) { return node.constant(std::span(&value, 1)); }

ValueId cast(NodeImport& node, ValueId x, Dtype dtype) {
  return node.add("Cast", {x}, {{"to", std::string(info(dtype).name)}});
}

ValueId reshaped(NodeImport& node, ValueId x, std::initializer_list<std::int64_t> shape) {
  return node.add("ReshapeAny", {x, node.constant(std::span(shape.begin(), shape.size()))});
}

ValueId sum(NodeImport& node, ValueId a, ValueId b) { return node.add("AddAny", {a, b}); }

ValueId by_heads(NodeImport& node, ValueId x, std::int64_t heads) {
  const ValueId split = reshaped(node, x, {0, 0, heads, -1});
  return node.add("TransposeAny", {split}, {{"perm", std::string("0, 2, 1, 3")}});
}

ValueId merged_heads(NodeImport& node, ValueId x) {
  const ValueId split = node.add("TransposeAny", {x}, {{"perm", std::string("0, 2, 1, 3")}});
  return reshaped(node, split, {0, 0, -1});
}

Values lower_grouped_attention(NodeImport& node) { return GroupedAttention(node).lower(); }

}  // namespace lathe::onnx
