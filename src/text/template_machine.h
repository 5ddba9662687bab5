// The state of one rendering: budget, output, variables. Everything that could grow is made here, and paid
// for here.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "text/chat_template.h"
#include "text/template_value.h"

namespace lathe::jinja {

/// Variables of one block; a name that is not here is looked up in the parent.
struct Scope {
  std::shared_ptr<Scope> parent;
  std::vector<std::pair<std::string, Value>> variables;

  void set(std::string_view name, Value value);
};

class Machine {
 public:
  Machine(const TemplateLimits& limits, std::time_t now);
  ~Machine();
  Machine(const Machine&) = delete;
  Machine& operator=(const Machine&) = delete;

  /// Error(template_failed) at the current line.
  [[noreturn]] void fail(const std::string& message) const;

  /// Pays for work: one step is 256 units, copying a byte is 1.
  void charge(std::size_t units);
  void step(int line) {
    line_ = line;
    charge(256);
  }

  Value text(std::string text);
  Value markup(std::string text);
  /// Markup where `model` is markup.
  Value text_like(const Value& model, std::string text);
  Value list(std::vector<Value> items, ListKind kind = ListKind::list, std::string shown = {});
  Value dict(std::vector<std::pair<Value, Value>> items);
  /// Keys unique already.
  template <class T, class... Parts>
  Value object(Parts&&... parts) {
    charge(256);
    auto made = std::make_shared<T>(std::forward<Parts>(parts)...);
    check_depth(made->depth());
    return Value(ObjectPointer(std::move(made)));
  }
  void check_depth(std::size_t depth) const;
  /// Clears `object` when the rendering ends.
  void keep(const ObjectPointer& object) { kept_objects_.push_back(object); }
  void keep(const std::shared_ptr<Scope>& scope) { kept_scopes_.push_back(scope); }

  void write(std::string_view text);
  std::string output() { return std::move(*output_); }

  Value lookup(std::string_view name);
  const std::shared_ptr<Scope>& scope() const { return scope_; }
  std::time_t now() const { return now_; }
  const TemplateLimits& limits() const { return limits_; }

  /// Variables set inside are gone behind it.
  class ScopeGuard {
   public:
    ScopeGuard(Machine& machine, std::shared_ptr<Scope> parent);
    explicit ScopeGuard(Machine& machine) : ScopeGuard(machine, machine.scope_) {}
    ~ScopeGuard() { machine_.scope_ = std::move(before_); }
    ScopeGuard(const ScopeGuard&) = delete;
    ScopeGuard& operator=(const ScopeGuard&) = delete;

   private:
    Machine& machine_;
    std::shared_ptr<Scope> before_;
  };

  /// What is written inside goes into text().
  class Capture {
   public:
    explicit Capture(Machine& machine) : machine_(machine), before_(machine.output_) {
      machine.output_ = &text_;
    }
    ~Capture() { machine_.output_ = before_; }
    Capture(const Capture&) = delete;
    Capture& operator=(const Capture&) = delete;
    Value value() { return machine_.text(std::move(text_)); }

   private:
    Machine& machine_;
    std::string* before_;
    std::string text_;
  };

  /// One level of evaluation or of calls.
  class Nesting {
   public:
    explicit Nesting(Machine& machine, std::size_t levels = 1);
    ~Nesting() { machine_.nesting_ -= levels_; }
    Nesting(const Nesting&) = delete;
    Nesting& operator=(const Nesting&) = delete;

   private:
    Machine& machine_;
    std::size_t levels_;
  };

 private:
  [[noreturn]] void over_limit(const char* what) const;

  TemplateLimits limits_;
  std::time_t now_;
  int line_ = 1;
  std::size_t units_left_;
  std::size_t nesting_ = 0;
  std::string root_output_;
  std::string* output_ = &root_output_;
  std::shared_ptr<Scope> scope_;
  std::vector<ObjectPointer> kept_objects_;
  std::vector<std::shared_ptr<Scope>> kept_scopes_;
};

}  // namespace lathe::jinja
