#include "backend/plan.h"

#include "base/error.h"

namespace lathe {
namespace {

template <class Items, class NameOf>
int find_named(const Items& items, std::string_view name, const char* what, NameOf name_of) {
  for (std::size_t i = 0; i < items.size(); ++i)
    if (name_of(items[i]) == name) return static_cast<int>(i);
  throw Error(ErrorCode::invalid_argument,
              "the plan has no " + std::string(what) + " named " + printable(name));
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

}  // namespace lathe
