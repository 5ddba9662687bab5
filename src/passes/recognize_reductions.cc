// What exporters write out becomes the op that it is:
//   x / 2 (1 + erf(x / sqrt 2)), and the form with tanh              ->  Gelu
//   x sigmoid(x)                                                     ->  Swish
//   x / sqrt(mean(x^2) + epsilon) * scale                            ->  RMSNormalization
//   (x - mean) / sqrt(mean((x - mean)^2) + epsilon) * scale (+ bias) ->  LayerNormalization
//   x / max(|x|, 1e-12)                                              ->  LpNormalization
//   sums of |x| and of x^2, the root of the latter, log of sums (of exp) ->  ReduceL1, ReduceSumSquare,
//                                                                            ReduceL2, ReduceLogSum(Exp)
//   ReduceLogSumExp over the columns of a matrix                     ->  LogSumExp
//   log(softmax(x))                                                  ->  LogSoftmax
//
// Within 1e-5 of each result's magnitude (Gelu: of x), for sums of the sum of magnitudes: the same formula
// with other roundings. Where written-out exp overflows or log meets 0, the one op does not.
#include <cmath>
#include <string>

#include "passes/constants.h"
#include "passes/pass.h"
#include "passes/rewrite.h"

namespace lathe {
namespace {

using Result = std::optional<Replacement>;

/// The pattern with the text in place of $.
std::string with(std::string_view pattern, std::string_view text) {
  std::string result;
  for (const char c : pattern) {
    if (c == '$')
      result += text;
    else
      result += c;
  }
  return result;
}

std::string square(std::string_view x) { return with("(Pow($, 2) | Mul($, $))", x); }

/// n over the square root of d, as exporters write it.
std::string over_root(std::string_view n, std::string_view d) {
  const std::string root = with("Sqrt($)", d);
  return "(Div(" + std::string(n) + ", " + root + ") | Mul(" + std::string(n) + ", (Reciprocal(" + root +
         ") | Div(1, " + root + ") | Pow(" + std::string(d) + ", -0.5))))";
}

std::string normalized(std::string_view x) {
  return over_root(x, "Add(ReduceMean.last(" + square(x) + "), #epsilon)");
}

/// x times c, or over its inverse.
std::string times(std::string_view x, std::string_view c, std::string_view inverse) {
  return "(Mul(" + std::string(x) + ", " + std::string(c) + ") | Div(" + std::string(x) + ", " +
         std::string(inverse) + "))";
}

/// x (1 + f) / 2 in any order.
std::string half_of(std::string_view f) {
  const std::string sum = "Add(" + std::string(f) + ", 1)";
  return "(" + times("Mul(x, " + sum + ")", "0.5", "2") + " | Mul(" + times("x", "0.5", "2") + ", " + sum +
         ") | Mul(x, " + times(sum, "0.5", "2") + "))";
}

std::string gelu_erf() { return half_of("Erf(" + times("x", "0.70710678", "1.41421356") + ")"); }

std::string gelu_tanh() {
  const std::string cube = "(Pow(x, 3) | Mul(x, " + square("x") + "))";
  const std::string inner = "(Add(x, Mul(" + cube + ", 0.044715)) | Mul(x, Add(Mul(" + square("x") +
                            ", 0.044715), 1)) | Add(x, Mul(x, Mul(" + square("x") + ", 0.044715))))";
  return half_of("Tanh(Mul(" + inner + ", 0.79788456))");
}

Result one_input(std::string_view op, const Match& match, Attributes attributes = {}) {
  return Replacement{op, {match.value("x")}, std::move(attributes)};
}

Result normalization(std::string_view op, std::vector<ValueId> inputs, const Match& match) {
  return Replacement{op, std::move(inputs), {{"epsilon", match.number("epsilon")}}};
}

/// A reduction with the axes of the matched one.
Result reduction(std::string_view op, const Graph& graph, const Match& match) {
  for (const auto position : match.nodes)
    if (graph.nodes[position].attributes.contains("axes"))
      return one_input(op, match, graph.nodes[position].attributes);
  return std::nullopt;
}

const std::vector<Rule>& rules() {
  static const std::string kCentered = "Sub(x, ReduceMean.last(x))";
  static const std::string kLayer = "Mul(" + normalized(kCentered) + ", scale)";
  static const std::vector<Rule> kRules = {
      {NodePattern(gelu_erf()),
       [](const Graph&, const Match& m) {
         return one_input("Gelu", m, {{"approximate", 0}});
       }},
      {NodePattern(gelu_tanh()),
       [](const Graph&, const Match& m) {
         return one_input("Gelu", m, {{"approximate", 1}});
       }},
      {NodePattern("Mul(x, Sigmoid(x))"), [](const Graph&, const Match& m) { return one_input("Swish", m); }},
      {NodePattern("Add(" + kLayer + ", bias)"),
       [](const Graph&, const Match& m) {
         return normalization("LayerNormalization", {m.value("x"), m.value("scale"), m.value("bias")}, m);
       }},
      {NodePattern(kLayer),
       [](const Graph&, const Match& m) {
         return normalization("LayerNormalization", {m.value("x"), m.value("scale")}, m);
       }},
      {NodePattern("Mul(" + normalized("x") + ", scale)"),
       [](const Graph&, const Match& m) {
         return normalization("RMSNormalization", {m.value("x"), m.value("scale")}, m);
       }},
      {NodePattern("Log(Softmax(x))"),
       [](const Graph& graph, const Match& m) {
         return one_input("LogSoftmax", m, graph.nodes[m.nodes[1]].attributes);
       }},
      {NodePattern("ReduceSum(Abs(x))"),
       [](const Graph& graph, const Match& m) { return reduction("ReduceL1", graph, m); }},
      {NodePattern("(Sqrt(ReduceSum(" + square("x") + ")) | Sqrt(ReduceSumSquare(x)))"),
       [](const Graph& graph, const Match& m) { return reduction("ReduceL2", graph, m); }},
      {NodePattern("ReduceSum(" + square("x") + ")"),
       [](const Graph& graph, const Match& m) { return reduction("ReduceSumSquare", graph, m); }},
      {NodePattern("Log(ReduceSum(Exp(x)))"),
       [](const Graph& graph, const Match& m) { return reduction("ReduceLogSumExp", graph, m); }},
      {NodePattern("Log(ReduceSum(x))"),
       [](const Graph& graph, const Match& m) { return reduction("ReduceLogSum", graph, m); }},
      {NodePattern("ReduceLogSumExp(x)"),
       [](const Graph& graph, const Match& m) -> Result {
         const auto axes = graph.nodes[m.nodes[0]].text("axes");
         if (axes != "1" && axes != "-1") return std::nullopt;
         return one_input("LogSumExp", m);
       }},
      {NodePattern("Div(x, Clip(ReduceL2.last(x)))"),
       [](const Graph& graph, const Match& m) -> Result {
         for (const auto position : m.nodes) {
           const Node& node = graph.nodes[position];
           if (node.op->name == "Clip" &&
               (std::abs(node.real("min") - 1e-12) > 1e-17 || node.real("max") < 3e38))
             return std::nullopt;
         }
         return one_input("LpNormalization", m);
       }},
  };
  return kRules;
}

}  // namespace

bool recognize_reductions(Graph& graph, const PassContext&) { return apply_rules(graph, rules()); }

}  // namespace lathe
