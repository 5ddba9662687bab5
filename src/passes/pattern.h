// Patterns of nodes, written as the expression that the nodes compute:
//
//   Div(x, Sqrt(Add(ReduceMean.last(Pow(x, 2)), #epsilon)))
//
//   Op(...)   a node of the op; commutative ops match in both orders
//   .last     of a reduction: over the last axis alone, which is kept; of a softmax: along the last axis
//   x         a word in small letters: any value; the same word, the same value
//   2, -0.5   a constant of one element that is this number, within 1 in 10^6
//   #epsilon  a constant of one element, whose number is captured
//   (A | B)   either
//
// A pattern is a tree: what the graph computes once and uses twice is written twice.
#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "graph/graph.h"
#include "passes/uses.h"

namespace lathe {

struct Match {
  std::map<std::string, ValueId, std::less<>> values;
  std::map<std::string, double, std::less<>> numbers;
  std::vector<std::size_t> nodes;  // positions of all that the pattern's ops matched

  ValueId value(std::string_view name) const { return values.find(name)->second; }
  double number(std::string_view name) const { return numbers.find(name)->second; }
};

class NodePattern {
 public:
  /// CHECKs that the text is a pattern: patterns are part of the program.
  explicit NodePattern(std::string_view text);

  /// The match whose outermost node is the one at `position`, if there is one and nothing but the pattern
  /// uses what its inner nodes compute.
  std::optional<Match> match(const Graph& graph, const Uses& uses, std::size_t position) const;

 private:
  enum class Kind : std::uint8_t { value, number, captured_number, op, either };
  struct Term {
    Kind kind = Kind::value;
    std::string name = {};
    double number = 0;
    const Op* op = nullptr;
    bool last = false;
    std::vector<std::size_t> children = {};
  };
  struct Goal {
    std::size_t term;
    ValueId value;
  };
  class Parser;
  class Search;

  std::vector<Term> terms_;
  std::size_t root_ = 0;
};

/// Whether the node's `axes` (kept) or `axis` are the last one alone.
bool is_along_last_axis(const Graph& graph, const Node& node);

}  // namespace lathe
