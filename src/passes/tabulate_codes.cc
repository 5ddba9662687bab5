// QuantizeLinear(f(DequantizeLinear(x)))  ->  MapCodes(x, table)
//
// f is functions of one element and arithmetic with single constants, x * Sigmoid(x) and the like too, with
// codes between them or not; or nothing, where codes change their scale. x is i8 or u8 with one scale and
// zero that are known ahead (tensor_codes.h). The table is what the nodes make of all 256 codes.
//
// Bit-equal.
#include <algorithm>
#include <array>
#include <map>
#include <memory>
#include <set>

#include "base/error.h"
#include "passes/pass.h"
#include "passes/rewrite.h"
#include "passes/tensor_codes.h"

namespace lathe {
namespace {

constexpr std::size_t kCodes = 256;
constexpr std::size_t kMostNodes = 64;

bool is_code(Dtype dtype) { return dtype == Dtype::i8 || dtype == Dtype::u8; }

bool is_one_number(const Value& value) {
  return value.kind == ValueKind::constant && value.data.data != nullptr &&
         element_count(value.data.shape) == 1;
}

/// What lies between a QuantizeLinear and the one tensor of codes that it depends on.
class Region {
 public:
  Region(const Graph& graph, const Uses& uses, ValueId result)
      : graph_(graph), uses_(uses), dims_(graph.value(result).type.dims) {}

  /// Takes what makes the value, where that is of one tensor of codes.
  bool take(ValueId id) {
    const Value& value = graph_.value(id);
    if (value.type.dtype == Dtype::none || is_one_number(value)) return true;
    if (!value.type.ranked || value.type.dims != dims_) return false;
    return id == source_ || take_node(id) || take_source(id);
  }

  ValueId source() const { return source_; }
  /// Positions, ascending.
  const std::set<std::size_t>& nodes() const { return nodes_; }

 private:
  bool take_source(ValueId id) {
    const Value& value = graph_.value(id);
    if (source_ != kNoValue || !is_code(value.type.dtype) || value.kind == ValueKind::constant) return false;
    source_ = id;
    return true;
  }

  bool take_node(ValueId id) {
    const auto found = uses_.producer(id);
    if (found < 0 || nodes_.size() >= kMostNodes) return false;
    const auto position = static_cast<std::size_t>(found);
    if (nodes_.contains(position)) return true;
    const Node& node = graph_.nodes[position];
    const bool converts = code_scale(graph_, node).has_value();
    const bool computes =
        node.op->pure && node.outputs.size() == 1 && node.op->aliases_input < 0 &&
        (node.op->fusion == FusionKind::pointwise || node.op->fusion == FusionKind::broadcast) &&
        graph_.value(id).type.dtype == Dtype::f32;
    if (!converts && !computes) return false;
    const auto nodes = nodes_;
    const ValueId source = source_;
    if (std::ranges::all_of(node.inputs, [this](ValueId input) { return take(input); })) {
      nodes_.insert(position);
      return true;
    }
    nodes_ = nodes;
    source_ = source;
    return false;
  }

  const Graph& graph_;
  const Uses& uses_;
  Dims dims_;
  std::set<std::size_t> nodes_;
  ValueId source_ = kNoValue;
};

ValueId add_all_codes(Graph& graph, Dtype dtype) {
  const auto codes = std::make_shared<std::array<std::uint8_t, kCodes>>();
  for (std::size_t i = 0; i < kCodes; ++i) (*codes)[i] = static_cast<std::uint8_t>(i);
  return graph.add_constant("codes", {reinterpret_cast<const std::byte*>(codes->data()), dtype, {kCodes}},
                            codes);
}

/// What the region's nodes make of all codes, by their bytes; empty where that cannot be computed here.
std::optional<ConstantData> table_of(const Graph& graph, const Region& region, ValueId result,
                                     const PassContext& context) {
  Graph table;
  std::map<ValueId, ValueId> values = {
      {region.source(), add_all_codes(table, graph.value(region.source()).type.dtype)}};
  const auto value_of = [&](ValueId id) {
    if (const auto found = values.find(id); found != values.end()) return found->second;
    const Value& value = graph.value(id);
    TensorView one = value.data;
    if (value.type.dtype != Dtype::none) one.shape = {};
    return values[id] = table.add_constant(value.name, one, value.data_owner);
  };
  try {
    for (const std::size_t position : region.nodes()) {
      const Node& node = graph.nodes[position];
      std::vector<ValueId> inputs;
      for (const ValueId id : node.inputs) inputs.push_back(value_of(id));
      values[node.outputs[0]] = table.add_node(node.op->name, node.name, inputs, node.attributes).at(0);
    }
  } catch (const Error&) {
    return std::nullopt;  // an op that needs to know more of its inputs
  }
  fold_constants(table, context);
  const Value& made = table.value(values.at(result));
  if (made.kind != ValueKind::constant || made.data.shape != Shape{kCodes}) return std::nullopt;
  return ConstantData{made.data, made.data_owner};
}

bool tabulate(Graph& graph, const Uses& uses, std::size_t position, const PassContext& context) {
  const Node quantize = graph.nodes[position];
  if (quantize.op->name != "QuantizeLinear" || !code_scale(graph, quantize)) return false;
  const ValueId result = quantize.outputs[0];
  Region region(graph, uses, result);
  if (!is_planned(graph.value(result).type) || !region.take(result) || region.source() == kNoValue ||
      !region.nodes().contains(position))
    return false;
  auto table = table_of(graph, region, result, context);
  if (!table) return false;
  const ValueId constant = graph.add_constant(graph.value(result).name + ".table", table->data, table->owner);
  return replace_node(graph, position, {"MapCodes", {region.source(), constant}, {}});
}

/// The last one first, so that what it depends on is part of its table.
bool tabulate_next(Graph& graph, const PassContext& context) {
  const Uses uses(graph);
  for (std::size_t position = graph.nodes.size(); position-- > 0;)
    if (tabulate(graph, uses, position, context)) return true;
  return false;
}

}  // namespace

bool tabulate_codes(Graph& graph, const PassContext& context) {
  bool changed = false;
  for (; tabulate_next(graph, context); changed = true) remove_unused_nodes(graph);
  return changed;
}

}  // namespace lathe
