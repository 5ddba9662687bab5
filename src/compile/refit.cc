#include "compile/refit.h"

#include <string_view>
#include <unordered_map>

#include "base/error.h"
#include "compile/pack_weights.h"

namespace lathe {

void pack_weights(Plan& plan, const Graph& graph, Backend& backend, int threads) {
  std::unordered_map<std::string_view, ValueId> constants;
  for (std::size_t i = 0; i < graph.values.size(); ++i)
    if (graph.values[i].kind == ValueKind::constant)
      constants.emplace(graph.values[i].name, static_cast<ValueId>(i));
  const auto sources = std::move(plan.weight_sources);
  plan.weight_sources.clear();
  plan.weights.clear();
  WeightPacker packer(backend, plan, threads);
  for (const auto& source : sources) {
    const auto found = constants.find(source.name);
    const Value* value = found == constants.end() ? nullptr : &graph.value(found->second);
    if (value == nullptr || value->type.dtype != source.stored || value->data.shape != source.shape)
      throw Error(ErrorCode::invalid_argument, "the model has no weight like the plan's",
                  {{}, std::nullopt, source.name});
    const auto index = packer.place(graph, found->second, source.layout);
    CHECK(static_cast<std::size_t>(index) + 1 == plan.weights.size());
    plan.weight_sources.back().refittable = source.refittable;
    plan.weight_owners.push_back(value->data_owner);
  }
  packer.pack();
}

}  // namespace lathe
