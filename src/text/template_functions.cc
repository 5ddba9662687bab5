// Global functions.
#include <array>
#include <ctime>

#include "text/template_library.h"
#include "text/template_machine.h"
#include "text/template_operators.h"
#include "text/template_print.h"

namespace lathe::jinja {
namespace {

constexpr std::int64_t kLongestRange = 100'000;  // of Jinja's sandbox

class GlobalFunction final : public Object {
 public:
  explicit GlobalFunction(Function function) : function_(function) {}
  std::string_view type() const override { return "function"; }
  bool callable() const override { return true; }
  Value call(Machine& machine, const Arguments& arguments) override { return function_(machine, arguments); }

 private:
  Function function_;
};

class Namespace final : public Object {
 public:
  explicit Namespace(std::vector<std::pair<std::string, Value>> attributes)
      : scope_{nullptr, std::move(attributes)} {}
  std::string_view type() const override { return "Namespace"; }
  void clear() override { scope_.variables.clear(); }
  void set(std::string_view name, Value value) { scope_.set(name, std::move(value)); }
  Value attribute(Machine& machine, std::string_view name) const override {
    machine.charge(1 + scope_.variables.size());
    for (const auto& [known, value] : scope_.variables) {
      if (known == name) return value;
    }
    return Object::attribute(machine, name);
  }

 private:
  Scope scope_;
};

class Joiner final : public Object {
 public:
  explicit Joiner(Value between) : between_(std::move(between)) {}
  std::string_view type() const override { return "Joiner"; }
  bool callable() const override { return true; }
  std::size_t depth() const override { return depth_of(between_) + 1; }
  Value call(Machine& machine, const Arguments& arguments) override {
    const Bound bound(machine, "joiner", arguments, {});
    if (used_) return between_;
    used_ = true;
    return machine.text("");
  }

 private:
  Value between_;
  bool used_ = false;
};

class Cycler final : public Object {
 public:
  explicit Cycler(Value items) : items_(std::move(items)) {}
  std::string_view type() const override { return "Cycler"; }
  std::size_t depth() const override { return depth_of(items_) + 1; }
  Value attribute(Machine& machine, std::string_view name) const override {
    if (name == "current") return items_.list()->items[at_];
    if (name == "next" || name == "reset") {
      // The method holds the cycler as its own value.
      const Value self(ObjectPointer(const_cast<Cycler*>(this)->self_.lock()));
      return bind_method(machine, self, name, name == "next" ? next : reset);
    }
    return Object::attribute(machine, name);
  }
  void hold(const ObjectPointer& self) { self_ = self; }

 private:
  static Value next(Machine&, const Value& self, const Arguments&) {
    auto& cycler = static_cast<Cycler&>(*self.object());
    const auto& items = cycler.items_.list()->items;
    return items[std::exchange(cycler.at_, (cycler.at_ + 1) % items.size())];
  }
  static Value reset(Machine&, const Value& self, const Arguments&) {
    static_cast<Cycler&>(*self.object()).at_ = 0;
    return Value(None{});
  }

  Value items_;
  std::size_t at_ = 0;
  std::weak_ptr<Object> self_;
};

Value make_range(Machine& machine, const Arguments& arguments) {
  if (arguments.positional.empty() || !arguments.keywords.empty())
    machine.fail("range() takes 1 to 3 numbers");
  const Bound bound(machine, "range", arguments, {"start", "stop", "step"}, 1);
  const bool one = arguments.positional.size() == 1;
  const std::int64_t start = one ? 0 : bound.integer(0, 0);
  const std::int64_t stop = bound.integer(one ? 0 : 1, 0);
  const std::int64_t step = bound.integer(2, 1);
  if (step == 0) machine.fail("range() arg 3 must not be zero");
  std::vector<Value> items;
  for (std::int64_t i = start; step > 0 ? i < stop : i > stop;) {
    if (static_cast<std::int64_t>(items.size()) == kLongestRange)
      machine.fail("a range of more than 100000 numbers");
    machine.charge(32);
    items.emplace_back(i);
    if (__builtin_add_overflow(i, step, &i)) break;
  }
  std::string shown = "range(" + std::to_string(start) + ", " + std::to_string(stop);
  shown += step == 1 ? ")" : ", " + std::to_string(step) + ")";
  return machine.list(std::move(items), ListKind::range, std::move(shown));
}

/// What dict(...) and namespace(...) are given: a mapping or pairs, then keywords.
std::vector<std::pair<Value, Value>> pairs_of(Machine& machine, const Arguments& arguments) {
  std::vector<std::pair<Value, Value>> pairs;
  if (arguments.positional.size() > 1) machine.fail("dict expected at most 1 argument");
  if (!arguments.positional.empty()) {
    const Value& from = arguments.positional[0];
    if (from.dict()) {
      machine.charge(64 * from.dict()->items.size());
      pairs = from.dict()->items;
    } else {
      for (const Value& item : iterate(machine, from)) {
        std::vector<Value> pair = iterate(machine, item);
        if (pair.size() != 2) machine.fail("a dict is made of pairs");
        pairs.emplace_back(std::move(pair[0]), std::move(pair[1]));
      }
    }
  }
  for (const auto& [name, value] : arguments.keywords) pairs.emplace_back(machine.text(name), value);
  return pairs;
}

Value make_dict_function(Machine& machine, const Arguments& arguments) {
  return make_dict(machine, pairs_of(machine, arguments));
}

/// As transformers has it: nothing that Python could take for its own.
void check_namespace_name(Machine& machine, std::string_view name) {
  if (name.starts_with('_'))
    machine.fail("a namespace stores no attribute with an underscore before it: '" + std::string(name) + "'");
}

Value make_namespace(Machine& machine, const Arguments& arguments) {
  const Value dict = make_dict_function(machine, arguments);
  std::vector<std::pair<std::string, Value>> attributes;
  for (const auto& [key, value] : dict.dict()->items) {
    if (!key.is_text()) continue;
    check_namespace_name(machine, key.text());
    attributes.emplace_back(key.text(), value);
  }
  Value made = machine.object<Namespace>(std::move(attributes));
  machine.keep(*made.get<ObjectPointer>());
  return made;
}

Value make_joiner(Machine& machine, const Arguments& arguments) {
  const Bound bound(machine, "joiner", arguments, {"sep"});
  return machine.object<Joiner>(bound.at(0) ? *bound.at(0) : machine.text(", "));
}

Value make_cycler(Machine& machine, const Arguments& arguments) {
  if (arguments.positional.empty()) machine.fail("at least one item has to be provided");
  if (!arguments.keywords.empty()) machine.fail("cycler() has no keyword arguments");
  Value made = machine.object<Cycler>(machine.list(arguments.positional));
  static_cast<Cycler&>(*made.object()).hold(*made.get<ObjectPointer>());
  return made;
}

Value raise_exception(Machine& machine, const Arguments& arguments) {
  const Bound bound(machine, "raise_exception", arguments, {"message"}, 1);
  machine.fail(print(machine, *bound.at(0)));
}

Value strftime_now(Machine& machine, const Arguments& arguments) {
  const Bound bound(machine, "strftime_now", arguments, {"format"}, 1);
  const std::string format(bound.text(0, ""));
  if (format.empty()) return machine.text("");
  const std::time_t now = machine.now();
  std::tm local{};
  localtime_r(&now, &local);
  std::array<char, 4096> buffer;
  const std::size_t size = std::strftime(buffer.data(), buffer.size(), format.c_str(), &local);
  if (size == 0) machine.fail("strftime_now() made no text or one that is too long");
  return machine.text(std::string(buffer.data(), size));
}

}  // namespace

void define_functions(Machine& machine) {
  constexpr std::array<std::pair<std::string_view, Function>, 7> kFunctions = {
      {{"range", make_range},
       {"namespace", make_namespace},
       {"dict", make_dict_function},
       {"joiner", make_joiner},
       {"cycler", make_cycler},
       {"raise_exception", raise_exception},
       {"strftime_now", strftime_now}}};
  for (const auto& [name, function] : kFunctions)
    machine.scope()->set(name, machine.object<GlobalFunction>(function));
}

bool set_namespace_attribute(Machine& machine, const Value& value, std::string_view name, Value attribute) {
  auto* target = dynamic_cast<Namespace*>(value.object());
  if (!target) return false;
  machine.charge(16);
  check_namespace_name(machine, name);
  target->set(name, std::move(attribute));
  return true;
}

}  // namespace lathe::jinja
