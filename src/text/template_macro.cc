#include "text/template_macro.h"

#include <algorithm>

#include "text/template_operators.h"

namespace lathe::jinja {
namespace {

class MacroObject final : public Object {
 public:
  MacroObject(std::shared_ptr<const MacroNode> node, std::shared_ptr<Scope> scope)
      : node_(std::move(node)), scope_(std::move(scope)) {}

  std::string_view type() const override { return "Macro"; }
  bool callable() const override { return true; }
  void clear() override { scope_.reset(); }

  Value attribute(Machine& machine, std::string_view name) const override {
    if (name == "name") return machine.text(node_->name);
    return Object::attribute(machine, name);
  }

  Value call(Machine& machine, const Arguments& arguments) override {
    const Machine::Nesting nesting(machine, 4);
    const Machine::ScopeGuard scope(machine, scope_);
    bind(machine, arguments);
    Machine::Capture capture(machine);
    execute_all(machine, node_->body);
    return capture.value();
  }

 private:
  void bind(Machine& machine, const Arguments& arguments) const {
    std::vector<std::pair<std::string, Value>> keywords = arguments.keywords;
    const auto take = [&](std::string_view name) -> std::optional<Value> {
      const auto found =
          std::find_if(keywords.begin(), keywords.end(), [&](const auto& k) { return k.first == name; });
      if (found == keywords.end()) return std::nullopt;
      Value value = std::move(found->second);
      keywords.erase(found);
      return value;
    };
    std::vector<std::size_t> missing;
    for (std::size_t i = 0; i < node_->parameters.size(); ++i) {
      const std::string& name = node_->parameters[i].name;
      if (i < arguments.positional.size()) {
        machine.scope()->set(name, arguments.positional[i]);
      } else if (auto value = take(name)) {
        machine.scope()->set(name, std::move(*value));
      } else {
        missing.push_back(i);
      }
    }
    for (const std::size_t i : missing) {
      const Parameter& parameter = node_->parameters[i];
      Value value =
          parameter.fallback ? parameter.fallback->evaluate(machine) : Value(Undefined{parameter.name});
      machine.scope()->set(parameter.name, std::move(value));
    }
    if (node_->uses_caller) {
      auto caller = take("caller");
      machine.scope()->set("caller", caller ? std::move(*caller) : Value(Undefined{"caller"}));
    }
    bind_rest(machine, arguments, keywords);
  }

  void bind_rest(Machine& machine, const Arguments& arguments,
                 std::vector<std::pair<std::string, Value>>& keywords) const {
    const std::size_t taken = std::min(arguments.positional.size(), node_->parameters.size());
    if (node_->uses_positional) {
      const auto first = arguments.positional.begin() + static_cast<std::ptrdiff_t>(taken);
      machine.scope()->set("varargs", machine.list({first, arguments.positional.end()}, ListKind::tuple));
    } else if (taken < arguments.positional.size()) {
      machine.fail("macro '" + node_->name + "' takes not more than " + std::to_string(taken) +
                   " argument(s)");
    }
    if (node_->uses_keywords) {
      std::vector<std::pair<Value, Value>> items;
      items.reserve(keywords.size());
      for (auto& [name, value] : keywords) items.emplace_back(machine.text(name), std::move(value));
      machine.scope()->set("kwargs", make_dict(machine, std::move(items)));
    } else if (!keywords.empty()) {
      machine.fail("macro '" + node_->name + "' takes no keyword argument '" + keywords.front().first + "'");
    }
  }

  std::shared_ptr<const MacroNode> node_;
  std::shared_ptr<Scope> scope_;
};

}  // namespace

Value make_macro(Machine& machine, std::shared_ptr<const MacroNode> node) {
  Value value = machine.object<MacroObject>(std::move(node), machine.scope());
  machine.keep(*value.get<ObjectPointer>());
  machine.keep(machine.scope());
  return value;
}

}  // namespace lathe::jinja
