// Tokens to the syntax tree, as Jinja parses them.
#pragma once

#include <string_view>
#include <vector>

#include "text/template_lexer.h"
#include "text/template_nodes.h"

namespace lathe::jinja {

/// Bounds nesting by `most_depth`. Throws Error(template_failed) with the line, Error(resource_limit).
Body parse_template(std::string_view source, std::size_t most_depth);

/// What statements and expressions share: the tokens and the bounds.
class ParserBase {
 protected:
  ParserBase(std::vector<Token> tokens, std::size_t most_depth)
      : tokens_(std::move(tokens)), most_depth_(most_depth) {}

  const Token& current() const { return tokens_[at_]; }
  const Token& ahead() const { return tokens_[std::min(at_ + 1, tokens_.size() - 1)]; }
  bool at(TokenType type) const { return current().type == type; }
  bool at_name(std::string_view name) const { return at(TokenType::name) && current().value == name; }
  bool at_sign(std::string_view sign) const { return at(TokenType::sign) && current().value == sign; }
  Token take();
  bool skip_name(std::string_view name);
  bool skip_sign(std::string_view sign);
  void expect_sign(std::string_view sign);
  void expect(TokenType type, const char* what);
  std::string expect_name();
  [[noreturn]] void fail(const std::string& message) const { fail_syntax(current().line, message); }

  /// Refuses what nests too deep: both the parser's own recursion and the trees it makes.
  void check_depth(std::size_t depth) const;
  class Level {
   public:
    explicit Level(ParserBase& parser) : parser_(parser) { parser.check_depth(++parser.level_); }
    ~Level() { --parser_.level_; }
    Level(const Level&) = delete;
    Level& operator=(const Level&) = delete;

   private:
    ParserBase& parser_;
  };
  /// Sets the line and the depth of a node over its children; missing children count nothing.
  template <class Node, class... Children>
  std::unique_ptr<Node> finish(std::unique_ptr<Node> node, int line, const Children&... children) const {
    node->line = line;
    ((node->depth = std::max(node->depth, depth_above(children))), ...);
    check_depth(node->depth);
    return node;
  }

  static std::size_t depth_above(const ExpressionPointer& child) { return child ? child->depth + 1 : 1; }

  std::vector<Token> tokens_;
  std::size_t at_ = 0;
  std::size_t most_depth_;
  std::size_t level_ = 0;
  int conditional_ = 0;  // inside if: names of filters and tests are checked only when reached
  bool uses_positional_ = false, uses_keywords_ = false, uses_caller_ = false;  // of the macro being parsed
};

class ExpressionParser : public ParserBase {
 protected:
  using ParserBase::ParserBase;

  ExpressionPointer parse_expression();
  ExpressionPointer parse_or();
  /// One expression, or several with commas between them as a tuple. `stop`: a name that ends it.
  ExpressionPointer parse_tuple(bool conditional, std::string_view stop = {}, bool parentheses = false);
  ExpressionPointer parse_filters(ExpressionPointer value, bool first_without_bar = false);

 private:
  ExpressionPointer parse_and();
  ExpressionPointer parse_not();
  ExpressionPointer parse_comparison();
  ExpressionPointer parse_sum();
  ExpressionPointer parse_concatenation();
  ExpressionPointer parse_product();
  ExpressionPointer parse_power();
  ExpressionPointer parse_unary(bool with_filters = true);
  ExpressionPointer parse_primary();
  ExpressionPointer parse_name();
  ExpressionPointer parse_number();
  ExpressionPointer parse_list();
  ExpressionPointer parse_dict();
  ExpressionPointer parse_postfix(ExpressionPointer value);
  ExpressionPointer parse_filters_and_tests(ExpressionPointer value);
  ExpressionPointer parse_subscript(ExpressionPointer value);
  ExpressionPointer parse_test(ExpressionPointer value);
  ExpressionPointer parse_call(ExpressionPointer callee);
  ArgumentNodes parse_arguments();
  std::size_t depth_of(const ArgumentNodes& arguments) const;
  template <class Next>
  ExpressionPointer parse_binary(std::initializer_list<std::string_view> signs, const Next& next);
};

}  // namespace lathe::jinja
