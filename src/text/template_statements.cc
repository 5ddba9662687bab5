// How statements are executed.
#include "text/template_macro.h"
#include "text/template_nodes.h"
#include "text/template_operators.h"
#include "text/template_print.h"

namespace lathe::jinja {
namespace {

/// The variable `loop`.
class Loop final : public Object {
 public:
  Loop(const For* node, std::vector<Value> items, std::size_t level, std::size_t items_depth)
      : node_(node), items_(std::move(items)), level_(level), items_depth_(items_depth) {}

  std::size_t size() const { return items_.size(); }
  const Value& item(std::size_t i) const { return items_[i]; }
  void go_to(std::size_t i) { index_ = i; }

  std::string_view type() const override { return "LoopContext"; }
  std::size_t depth() const override { return items_depth_ + 1; }
  bool callable() const override { return true; }
  void clear() override { items_.clear(); }

  Value attribute(Machine& machine, std::string_view name) const override {
    const auto number = [](std::size_t n) { return Value(static_cast<std::int64_t>(n)); };
    if (name == "index") return number(index_ + 1);
    if (name == "index0") return number(index_);
    if (name == "first") return Value(index_ == 0);
    if (name == "last") return Value(index_ + 1 == items_.size());
    if (name == "length") return number(items_.size());
    if (name == "revindex") return number(items_.size() - index_);
    if (name == "revindex0") return number(items_.size() - index_ - 1);
    if (name == "depth") return number(level_ + 1);
    if (name == "depth0") return number(level_);
    if (name == "previtem" && index_ > 0) return items_[index_ - 1];
    if (name == "nextitem" && index_ + 1 < items_.size()) return items_[index_ + 1];
    if (name == "cycle") return bind_method(machine, number(index_), name, cycle);
    return Object::attribute(machine, name);
  }

  /// loop(items): the same loop one level deeper.
  Value call(Machine& machine, const Arguments& arguments) override {
    if (!node_->recursive) machine.fail("the loop must have the 'recursive' marker to be called");
    if (arguments.positional.size() != 1 || !arguments.keywords.empty())
      machine.fail("loop() takes one argument");
    Machine::Capture capture(machine);
    node_->loop(machine, arguments.positional[0], level_ + 1);
    return capture.value();
  }

 private:
  static Value cycle(Machine& machine, const Value& index, const Arguments& arguments) {
    if (arguments.positional.empty()) machine.fail("no items for cycling given");
    return arguments.positional[static_cast<std::size_t>(*as_integer(index)) % arguments.positional.size()];
  }

  const For* node_;
  std::vector<Value> items_;
  std::size_t level_;
  std::size_t items_depth_;
  std::size_t index_ = 0;
};

Value render_inside(Machine& machine, const Body& body) {
  const Machine::ScopeGuard scope(machine);
  Machine::Capture capture(machine);
  execute_all(machine, body);
  return capture.value();
}

}  // namespace

Flow execute_all(Machine& machine, const Body& body) {
  for (const auto& statement : body) {
    const Flow flow = statement->execute(machine);
    if (flow != Flow::normal) return flow;
  }
  return Flow::normal;
}

void Target::assign(Machine& machine, const Value& value) const {
  if (!parts.empty()) {
    const std::vector<Value> items = iterate(machine, value);
    if (items.size() != parts.size())
      machine.fail(std::to_string(items.size()) + " values for " + std::to_string(parts.size()) + " names");
    for (std::size_t i = 0; i < parts.size(); ++i) parts[i].assign(machine, items[i]);
  } else if (attribute.empty()) {
    machine.scope()->set(name, value);
  } else if (!set_namespace_attribute(machine, machine.lookup(name), attribute, value)) {
    machine.fail("cannot assign attribute on non-namespace object");
  }
}

Flow DataOutput::run(Machine& machine) const {
  machine.write(text);
  return Flow::normal;
}

Flow Output::run(Machine& machine) const {
  const Value result = value->evaluate(machine);
  machine.write(result.is_text() ? result.text() : std::string_view(print(machine, result)));
  return Flow::normal;
}

Flow If::run(Machine& machine) const {
  for (const auto& [condition, body] : branches) {
    if (truthy(condition->evaluate(machine))) return execute_all(machine, body);
  }
  return execute_all(machine, otherwise);
}

Flow For::run(Machine& machine) const {
  loop(machine, over->evaluate(machine), 0);
  return Flow::normal;
}

void For::loop(Machine& machine, const Value& over_value, std::size_t level) const {
  const Machine::Nesting nesting(machine, 4);
  std::vector<Value> items = iterate(machine, over_value);
  if (filter) {
    std::vector<Value> chosen;
    for (Value& item : items) {
      const Machine::ScopeGuard scope(machine);
      target.assign(machine, item);
      if (truthy(filter->evaluate(machine))) chosen.push_back(std::move(item));
    }
    items = std::move(chosen);
  }
  if (items.empty()) {
    const Machine::ScopeGuard scope(machine);
    execute_all(machine, otherwise);
    return;
  }
  machine.charge(32 * items.size());
  const auto context = std::make_shared<Loop>(this, std::move(items), level, depth_of(over_value) + 1);
  machine.check_depth(context->depth());
  for (std::size_t i = 0; i < context->size(); ++i) {
    machine.step(line);
    const Machine::ScopeGuard scope(machine);
    context->go_to(i);
    machine.scope()->set("loop", Value(ObjectPointer(context)));
    target.assign(machine, context->item(i));
    if (execute_all(machine, body) == Flow::leave_loop) break;
  }
}

Flow Set::run(Machine& machine) const {
  target.assign(machine, value->evaluate(machine));
  return Flow::normal;
}

Flow SetBlock::run(Machine& machine) const {
  const Value text = render_inside(machine, body);
  target.assign(machine, filter ? apply_filters(machine, *filter, text) : text);
  return Flow::normal;
}

Flow With::run(Machine& machine) const {
  std::vector<Value> values;
  for (const auto& [target, node] : variables) values.push_back(node->evaluate(machine));
  const Machine::ScopeGuard scope(machine);
  for (std::size_t i = 0; i < values.size(); ++i) variables[i].first.assign(machine, values[i]);
  return execute_all(machine, body);
}

Flow Macro::run(Machine& machine) const {
  machine.scope()->set(macro->name, make_macro(machine, macro));
  return Flow::normal;
}

Flow CallBlock::run(Machine& machine) const {
  const Value body = make_macro(machine, caller);
  const auto& node = static_cast<const Call&>(*call);  // the parser takes nothing else
  machine.write(print(machine, node.run_with(machine, body)));
  return Flow::normal;
}

Flow FilterBlock::run(Machine& machine) const {
  machine.write(print(machine, apply_filters(machine, *filter, render_inside(machine, body))));
  return Flow::normal;
}

}  // namespace lathe::jinja
