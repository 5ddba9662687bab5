#include "passes/pattern.h"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "base/error.h"
#include "graph/text_lists.h"
#include "passes/constants.h"

namespace lathe {

class NodePattern::Parser {
 public:
  Parser(std::string_view text, std::vector<Term>& terms) : text_(text), terms_(terms) {}

  std::size_t run() {
    const auto root = term();
    CHECK(next() == '\0');
    return root;
  }

 private:
  char next() {
    while (text_.starts_with(' ')) text_.remove_prefix(1);
    return text_.empty() ? '\0' : text_[0];
  }

  bool accept(char c) {
    if (next() != c) return false;
    text_.remove_prefix(1);
    return true;
  }

  std::string word() {
    const auto is_part = [](char c) { return (c >= '0' && c <= '9') || c == '_' || std::isalpha(c) != 0; };
    const auto end = std::ranges::find_if_not(text_, is_part);
    std::string result(text_.begin(), end);
    text_.remove_prefix(result.size());
    CHECK(!result.empty());
    return result;
  }

  std::size_t add(Term term) {
    terms_.push_back(std::move(term));
    return terms_.size() - 1;
  }

  std::size_t term() {
    const char c = next();
    if (accept('(')) return either();
    if (accept('#')) return add({.kind = Kind::captured_number, .name = word()});
    if (c == '-' || (c >= '0' && c <= '9')) return number();
    if (c >= 'a' && c <= 'z') return add({.kind = Kind::value, .name = word()});
    Term term{.kind = Kind::op, .op = find_op(word())};
    CHECK(term.op != nullptr);
    if (accept('.')) {
      CHECK(word() == "last");
      term.last = true;
    }
    CHECK(accept('('));
    do term.children.push_back(this->term());
    while (accept(','));
    CHECK(accept(')'));
    return add(std::move(term));
  }

  std::size_t either() {
    Term term{.kind = Kind::either};
    do term.children.push_back(this->term());
    while (accept('|'));
    CHECK(accept(')'));
    return add(std::move(term));
  }

  std::size_t number() {
    Term term{.kind = Kind::number};
    const auto [stop, error] = std::from_chars(text_.data(), text_.data() + text_.size(), term.number);
    CHECK(error == std::errc{});
    text_.remove_prefix(static_cast<std::size_t>(stop - text_.data()));
    return add(std::move(term));
  }

  std::string_view text_;
  std::vector<Term>& terms_;
};

/// Depth first, with the goals that are still open; every choice works on copies.
class NodePattern::Search {
 public:
  Search(const NodePattern& pattern, const Graph& graph, const Uses& uses)
      : pattern_(pattern), graph_(graph), uses_(uses) {}

  std::optional<Match> run(std::vector<Goal> goals, Match match) {
    while (!goals.empty()) {
      const Goal goal = goals.back();
      const Term& term = pattern_.terms_[goal.term];
      goals.pop_back();
      if (term.kind == Kind::either) return any_of(term, goal.value, goals, match);
      if (term.kind == Kind::op) {
        const Node* node = matching_node(term, goal.value);
        if (node == nullptr) return std::nullopt;
        match.nodes.push_back(static_cast<std::size_t>(uses_.producer(goal.value)));
        const bool turn = node->op->commutative;
        if (turn) {
          auto turned = goals;
          push_children(term, {node->inputs[1], node->inputs[0]}, turned);
          if (auto found = run(std::move(turned), match)) return found;
        }
        push_children(term, node->inputs, goals);
      } else if (!holds(term, goal.value, match)) {
        return std::nullopt;
      }
    }
    if (!is_closed(match)) return std::nullopt;
    return match;
  }

 private:
  std::optional<Match> any_of(const Term& term, ValueId value, const std::vector<Goal>& goals,
                              const Match& match) {
    for (const auto child : term.children) {
      auto with_child = goals;
      with_child.push_back({child, value});
      if (auto found = run(std::move(with_child), match)) return found;
    }
    return std::nullopt;
  }

  const Node* matching_node(const Term& term, ValueId value) const {
    const auto position = uses_.producer(value);
    if (position < 0) return nullptr;
    const Node* node = &graph_.nodes[static_cast<std::size_t>(position)];
    if (node->op != term.op || node->inputs.size() != term.children.size()) return nullptr;
    return term.last && !is_along_last_axis(graph_, *node) ? nullptr : node;
  }

  static void push_children(const Term& term, const std::vector<ValueId>& inputs, std::vector<Goal>& goals) {
    for (std::size_t i = inputs.size(); i-- > 0;) goals.push_back({term.children[i], inputs[i]});
  }

  bool holds(const Term& term, ValueId value, Match& match) const {
    if (term.kind == Kind::value) return match.values.try_emplace(term.name, value).first->second == value;
    const auto number = scalar_constant(graph_, value);
    if (!number) return false;
    if (term.kind == Kind::captured_number)
      return match.numbers.try_emplace(term.name, *number).first->second == *number;
    return std::abs(*number - term.number) <= 1e-6 * std::abs(term.number);
  }

  /// Nothing outside uses what is inside; the root, which is first, may be used by all.
  bool is_closed(const Match& match) const {
    for (std::size_t i = 1; i < match.nodes.size(); ++i) {
      if (match.nodes[i] == match.nodes[0]) return false;
      for (const auto id : graph_.nodes[match.nodes[i]].outputs) {
        if (uses_.is_output(id)) return false;
        for (const auto reader : uses_.readers(id))
          if (std::ranges::find(match.nodes, reader) == match.nodes.end()) return false;
      }
    }
    return true;
  }

  const NodePattern& pattern_;
  const Graph& graph_;
  const Uses& uses_;
};

NodePattern::NodePattern(std::string_view text) { root_ = Parser(text, terms_).run(); }

std::optional<Match> NodePattern::match(const Graph& graph, const Uses& uses, std::size_t position) const {
  const auto& node = graph.nodes[position];
  if (node.outputs.size() != 1) return std::nullopt;
  const auto& root = terms_[root_];
  if (root.kind == Kind::op && root.op != node.op) return std::nullopt;
  return Search(*this, graph, uses).run({{root_, node.outputs[0]}}, {});
}

bool is_along_last_axis(const Graph& graph, const Node& node) {
  const auto rank = graph.value(node.inputs[0]).type.dims.size();
  if (rank == 0) return false;
  if (node.attributes.contains("axis")) {
    const auto axis = node.integer("axis");
    return axis == -1 || axis == static_cast<std::int64_t>(rank) - 1;
  }
  return node.attributes.contains("axes") && node.integer("keepdims") == 1 &&
         parse_axes(node.text("axes"), rank) == std::vector<std::size_t>{rank - 1};
}

}  // namespace lathe
