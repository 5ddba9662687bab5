// Operators, from the weakest to the strongest.
#include <array>

#include "text/template_operators.h"
#include "text/template_parser.h"

namespace lathe::jinja {
namespace {

using BinaryOperation = Value (*)(Machine&, const Value&, const Value&);

BinaryOperation operation_of(std::string_view sign) {
  constexpr std::array<std::pair<std::string_view, BinaryOperation>, 7> kOperations = {{{"+", add},
                                                                                        {"-", subtract},
                                                                                        {"*", multiply},
                                                                                        {"/", divide},
                                                                                        {"//", floor_divide},
                                                                                        {"%", modulo},
                                                                                        {"**", power}}};
  for (const auto& [known, operation] : kOperations) {
    if (known == sign) return operation;
  }
  return nullptr;
}

Comparison::Operation comparison_of(const Token& token) {
  constexpr std::array<std::pair<std::string_view, Comparison::Operation>, 6> kComparisons = {
      {{"==", equal},
       {"!=", not_equal},
       {"<", less},
       {"<=", less_equal},
       {">", greater},
       {">=", greater_equal}}};
  if (token.type != TokenType::sign) return nullptr;
  for (const auto& [known, operation] : kComparisons) {
    if (known == token.value) return operation;
  }
  return nullptr;
}

template <class Node>
std::unique_ptr<Node> make() {
  return std::make_unique<Node>();
}

}  // namespace

ExpressionPointer ExpressionParser::parse_expression() {
  const Level level(*this);
  int line = current().line;
  ExpressionPointer first = parse_or();
  while (skip_name("if")) {
    ++conditional_;
    auto node = make<Conditional>();
    node->then = std::move(first);
    node->condition = parse_or();
    if (skip_name("else")) node->otherwise = parse_expression();
    --conditional_;
    auto& n = *node;
    first = finish(std::move(node), line, n.then, n.condition, n.otherwise);
    line = current().line;
  }
  return first;
}

ExpressionPointer ExpressionParser::parse_or() {
  ExpressionPointer left = parse_and();
  while (at_name("or")) {
    const int line = take().line;
    auto node = make<Logical>();
    node->stops_at = true;
    node->left = std::move(left);
    node->right = parse_and();
    auto& n = *node;
    left = finish(std::move(node), line, n.left, n.right);
  }
  return left;
}

ExpressionPointer ExpressionParser::parse_and() {
  ExpressionPointer left = parse_not();
  while (at_name("and")) {
    const int line = take().line;
    auto node = make<Logical>();
    node->left = std::move(left);
    node->right = parse_not();
    auto& n = *node;
    left = finish(std::move(node), line, n.left, n.right);
  }
  return left;
}

ExpressionPointer ExpressionParser::parse_not() {
  const Level level(*this);
  if (!at_name("not")) return parse_comparison();
  const int line = take().line;
  auto node = make<Unary>();
  node->operation = logical_not;
  node->operand = parse_not();
  auto& n = *node;
  return finish(std::move(node), line, n.operand);
}

ExpressionPointer ExpressionParser::parse_comparison() {
  const int line = current().line;
  ExpressionPointer first = parse_sum();
  std::vector<std::pair<Comparison::Operation, ExpressionPointer>> rest;
  std::size_t depth = first->depth;
  while (true) {
    Comparison::Operation operation = comparison_of(current());
    if (operation || at_name("in")) {
      take();
      if (!operation) operation = is_in;
    } else if (at_name("not") && ahead().type == TokenType::name && ahead().value == "in") {
      take();
      take();
      operation = is_not_in;
    } else {
      break;
    }
    rest.emplace_back(operation, parse_sum());
    depth = std::max(depth, rest.back().second->depth);
  }
  if (rest.empty()) return first;
  auto node = make<Comparison>();
  node->first = std::move(first);
  node->rest = std::move(rest);
  node->depth = depth + 1;
  return finish(std::move(node), line);
}

template <class Next>
ExpressionPointer ExpressionParser::parse_binary(std::initializer_list<std::string_view> signs,
                                                 const Next& next) {
  const auto at_one = [&] {
    return std::any_of(signs.begin(), signs.end(), [&](std::string_view sign) { return at_sign(sign); });
  };
  ExpressionPointer left = next();
  while (at_one()) {
    const Token sign = take();
    auto node = make<Binary>();
    node->operation = operation_of(sign.value);
    node->left = std::move(left);
    node->right = next();
    auto& n = *node;
    left = finish(std::move(node), sign.line, n.left, n.right);
  }
  return left;
}

ExpressionPointer ExpressionParser::parse_sum() {
  return parse_binary({"+", "-"}, [this] { return parse_concatenation(); });
}

ExpressionPointer ExpressionParser::parse_concatenation() {
  const int line = current().line;
  ExpressionPointer first = parse_product();
  if (!at_sign("~")) return first;
  auto node = make<Concatenation>();
  node->depth = first->depth + 1;
  node->parts.push_back(std::move(first));
  while (skip_sign("~")) {
    node->parts.push_back(parse_product());
    node->depth = std::max(node->depth, node->parts.back()->depth + 1);
  }
  return finish(std::move(node), line);
}

ExpressionPointer ExpressionParser::parse_product() {
  return parse_binary({"*", "/", "//", "%"}, [this] { return parse_power(); });
}

ExpressionPointer ExpressionParser::parse_power() {
  return parse_binary({"**"}, [this] { return parse_unary(); });
}

ExpressionPointer ExpressionParser::parse_unary(bool with_filters) {
  const Level level(*this);
  ExpressionPointer value;
  if (at_sign("-") || at_sign("+")) {
    const Token sign = take();
    auto node = make<Unary>();
    node->operation = sign.value == "-" ? negate : plus;
    node->operand = parse_unary(false);
    auto& n = *node;
    value = finish(std::move(node), sign.line, n.operand);
  } else {
    value = parse_primary();
  }
  value = parse_postfix(std::move(value));
  return with_filters ? parse_filters_and_tests(std::move(value)) : std::move(value);
}

}  // namespace lathe::jinja
