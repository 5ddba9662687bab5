#include "backend/plan.h"

#include <algorithm>

#include "base/error.h"
#include "graph/dim_expression.h"

namespace lathe {
namespace {

template <class Items, class NameOf>
int find_named(const Items& items, std::string_view name, const char* what, NameOf name_of) {
  for (std::size_t i = 0; i < items.size(); ++i)
    if (name_of(items[i]) == name) return static_cast<int>(i);
  throw Error(ErrorCode::invalid_argument,
              "the plan has no " + std::string(what) + " named " + printable(name));
}

/// "N 1 to 8, T 1 to 512"
std::string ranges_text(const Plan& plan, const PlanProfile& profile) {
  std::string text;
  for (std::size_t i = 0; i < plan.symbols.size(); ++i)
    if (!is_expression(plan.symbols[i].name))
      text += (text.empty() ? "" : ", ") + plan.symbols[i].name + " " +
              std::to_string(profile.symbols[i].minimum) + " to " +
              std::to_string(profile.symbols[i].maximum);
  return text;
}

}  // namespace

int Plan::output(std::string_view output_name) const {
  return find_named(outputs, output_name, "output", [](const PlanOutput& item) { return item.name; });
}

int Plan::binding(std::string_view binding_name) const {
  return find_named(bindings, binding_name, "input",
                    [this](std::int32_t tensor) { return tensors[static_cast<std::size_t>(tensor)].name; });
}

int Plan::symbol(std::string_view symbol_name) const {
  return find_named(symbols, symbol_name, "symbol", [](const SymbolLimit& item) { return item.name; });
}

int Plan::profile_for(std::span<const std::int64_t> symbol_values) const {
  CHECK(symbol_values.size() == symbols.size());
  const auto outside = [&](const PlanProfile& profile, std::size_t i) {
    return symbol_values[i] < profile.symbols[i].minimum || symbol_values[i] > profile.symbols[i].maximum;
  };
  std::size_t refused = 0;
  for (std::size_t p = 0; p < profiles.size(); ++p) {
    std::size_t i = 0;
    while (i < symbols.size() && !outside(profiles[p], i)) ++i;
    if (i == symbols.size()) return static_cast<int>(p);
    refused = i;
  }
  std::string asked;  // of the symbols that a run gives
  for (std::size_t i = 0; i < symbols.size(); ++i)
    if (!is_expression(symbols[i].name))
      asked += (asked.empty() ? "" : ", ") + symbols[i].name + " = " + std::to_string(symbol_values[i]);
  std::string known;
  for (const auto& profile : profiles) known += "\n  " + profile.name + ": " + ranges_text(*this, profile);
  throw Error(ErrorCode::invalid_argument,
              symbols.at(refused).name + " is " + std::to_string(symbol_values[refused]) +
                  ", which no profile of the plan takes: " + asked + " is asked for, and there are" + known,
              {{}, std::nullopt, symbols[refused].name});
}

std::uint64_t Plan::arena_bytes() const {
  std::uint64_t most = 0;
  for (const auto& profile : profiles) most = std::max(most, profile.arena_bytes);
  return most;
}

std::shared_ptr<const Graph> interface_of(const Plan& plan) {
  auto graph = std::make_shared<Graph>();
  for (const auto binding : plan.bindings) {
    const auto& tensor = plan.tensors[static_cast<std::size_t>(binding)];
    graph->add_input(tensor.name, tensor.type);
  }
  for (const auto& output : plan.outputs) {
    const auto& tensor = plan.tensors[static_cast<std::size_t>(output.tensor)];
    graph->values.push_back({tensor.name, ValueKind::computed, tensor.type, {}, nullptr});
    graph->outputs.push_back(static_cast<ValueId>(graph->values.size() - 1));
  }
  return graph;
}

}  // namespace lathe
