// How expressions are evaluated.
#include "text/template_nodes.h"
#include "text/template_operators.h"
#include "text/template_print.h"

namespace lathe::jinja {

Arguments ArgumentNodes::evaluate(Machine& machine) const {
  Arguments out;
  for (const auto& node : positional) out.positional.push_back(node->evaluate(machine));
  for (const auto& [name, node] : keywords) out.keywords.emplace_back(name, node->evaluate(machine));
  if (more_positional) {
    for (Value& value : iterate(machine, more_positional->evaluate(machine)))
      out.positional.push_back(std::move(value));
  }
  if (more_keywords) {
    const Value value = more_keywords->evaluate(machine);
    if (!value.dict()) machine.fail("argument after ** must be a mapping");
    for (const auto& [key, item] : value.dict()->items) {
      if (!key.is_text()) machine.fail("keywords must be strings");
      out.keywords.emplace_back(key.text(), item);
    }
  }
  return out;
}

Value Name::run(Machine& machine) const { return machine.lookup(name); }

Value Sequence::run(Machine& machine) const {
  std::vector<Value> values;
  for (const auto& item : items) values.push_back(item->evaluate(machine));
  return machine.list(std::move(values), kind);
}

Value Mapping::run(Machine& machine) const {
  std::vector<std::pair<Value, Value>> values;
  for (const auto& [key, value] : items) {
    Value first = key->evaluate(machine);
    values.emplace_back(std::move(first), value->evaluate(machine));
  }
  return make_dict(machine, std::move(values));
}

Value Attribute::run(Machine& machine) const { return attribute_of(machine, of->evaluate(machine), name); }

Value Item::run(Machine& machine) const {
  const Value value = of->evaluate(machine);
  return item_of(machine, value, key->evaluate(machine));
}

Value Slice::run(Machine& machine) const {
  const Value value = of->evaluate(machine);
  const auto part = [&](const ExpressionPointer& node) {
    return node ? node->evaluate(machine) : Value(None{});
  };
  const Value from = part(begin);
  const Value to = part(end);
  return slice_of(machine, value, from, to, part(stride));
}

Value Call::run(Machine& machine) const { return run_with(machine, std::nullopt); }

Value Call::run_with(Machine& machine, std::optional<Value> caller) const {
  const Value function = callee->evaluate(machine);
  Arguments values = arguments.evaluate(machine);
  if (caller) values.keywords.emplace_back("caller", std::move(*caller));
  return call_value(machine, function, values);
}

Value FilterCall::run(Machine& machine) const {
  if (!value) machine.fail("filter '" + name + "' has no value");
  return apply(machine, value->evaluate(machine));
}

Value FilterCall::apply(Machine& machine, const Value& input) const {
  if (!filter) machine.fail("no filter named '" + name + "'");
  return filter(machine, input, arguments.evaluate(machine));
}

Value apply_filters(Machine& machine, const Expression& chain, const Value& input) {
  const auto& call = static_cast<const FilterCall&>(chain);  // the parser makes such chains of these alone
  return call.apply(machine, call.value ? apply_filters(machine, *call.value, input) : input);
}

Value TestCall::run(Machine& machine) const {
  const Value input = value->evaluate(machine);
  if (!test) machine.fail("no test named '" + name + "'");
  return Value(test(machine, input, arguments.evaluate(machine)));
}

Value Binary::run(Machine& machine) const {
  const Value first = left->evaluate(machine);
  return operation(machine, first, right->evaluate(machine));
}

Value Logical::run(Machine& machine) const {
  Value first = left->evaluate(machine);
  return truthy(first) == stops_at ? first : right->evaluate(machine);
}

Value Comparison::run(Machine& machine) const {
  Value before = first->evaluate(machine);
  for (const auto& [operation, node] : rest) {
    Value next = node->evaluate(machine);
    if (!operation(machine, before, next)) return Value(false);
    before = std::move(next);
  }
  return Value(true);
}

Value Conditional::run(Machine& machine) const {
  if (truthy(condition->evaluate(machine))) return then->evaluate(machine);
  if (otherwise) return otherwise->evaluate(machine);
  return Value(Undefined{"the inline if-expression without else"});
}

Value Concatenation::run(Machine& machine) const {
  std::string out;
  for (const auto& part : parts) {
    out += print(machine, part->evaluate(machine));
    if (out.size() > machine.limits().output_bytes) break;  // refused below
  }
  return machine.text(std::move(out));
}

}  // namespace lathe::jinja
