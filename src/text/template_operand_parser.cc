// Operands: names, literals, calls, subscripts, filters and tests.
#include "text/template_operators.h"
#include "text/template_parser.h"
#include "text/template_text.h"

namespace lathe::jinja {
namespace {

template <class Node>
std::unique_ptr<Node> make() {
  return std::make_unique<Node>();
}

}  // namespace

ExpressionPointer ExpressionParser::parse_primary() {
  const Token& token = current();
  if (token.type == TokenType::name) return parse_name();
  if (token.type == TokenType::integer || token.type == TokenType::decimal) return parse_number();
  if (token.type == TokenType::text) {
    const int line = token.line;
    std::string text;
    while (at(TokenType::text)) text += take().value;
    auto node = make<Constant>();
    node->value = Value(Text(std::make_shared<const std::string>(std::move(text))));
    return finish(std::move(node), line);
  }
  if (skip_sign("(")) {
    ExpressionPointer inside = parse_tuple(true, {}, true);
    expect_sign(")");
    return inside;
  }
  if (at_sign("[")) return parse_list();
  if (at_sign("{")) return parse_dict();
  fail("unexpected '" + token.value + "'");
}

ExpressionPointer ExpressionParser::parse_name() {
  const Token token = take();
  const std::string& name = token.value;
  if (name == "true" || name == "True" || name == "false" || name == "False" || name == "none" ||
      name == "None") {
    auto node = make<Constant>();
    node->value = name[0] == 'n' || name[0] == 'N' ? Value(None{}) : Value(name[0] == 't' || name[0] == 'T');
    return finish(std::move(node), token.line);
  }
  uses_positional_ |= name == "varargs";
  uses_keywords_ |= name == "kwargs";
  uses_caller_ |= name == "caller";
  auto node = make<Name>();
  node->name = name;
  return finish(std::move(node), token.line);
}

ExpressionPointer ExpressionParser::parse_number() {
  const Token token = take();
  auto node = make<Constant>();
  if (token.type == TokenType::integer) {
    const auto value = parse_integer(token.value, 0);
    if (!value) fail_syntax(token.line, "'" + token.value + "' is no integer of 64 bits");
    node->value = Value(*value);
  } else {
    const auto value = parse_float(token.value);
    if (!value) fail_syntax(token.line, "'" + token.value + "' is no number");
    node->value = Value(*value);
  }
  return finish(std::move(node), token.line);
}

ExpressionPointer ExpressionParser::parse_tuple(bool conditional, std::string_view stop, bool parentheses) {
  const int line = current().line;
  auto node = make<Sequence>();
  node->kind = ListKind::tuple;
  bool comma = false;
  while (true) {
    if (comma && !skip_sign(",")) break;
    const bool end = at(TokenType::variable_end) || at(TokenType::block_end) || at_sign(")") ||
                     (!stop.empty() && at_name(stop));
    if (end) break;
    node->items.push_back(conditional ? parse_expression() : parse_or());
    node->depth = std::max(node->depth, node->items.back()->depth + 1);
    if (!at_sign(",")) break;
    comma = true;
  }
  if (!comma && !node->items.empty()) return std::move(node->items[0]);
  if (!comma && !parentheses) fail("expected an expression");
  return finish(std::move(node), line);
}

ExpressionPointer ExpressionParser::parse_list() {
  const int line = take().line;
  auto node = make<Sequence>();
  while (!at_sign("]")) {
    if (!node->items.empty()) {
      expect_sign(",");
      if (at_sign("]")) break;
    }
    node->items.push_back(parse_expression());
    node->depth = std::max(node->depth, node->items.back()->depth + 1);
  }
  expect_sign("]");
  return finish(std::move(node), line);
}

ExpressionPointer ExpressionParser::parse_dict() {
  const int line = take().line;
  auto node = make<Mapping>();
  while (!at_sign("}")) {
    if (!node->items.empty()) {
      expect_sign(",");
      if (at_sign("}")) break;
    }
    ExpressionPointer key = parse_expression();
    expect_sign(":");
    node->items.emplace_back(std::move(key), parse_expression());
    const auto& [first, second] = node->items.back();
    node->depth = std::max({node->depth, first->depth + 1, second->depth + 1});
  }
  expect_sign("}");
  return finish(std::move(node), line);
}

ExpressionPointer ExpressionParser::parse_postfix(ExpressionPointer value) {
  while (true) {
    if (at_sign(".") || at_sign("[")) {
      value = parse_subscript(std::move(value));
    } else if (at_sign("(")) {
      value = parse_call(std::move(value));
    } else {
      return value;
    }
  }
}

ExpressionPointer ExpressionParser::parse_filters_and_tests(ExpressionPointer value) {
  while (true) {
    if (at_sign("|")) {
      value = parse_filters(std::move(value));
    } else if (at_name("is")) {
      value = parse_test(std::move(value));
    } else if (at_sign("(")) {
      value = parse_call(std::move(value));
    } else {
      return value;
    }
  }
}

ExpressionPointer ExpressionParser::parse_filters(ExpressionPointer value, bool first_without_bar) {
  while (first_without_bar || skip_sign("|")) {
    first_without_bar = false;
    const int line = current().line;
    auto node = make<FilterCall>();
    node->name = expect_name();
    while (skip_sign(".")) node->name += "." + expect_name();
    node->filter = find_filter(node->name);
    if (!node->filter && conditional_ == 0) fail_syntax(line, "no filter named '" + node->name + "'");
    if (at_sign("(")) node->arguments = parse_arguments();
    node->depth = depth_of(node->arguments) + 1;
    node->value = std::move(value);
    auto& n = *node;
    value = finish(std::move(node), line, n.value);
  }
  return value;
}

ExpressionPointer ExpressionParser::parse_test(ExpressionPointer value) {
  const int line = take().line;
  const bool negated = skip_name("not");
  auto node = make<TestCall>();
  node->name = expect_name();
  while (skip_sign(".")) node->name += "." + expect_name();
  node->test = find_test(node->name);
  if (!node->test && conditional_ == 0) fail_syntax(line, "no test named '" + node->name + "'");
  const bool starts_value = at(TokenType::name) || at(TokenType::text) || at(TokenType::integer) ||
                            at(TokenType::decimal) || at_sign("[") || at_sign("{");
  if (at_sign("(")) {
    node->arguments = parse_arguments();
  } else if (starts_value && !at_name("else") && !at_name("or") && !at_name("and")) {
    if (at_name("is")) fail("tests cannot be chained with is");
    node->arguments.positional.push_back(parse_postfix(parse_primary()));
  }
  node->depth = depth_of(node->arguments) + 1;
  node->value = std::move(value);
  auto& n = *node;
  ExpressionPointer test = finish(std::move(node), line, n.value);
  if (!negated) return test;
  auto outer = make<Unary>();
  outer->operation = logical_not;
  outer->operand = std::move(test);
  auto& o = *outer;
  return finish(std::move(outer), line, o.operand);
}

ExpressionPointer ExpressionParser::parse_subscript(ExpressionPointer value) {
  const Token token = take();
  if (token.value == "." && at(TokenType::name)) {
    auto node = make<Attribute>();
    node->name = take().value;
    node->of = std::move(value);
    auto& n = *node;
    return finish(std::move(node), token.line, n.of);
  }
  if (token.value == ".") {
    if (!at(TokenType::integer)) fail("expected name or number");
    auto node = make<Item>();
    node->key = parse_number();
    node->of = std::move(value);
    auto& n = *node;
    return finish(std::move(node), token.line, n.of, n.key);
  }
  ExpressionPointer begin = at_sign(":") ? nullptr : parse_expression();
  if (!skip_sign(":")) {
    auto node = make<Item>();
    if (at_sign(",")) fail("subscripts with commas are not supported");
    expect_sign("]");
    node->key = std::move(begin);
    node->of = std::move(value);
    auto& n = *node;
    return finish(std::move(node), token.line, n.of, n.key);
  }
  auto node = make<Slice>();
  node->of = std::move(value);
  node->begin = std::move(begin);
  if (!at_sign(":") && !at_sign("]")) node->end = parse_expression();
  if (skip_sign(":") && !at_sign("]")) node->stride = parse_expression();
  expect_sign("]");
  auto& n = *node;
  return finish(std::move(node), token.line, n.of, n.begin, n.end, n.stride);
}

ExpressionPointer ExpressionParser::parse_call(ExpressionPointer callee) {
  const int line = current().line;
  auto node = make<Call>();
  node->arguments = parse_arguments();
  node->depth = depth_of(node->arguments) + 1;
  node->callee = std::move(callee);
  auto& n = *node;
  return finish(std::move(node), line, n.callee);
}

ArgumentNodes ExpressionParser::parse_arguments() {
  ArgumentNodes out;
  expect_sign("(");
  bool comma = false;
  while (!at_sign(")")) {
    if (comma) {
      expect_sign(",");
      if (at_sign(")")) break;
    }
    comma = true;
    const bool keyword = at(TokenType::name) && ahead().type == TokenType::sign && ahead().value == "=";
    if (out.more_keywords || (out.more_positional && !keyword && !at_sign("**")))
      fail("arguments in a wrong order");
    if (skip_sign("*")) {
      out.more_positional = parse_expression();
    } else if (skip_sign("**")) {
      out.more_keywords = parse_expression();
    } else if (keyword) {
      std::string name = take().value;
      take();
      out.keywords.emplace_back(std::move(name), parse_expression());
    } else {
      if (!out.keywords.empty()) fail("positional argument behind keyword argument");
      out.positional.push_back(parse_expression());
    }
  }
  expect_sign(")");
  return out;
}

std::size_t ExpressionParser::depth_of(const ArgumentNodes& arguments) const {
  std::size_t depth = 0;
  for (const auto& node : arguments.positional) depth = std::max(depth, node->depth);
  for (const auto& [name, node] : arguments.keywords) depth = std::max(depth, node->depth);
  if (arguments.more_positional) depth = std::max(depth, arguments.more_positional->depth);
  if (arguments.more_keywords) depth = std::max(depth, arguments.more_keywords->depth);
  return depth;
}

}  // namespace lathe::jinja
