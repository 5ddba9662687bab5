#include "text/template_machine.h"

#include <algorithm>
#include <limits>

#include "base/error.h"

namespace lathe::jinja {
namespace {

constexpr std::size_t kUnitsPerStep = 256;
constexpr std::size_t kNestingPerDepth = 8;  // levels of evaluation in one level of syntax or calls

}  // namespace

void Scope::set(std::string_view name, Value value) {
  for (auto& [known, old] : variables) {
    if (known == name) {
      old = std::move(value);
      return;
    }
  }
  variables.emplace_back(name, std::move(value));
}

Machine::Machine(const TemplateLimits& limits, std::time_t now)
    : limits_(limits),
      now_(now),
      units_left_(std::min(limits.steps, std::numeric_limits<std::size_t>::max() / kUnitsPerStep) *
                  kUnitsPerStep),
      scope_(std::make_shared<Scope>()) {}

// Namespaces and macros can hold each other in rings and in long chains: they are emptied first, one by one.
Machine::~Machine() {
  for (const auto& object : kept_objects_) object->clear();
  for (const auto& scope : kept_scopes_) {
    const auto variables = std::move(scope->variables);
    scope->variables.clear();
    scope->parent.reset();
  }
}

void Machine::fail(const std::string& message) const {
  throw Error(ErrorCode::template_failed,
              "chat template, line " + std::to_string(line_) + ": " + printable(message, 1000));
}

void Machine::over_limit(const char* what) const {
  throw Error(ErrorCode::resource_limit, "chat template, line " + std::to_string(line_) + ": " + what);
}

void Machine::charge(std::size_t units) {
  if (units > units_left_) over_limit("more steps than allowed");
  units_left_ -= units;
}

Value Machine::text(std::string text) {
  charge(text.size());
  if (text.size() > limits_.output_bytes) over_limit("a text longer than the output may be");
  return Value(Text(std::make_shared<const std::string>(std::move(text))));
}

Value Machine::markup(std::string text) { return Value(Markup{*this->text(std::move(text)).get<Text>()}); }

Value Machine::text_like(const Value& model, std::string text) {
  return model.is_markup() ? markup(std::move(text)) : this->text(std::move(text));
}

void Machine::check_depth(std::size_t depth) const {
  if (depth > limits_.depth) over_limit("values nested deeper than allowed");
}

Value Machine::list(std::vector<Value> items, ListKind kind, std::string shown) {
  charge(32 * items.size() + 32);
  std::size_t depth = 0;
  for (const Value& item : items) depth = std::max(depth, depth_of(item));
  check_depth(depth + 1);
  return Value(std::make_shared<List>(List{std::move(items), kind, depth + 1, std::move(shown)}));
}

Value Machine::dict(std::vector<std::pair<Value, Value>> items) {
  charge(64 * items.size() + 64);
  std::size_t depth = 0;
  for (const auto& [key, value] : items) depth = std::max({depth, depth_of(key), depth_of(value)});
  check_depth(depth + 1);
  return Value(DictPointer(std::make_shared<const Dict>(Dict{std::move(items), depth + 1})));
}

void Machine::write(std::string_view text) {
  charge(text.size());
  if (text.size() > limits_.output_bytes - std::min(limits_.output_bytes, output_->size()))
    over_limit("more output than allowed");
  output_->append(text);
}

Value Machine::lookup(std::string_view name) {
  for (const Scope* scope = scope_.get(); scope; scope = scope->parent.get()) {
    charge(1 + scope->variables.size());
    for (const auto& [known, value] : scope->variables) {
      if (known == name) return value;
    }
  }
  return Value(Undefined{std::string(name)});
}

Machine::ScopeGuard::ScopeGuard(Machine& machine, std::shared_ptr<Scope> parent)
    : machine_(machine), before_(machine.scope_) {
  machine.scope_ = std::make_shared<Scope>(Scope{std::move(parent), {}});
}

Machine::Nesting::Nesting(Machine& machine, std::size_t levels) : machine_(machine), levels_(levels) {
  if (machine.nesting_ + levels > kNestingPerDepth * machine.limits_.depth)
    machine.over_limit("blocks, expressions and calls nested deeper than allowed");
  machine.nesting_ += levels;
}

}  // namespace lathe::jinja
