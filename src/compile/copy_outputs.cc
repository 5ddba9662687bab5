#include "compile/copy_outputs.h"

#include "base/error.h"

namespace lathe {

void copy_outputs(Graph& graph) {
  std::vector<ValueId> sources(graph.values.size());  // whose bytes a value is
  for (std::size_t i = 0; i < sources.size(); ++i) sources[i] = static_cast<ValueId>(i);
  for (const auto& node : graph.nodes)
    if (node.op->aliases_input >= 0)
      sources[static_cast<std::size_t>(node.outputs[0])] =
          sources[static_cast<std::size_t>(node.inputs[static_cast<std::size_t>(node.op->aliases_input)])];
  for (std::size_t i = 0; i < graph.outputs.size(); ++i) {
    const ValueId value = graph.outputs[i];
    if (graph.value(sources[static_cast<std::size_t>(value)]).kind == ValueKind::computed) continue;
    if (info(graph.value(value).type.dtype).block_elements != 1)
      throw Error(ErrorCode::unsupported, "an output that nothing computes must not be of a block type",
                  {{}, std::nullopt, graph.output_names[i]});
    graph.outputs[i] = graph.add("Identity", graph.output_names[i] + ".copy", {value});
  }
}

}  // namespace lathe
