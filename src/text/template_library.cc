// Binding of arguments, and bound methods.
#include "text/template_library.h"

#include <algorithm>

#include "text/template_machine.h"
#include "text/template_operators.h"

namespace lathe::jinja {
namespace {

class BoundMethod final : public Object {
 public:
  BoundMethod(Value self, Method method) : self_(std::move(self)), method_(method) {}
  std::string_view type() const override { return "method"; }
  bool callable() const override { return true; }
  std::size_t depth() const override { return depth_of(self_) + 1; }
  Value call(Machine& machine, const Arguments& arguments) override {
    return method_(machine, self_, arguments);
  }

 private:
  Value self_;
  Method method_;
};

}  // namespace

Value bind_method(Machine& machine, const Value& self, std::string_view, Method method) {
  return machine.object<BoundMethod>(self, method);
}

Filter find_filter(std::string_view name) {
  if (const Filter filter = find_text_filter(name)) return filter;
  return find_list_filter(name);
}

Bound::Bound(Machine& machine, std::string_view function, const Arguments& arguments,
             std::initializer_list<std::string_view> parameters, std::size_t required)
    : machine_(machine), function_(function), values_(parameters.size(), nullptr) {
  if (arguments.positional.size() > parameters.size()) machine.fail(function_ + "() has too many arguments");
  for (std::size_t i = 0; i < arguments.positional.size(); ++i) values_[i] = &arguments.positional[i];
  for (const auto& [name, value] : arguments.keywords) {
    const auto found = std::find(parameters.begin(), parameters.end(), name);
    if (found == parameters.end()) machine.fail(function_ + "() has no argument '" + name + "'");
    const Value*& slot = values_[static_cast<std::size_t>(found - parameters.begin())];
    if (slot) machine.fail(function_ + "() got two values for '" + name + "'");
    slot = &value;
  }
  for (std::size_t i = 0; i < required; ++i) {
    if (!values_[i]) machine.fail(function_ + "() lacks '" + std::string(parameters.begin()[i]) + "'");
  }
}

bool Bound::flag(std::size_t i, bool fallback) const { return values_[i] ? truthy(*values_[i]) : fallback; }

std::int64_t Bound::integer(std::size_t i, std::int64_t fallback) const {
  if (!values_[i]) return fallback;
  const auto value = as_integer(*values_[i]);
  if (!value) machine_.fail(function_ + "() needs an integer, not " + std::string(type_of(*values_[i])));
  return *value;
}

std::string_view Bound::text(std::size_t i, std::string_view fallback) const {
  if (!values_[i]) return fallback;
  if (!values_[i]->is_text())
    machine_.fail(function_ + "() needs text, not " + std::string(type_of(*values_[i])));
  return values_[i]->text();
}

}  // namespace lathe::jinja
