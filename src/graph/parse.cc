// Reads the text form (text_form.h). Graphs nest in nodes, to a limit; what is allocated grows with the text
// alone.
#include <algorithm>
#include <charconv>
#include <tuple>
#include <unordered_map>

#include "base/error.h"
#include "graph/graph.h"
#include "graph/text_form.h"

namespace lathe {
namespace {

constexpr std::size_t kMaxText = std::size_t{64} << 20;
constexpr int kMaxDepth = 16;  // of graphs in graphs

class Parser {
 public:
  Parser(std::string_view text, const FindConstant& find_constant, std::size_t at = 0, int depth = 0)
      : text_(text), find_constant_(find_constant), at_(at), depth_(depth) {}

  Graph run() {
    if (text_.size() > kMaxText) fail("the text is longer than 64 MiB");
    Graph result = graph();
    skip_space();
    if (at_ < text_.size()) fail("text behind the graph's end");
    return result;
  }

 private:
  Graph graph() {
    if (depth_ > kMaxDepth) fail("graphs nest deeper than " + std::to_string(kMaxDepth));
    keyword("graph");
    graph_.name = name("the graph's name", false);
    expect('{');
    while (!accept('}')) statement();
    return std::move(graph_);
  }

  /// "do graph ..." behind a node, once for each graph that it has.
  std::vector<std::shared_ptr<const Graph>> bodies(const Op& op) {
    std::vector<std::shared_ptr<const Graph>> result;
    for (int i = 0; i < op.bodies; ++i) {
      keyword("do");
      Parser inner(text_, find_constant_, at_, depth_ + 1);
      result.push_back(std::make_shared<const Graph>(inner.graph()));
      at_ = inner.at_;
    }
    return result;
  }

  struct Declared {
    std::string name;
    ValueType type;
    std::size_t at;  // where the name stands, for errors
  };

  // Characters and words.

  [[noreturn]] void fail(const std::string& message) const { fail_at(at_, message); }

  [[noreturn]] void fail_at(std::size_t at, const std::string& message) const {
    std::size_t line = 1;
    std::size_t line_start = 0;
    for (std::size_t i = 0; i < at; ++i)
      if (text_[i] == '\n') {
        ++line;
        line_start = i + 1;
      }
    throw Error(ErrorCode::invalid_argument, "graph text, line " + std::to_string(line) + ", column " +
                                                 std::to_string(at - line_start + 1) + ": " + message);
  }

  void skip_space() {
    while (at_ < text_.size()) {
      const char c = text_[at_];
      if (c == '#') {
        at_ = std::min(text_.find('\n', at_), text_.size());
      } else if (c == ' ' || c == '\n' || c == '\t' || c == '\r') {
        ++at_;
      } else {
        return;
      }
    }
  }

  bool next_is(char c) {
    skip_space();
    return at_ < text_.size() && text_[at_] == c;
  }

  bool accept(char c) {
    if (!next_is(c)) return false;
    ++at_;
    return true;
  }

  void expect(char c) {
    if (!accept(c)) fail(std::string("expected '") + c + "'" + found());
  }

  std::string found() const {
    return at_ < text_.size() ? ", found \"" + printable(text_.substr(at_, 1)) + "\""
                              : ", found the text's end";
  }

  std::string_view word(std::string_view what, bool digit_first) {
    skip_space();
    std::size_t end = at_;
    if (end < text_.size() && (text_form::is_name_start(text_[end]) ||
                               (digit_first && text_form::is_name_part(text_[end]) && text_[end] != '.')))
      while (end < text_.size() && text_form::is_name_part(text_[end])) ++end;
    if (end == at_) fail("expected " + std::string(what) + found());
    const auto result = text_.substr(at_, end - at_);
    at_ = end;
    return result;
  }

  void keyword(std::string_view wanted) {
    skip_space();
    const auto start = at_;
    if (word("\"" + std::string(wanted) + "\"", false) != wanted)
      fail_at(start, "expected \"" + std::string(wanted) + "\"");
  }

  /// A bare or quoted name.
  std::string name(std::string_view what, bool digit_first) {
    if (!accept('"')) return std::string(word(what, digit_first));
    std::string result;
    for (;; ++at_) {
      if (at_ >= text_.size() || text_[at_] == '\n') fail("the quoted name does not end");
      if (text_[at_] == '"') break;
      result += text_[at_] == '\\' ? escaped() : text_[at_];
    }
    ++at_;
    return result;
  }

  std::string quoted_text() {
    if (!next_is('"')) fail("expected a text in quotes" + found());
    return name("a text", false);
  }

  /// At a backslash: the byte of \xNN; leaves the position on its last character.
  char escaped() {
    unsigned byte = 0;
    const auto* digits = text_.data() + at_ + 2;
    if (text_.size() - at_ < 4 || text_[at_ + 1] != 'x' ||
        std::from_chars(digits, digits + 2, byte, 16).ptr != digits + 2)
      fail("expected \\x and two hexadecimal digits");
    at_ += 3;
    return static_cast<char>(byte);
  }

  template <class Number>
  Number number(std::string_view what) {
    skip_space();
    Number value{};
    const auto* end = text_.data() + text_.size();
    const auto [stop, error] = std::from_chars(text_.data() + at_, end, value);
    if (error == std::errc::result_out_of_range) fail("the number does not fit");
    const bool runs_on = stop != end && text_form::is_name_part(*stop);
    if (error != std::errc{} || runs_on) fail("expected " + std::string(what) + found());
    at_ = static_cast<std::size_t>(stop - text_.data());
    return value;
  }

  // Types and values.

  Dim dim() {
    skip_space();
    if (at_ < text_.size() && (text_[at_] == '"' || text_form::is_name_start(text_[at_]))) {
      auto symbol = name("a dimension", false);
      if (symbol.empty()) fail("a symbol needs a name");
      return symbol;
    }
    return number<std::int64_t>("a dimension");
  }

  ValueType type() {
    skip_space();
    const auto start = at_;
    const auto first = word("an element type", false);
    if (first == "seq" || first == "opt") {
      expect('(');
      ValueType inner = type();
      expect(')');
      const bool list = inner.container == Container::sequence;
      if (inner.container != Container::tensor && (first == "seq" || !list))
        fail_at(start, "there is no such container");
      inner.container = first == "seq" ? Container::sequence
                        : list         ? Container::optional_sequence
                                       : Container::optional;
      return inner;
    }
    const auto dtype = dtype_named(first);
    if (!dtype) fail_at(start, "there is no element type of this name");
    ValueType result{*dtype, {}};
    expect('[');
    if (next_is('.')) {
      for (int i = 0; i < 3; ++i) expect('.');
      result.ranked = false;
      expect(']');
      return result;
    }
    while (!accept(']')) {
      if (!result.dims.empty()) expect(',');
      if (result.dims.size() == kMaxDims) fail("more than " + std::to_string(kMaxDims) + " dimensions");
      result.dims.push_back(dim());
    }
    if (const auto problem = type_problem(result); !problem.empty()) fail_at(start, problem);
    return result;
  }

  Declared declared() {
    expect('%');
    const auto start = at_ - 1;
    auto value_name = name("a value's name", true);
    if (value_name.empty() || ids_.contains(value_name))
      fail_at(start, value_name.empty() ? "a value needs a name"
                                        : "there is already a value " + printable(value_name));
    expect(':');
    auto value_type = type();
    return {std::move(value_name), std::move(value_type), start};
  }

  ValueId used() {
    expect('%');
    const auto start = at_ - 1;
    const auto id = ids_.find(name("a value's name", true));
    if (id == ids_.end()) fail_at(start, "there is no value of this name before here");
    return id->second;
  }

  // Statements.

  void statement() {
    if (next_is('%')) return definition();
    keyword("return");
    do {
      skip_space();
      const auto start = at_;
      auto output = name("an output's name", false);
      if (output.empty()) fail_at(start, "an output needs a name");
      expect('=');
      const auto id = used();
      located(start, [&] { graph_.add_output(std::move(output), id); });
    } while (accept(','));
    if (!next_is('}')) fail("expected '}' behind the outputs" + found());
  }

  void definition() {
    std::vector<Declared> values;
    do values.push_back(declared());
    while (accept(','));
    expect('=');
    skip_space();
    const auto start = at_;
    const auto what = word("an op, input, state or constant", false);
    if (what == "input" || what == "state" || what == "constant") {
      if (values.size() != 1) fail_at(start, "defines one value, not " + std::to_string(values.size()));
      // In the text a constant may have a shorter name than in the graph.
      const bool renamed = what == "constant" && next_is('"');
      const auto constant_name = renamed ? name("the constant's name", false) : values[0].name;
      located(start, [&] { add_source(what, values[0], constant_name); });
    } else {
      node(what, start, std::move(values));
    }
  }

  void add_source(std::string_view what, const Declared& value, const std::string& constant_name) {
    if (what != "constant") {
      const auto kind = what == "state" ? ValueKind::state : ValueKind::input;
      ids_.emplace(value.name, graph_.add_input(value.name, value.type, kind));
      return;
    }
    TensorView view{nullptr, value.type.dtype, {}};
    std::shared_ptr<const void> owner;
    for (const auto& d : value.type.dims) {
      if (d.is_symbolic()) throw Error(ErrorCode::invalid_argument, "a constant's dimensions are numbers");
      view.shape.push_back(d.value);
    }
    if (find_constant_) {
      const auto shape = view.shape;
      std::tie(view, owner) = find_constant_(constant_name, value.type);
      if (view.dtype != value.type.dtype || view.shape != shape)
        throw Error(ErrorCode::invalid_argument,
                    "the bytes of " + printable(constant_name) + " are not " + to_string(value.type));
    }
    const auto id = graph_.add_constant(constant_name, std::move(view), std::move(owner));
    if (graph_.value(id).name != constant_name)
      throw Error(ErrorCode::invalid_argument, "there is already a value " + printable(constant_name));
    ids_.emplace(value.name, id);
  }

  void node(std::string_view op_name, std::size_t start, std::vector<Declared> values) {
    const auto* op = find_op(op_name);
    if (op == nullptr) fail_at(start, "there is no op " + printable(op_name));
    std::string node_name(text_form::default_node_name(values[0].name, values.size()));
    if (accept('@')) node_name = name("the node's name", true);
    expect('(');
    std::vector<ValueId> inputs;
    while (!accept(')')) {
      if (!inputs.empty()) expect(',');
      inputs.push_back(used());
    }
    auto given = attributes(*op);
    auto inner = bodies(*op);
    std::vector<std::string> names;
    names.reserve(values.size());
    for (const auto& value : values) names.push_back(value.name);
    std::vector<ValueId> outputs;
    located(start, [&] {
      outputs = graph_.add_node_as(op_name, std::move(node_name), std::move(names), std::move(inputs),
                                   std::move(given), std::move(inner));
    });
    for (std::size_t i = 0; i < values.size(); ++i) {
      const auto& inferred = graph_.value(outputs[i]).type;
      if (to_string(inferred) != to_string(values[i].type))
        fail_at(values[i].at,
                "is written as " + to_string(values[i].type) + ", and its op gives " + to_string(inferred));
      ids_.emplace(std::move(values[i].name), outputs[i]);
    }
  }

  Attributes attributes(const Op& op) {
    Attributes result;
    if (!accept('{')) return result;
    do {
      skip_space();
      const auto start = at_;
      const auto attribute = word("an attribute's name", false);
      const AttributeSpec* spec = nullptr;
      for (const auto& each : op.attributes)
        if (each.name == attribute) spec = &each;
      if (spec == nullptr || result.contains(attribute))
        fail_at(start, std::string(op.name) +
                           (spec == nullptr ? " has no attribute " : " has two attributes ") +
                           printable(attribute));
      expect('=');
      if (spec->kind == AttributeKind::integer)
        result.emplace(attribute, number<std::int64_t>("an integer"));
      else if (spec->kind == AttributeKind::real)
        result.emplace(attribute, number<double>("a real number"));
      else
        result.emplace(attribute, quoted_text());
    } while (accept(','));
    expect('}');
    return result;
  }

  /// Runs `action`; an error of the graph gets the place in the text.
  template <class Action>
  void located(std::size_t at, const Action& action) const {
    try {
      action();
    } catch (const Error& error) {
      fail_at(at, error.what());
    }
  }

  std::string_view text_;
  const FindConstant& find_constant_;
  std::size_t at_;
  int depth_;
  Graph graph_;
  std::unordered_map<std::string, ValueId> ids_;
};

}  // namespace

Graph parse_graph(std::string_view text, const FindConstant& find_constant) {
  return Parser(text, find_constant).run();
}

}  // namespace lathe
