// Shape(x) -> Gather -> Mul -> Concat  ->  Sizes(inputs) { elements = "d0.0, (d0.0*d0.1), 64" }
//
// What networks compute with shapes follows from the dimensions of their inputs. One node each, straight from
// those, gives the same numbers; the chain is dead then, tensors need not live on for their shapes, and
// whoever asks what a shape holds finds it in one place (backend/host_context.cc). Bit-equal.
#include <algorithm>

#include "graph/size_values.h"
#include "graph/text_lists.h"
#include "passes/compute_sizes.h"
#include "passes/rewrite.h"

namespace lathe {
namespace {

/// Where inputs have the symbols as dimensions.
class Sources {
 public:
  explicit Sources(const Graph& graph) {
    for (std::size_t id = 0; id < graph.values.size(); ++id) {
      const Value& value = graph.values[id];
      if (value.kind != ValueKind::input || value.type.container != Container::tensor) continue;
      for (std::size_t axis = 0; axis < value.type.dims.size(); ++axis)
        places_.try_emplace(value.type.dims[axis].symbol, static_cast<ValueId>(id), axis);
    }
  }

  /// A node that gives the elements; empty where an input lacks one of their symbols.
  std::optional<Replacement> node(const std::vector<Dim>& elements, const ValueType& type) const {
    Replacement result{"Sizes", {}, {}};
    Dims named;
    for (const auto& element : elements) {
      for (const auto& symbol : symbols_of(element))
        if (!places_.contains(symbol)) return std::nullopt;
      named.push_back(
          substituted(element, [&](const std::string& symbol) { return place(symbol, result.inputs); }));
    }
    const auto text = dims_text(named);
    if (!text) return std::nullopt;
    result.attributes = {{"elements", *text},
                         {"rank", static_cast<std::int64_t>(type.dims.size())},
                         {"to", std::string(info(type.dtype).name)}};
    return result;
  }

 private:
  Dim place(const std::string& symbol, std::vector<ValueId>& inputs) const {
    const auto& [id, axis] = places_.at(symbol);
    const auto found = std::ranges::find(inputs, id);
    const auto input = static_cast<std::size_t>(found - inputs.begin());
    if (found == inputs.end()) inputs.push_back(id);
    return place_name({input, axis});
  }

  std::map<std::string, std::pair<ValueId, std::size_t>> places_;
};

}  // namespace

bool compute_sizes(Graph& graph, const PassContext&) {
  const Sources sources(graph);
  SizeValues sizes(SymbolRanges(DimRange{1, kMaxDim}));  // runs with less are refused
  bool changed = false;
  for (std::size_t i = 0; i < graph.nodes.size(); ++i) {
    changed = sizes.follow(graph, graph.nodes[i]) || changed;
    const Node& node = graph.nodes[i];
    if (!node.op->pure || node.outputs.size() != 1 || node.op->name == "Sizes") continue;
    const Elements elements = sizes.of(graph, node.outputs[0]);
    if (!are_known(elements) || are_numbers(elements)) continue;
    const auto replacement = sources.node(*elements, graph.value(node.outputs[0]).type);
    changed = (replacement && replace_node(graph, i, *replacement)) || changed;
  }
  return changed;
}

}  // namespace lathe
