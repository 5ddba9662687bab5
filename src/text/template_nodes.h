// The syntax tree. Every node runs itself; `depth` is how deep the tree below it is, which the parser bounds.
#pragma once

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "text/template_library.h"
#include "text/template_machine.h"

namespace lathe::jinja {

struct Expression {
  int line = 1;
  std::size_t depth = 1;
  virtual ~Expression() = default;
  Value evaluate(Machine& machine) const {
    const Machine::Nesting nesting(machine);
    machine.step(line);
    return run(machine);
  }

 private:
  virtual Value run(Machine& machine) const = 0;
};
using ExpressionPointer = std::unique_ptr<Expression>;

enum class Flow { normal, leave_loop, next_round };

struct Statement {
  int line = 1;
  std::size_t depth = 1;
  virtual ~Statement() = default;
  Flow execute(Machine& machine) const {
    const Machine::Nesting nesting(machine);
    machine.step(line);
    return run(machine);
  }

 private:
  virtual Flow run(Machine& machine) const = 0;
};
using StatementPointer = std::unique_ptr<Statement>;
using Body = std::vector<StatementPointer>;

Flow execute_all(Machine& machine, const Body& body);

struct ArgumentNodes {
  std::vector<ExpressionPointer> positional;
  std::vector<std::pair<std::string, ExpressionPointer>> keywords;
  ExpressionPointer more_positional;  // *args
  ExpressionPointer more_keywords;    // **kwargs

  Arguments evaluate(Machine& machine) const;
};

/// What is assigned to: a name, a name's attribute, or several of them.
struct Target {
  std::string name;
  std::string attribute;  // of a namespace; empty: the name itself
  std::vector<Target> parts;

  void assign(Machine& machine, const Value& value) const;
};

struct Parameter {
  std::string name;
  ExpressionPointer fallback;
};

/// What macro and call blocks share.
struct MacroNode {
  std::string name;
  std::vector<Parameter> parameters;
  Body body;
  bool uses_positional = false;  // varargs
  bool uses_keywords = false;    // kwargs
  bool uses_caller = false;
};

// Expressions

struct Constant : Expression {
  Value value;
  Value run(Machine&) const override { return value; }
};
struct Name : Expression {
  std::string name;
  Value run(Machine& machine) const override;
};
struct Sequence : Expression {
  std::vector<ExpressionPointer> items;
  ListKind kind = ListKind::list;
  Value run(Machine& machine) const override;
};
struct Mapping : Expression {
  std::vector<std::pair<ExpressionPointer, ExpressionPointer>> items;
  Value run(Machine& machine) const override;
};
struct Attribute : Expression {
  ExpressionPointer of;
  std::string name;
  Value run(Machine& machine) const override;
};
struct Item : Expression {
  ExpressionPointer of, key;
  Value run(Machine& machine) const override;
};
struct Slice : Expression {
  ExpressionPointer of, begin, end, stride;  // the last three may be missing
  Value run(Machine& machine) const override;
};
struct Call : Expression {
  ExpressionPointer callee;
  ArgumentNodes arguments;
  Value run(Machine& machine) const override;
  Value run_with(Machine& machine, std::optional<Value> caller) const;
};
struct FilterCall : Expression {
  ExpressionPointer value;  // missing: the text of the block that is filtered
  std::string name;
  Filter filter = nullptr;  // not known: an error only when it is reached
  ArgumentNodes arguments;
  Value run(Machine& machine) const override;
  Value apply(Machine& machine, const Value& input) const;
};
struct TestCall : Expression {
  ExpressionPointer value;
  std::string name;
  Test test = nullptr;
  ArgumentNodes arguments;
  Value run(Machine& machine) const override;
};
struct Unary : Expression {
  Value (*operation)(Machine&, const Value&) = nullptr;
  ExpressionPointer operand;
  Value run(Machine& machine) const override { return operation(machine, operand->evaluate(machine)); }
};
struct Binary : Expression {
  Value (*operation)(Machine&, const Value&, const Value&) = nullptr;
  ExpressionPointer left, right;
  Value run(Machine& machine) const override;
};
struct Logical : Expression {
  bool stops_at = false;  // `and` stops at false, `or` at true
  ExpressionPointer left, right;
  Value run(Machine& machine) const override;
};
struct Comparison : Expression {
  using Operation = bool (*)(Machine&, const Value&, const Value&);
  ExpressionPointer first;
  std::vector<std::pair<Operation, ExpressionPointer>> rest;
  Value run(Machine& machine) const override;
};
struct Conditional : Expression {
  ExpressionPointer condition, then, otherwise;  // otherwise may be missing
  Value run(Machine& machine) const override;
};
struct Concatenation : Expression {
  std::vector<ExpressionPointer> parts;
  Value run(Machine& machine) const override;
};

// Statements

struct DataOutput : Statement {
  std::string text;
  Flow run(Machine& machine) const override;
};
struct Output : Statement {
  ExpressionPointer value;
  Flow run(Machine& machine) const override;
};
struct If : Statement {
  std::vector<std::pair<ExpressionPointer, Body>> branches;
  Body otherwise;
  Flow run(Machine& machine) const override;
};
struct For : Statement {
  Target target;
  ExpressionPointer over, filter;  // filter may be missing
  Body body, otherwise;
  bool recursive = false;
  Flow run(Machine& machine) const override;
  void loop(Machine& machine, const Value& over_value, std::size_t level) const;
};
struct Jump : Statement {
  Flow flow = Flow::normal;
  Flow run(Machine&) const override { return flow; }
};
struct Set : Statement {
  Target target;
  ExpressionPointer value;
  Flow run(Machine& machine) const override;
};
struct SetBlock : Statement {
  Target target;
  ExpressionPointer filter;  // may be missing
  Body body;
  Flow run(Machine& machine) const override;
};
struct With : Statement {
  std::vector<std::pair<Target, ExpressionPointer>> variables;
  Body body;
  Flow run(Machine& machine) const override;
};
struct Macro : Statement {
  std::shared_ptr<MacroNode> macro;
  Flow run(Machine& machine) const override;
};
struct CallBlock : Statement {
  std::shared_ptr<MacroNode> caller;
  ExpressionPointer call;  // a Call
  Flow run(Machine& machine) const override;
};
struct FilterBlock : Statement {
  ExpressionPointer filter;
  Body body;
  Flow run(Machine& machine) const override;
};

/// A filter of a chain over the text of a block: the chain's innermost has no value of its own.
Value apply_filters(Machine& machine, const Expression& chain, const Value& input);

}  // namespace lathe::jinja
