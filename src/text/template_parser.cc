// Statements.
#include "text/template_parser.h"

#include <array>

#include "base/error.h"

namespace lathe::jinja {

Token ParserBase::take() {
  Token token = current();
  if (token.type != TokenType::end) ++at_;
  return token;
}

bool ParserBase::skip_name(std::string_view name) {
  if (!at_name(name)) return false;
  take();
  return true;
}

bool ParserBase::skip_sign(std::string_view sign) {
  if (!at_sign(sign)) return false;
  take();
  return true;
}

void ParserBase::expect_sign(std::string_view sign) {
  if (!skip_sign(sign)) fail("expected '" + std::string(sign) + "', found '" + current().value + "'");
}

void ParserBase::expect(TokenType type, const char* what) {
  if (!at(type)) fail("expected " + std::string(what) + ", found '" + current().value + "'");
  take();
}

std::string ParserBase::expect_name() {
  if (!at(TokenType::name)) fail("expected a name, found '" + current().value + "'");
  return take().value;
}

void ParserBase::check_depth(std::size_t depth) const {
  if (depth > most_depth_) {
    throw Error(ErrorCode::resource_limit,
                "chat template, line " + std::to_string(current().line) + ": nested deeper than allowed");
  }
}

namespace {

class Parser : public ExpressionParser {
 public:
  Parser(std::vector<Token> tokens, std::size_t most_depth)
      : ExpressionParser(std::move(tokens), most_depth) {}

  Body parse() {
    Body body = parse_body({});
    if (!at(TokenType::end)) fail("unexpected end tag");
    return body;
  }

 private:
  using Ends = std::vector<std::string_view>;
  using Rule = StatementPointer (Parser::*)(int line);

  bool at_any(const Ends& ends) const {
    return std::any_of(ends.begin(), ends.end(), [&](std::string_view name) { return at_name(name); });
  }

  /// Statements until a tag that starts with one of `ends`, whose name is the current token then.
  Body parse_body(const Ends& ends) {
    const Level level(*this);
    Body body;
    while (!at(TokenType::end)) {
      if (at(TokenType::data)) {
        auto node = std::make_unique<DataOutput>();
        const Token token = take();
        node->text = token.value;
        body.push_back(finish(std::move(node), token.line));
      } else if (at(TokenType::variable_begin)) {
        const int line = take().line;
        auto node = std::make_unique<Output>();
        node->value = parse_tuple(true);
        expect(TokenType::variable_end, "the end of the print statement");
        auto& n = *node;
        body.push_back(finish(std::move(node), line, n.value));
      } else {
        expect(TokenType::block_begin, "a tag");
        if (at_any(ends)) return body;
        body.push_back(parse_statement());
        expect(TokenType::block_end, "the end of the tag");
      }
    }
    if (!ends.empty()) fail("the template ends before '" + std::string(ends.back()) + "'");
    return body;
  }

  /// The rest of an opening tag, the body, and the name that ends it.
  Body parse_block(const Ends& ends) {
    skip_sign(":");
    expect(TokenType::block_end, "the end of the tag");
    return parse_body(ends);
  }
  Body parse_whole_block(std::string_view end) {
    Body body = parse_block({end});
    take();
    return body;
  }

  StatementPointer parse_statement() {
    static constexpr std::array<std::pair<std::string_view, Rule>, 11> kRules = {{
        {"if", &Parser::parse_if},
        {"for", &Parser::parse_for},
        {"set", &Parser::parse_set},
        {"macro", &Parser::parse_macro},
        {"call", &Parser::parse_call_block},
        {"filter", &Parser::parse_filter_block},
        {"with", &Parser::parse_with},
        {"break", &Parser::parse_break},
        {"continue", &Parser::parse_continue},
        {"generation", &Parser::parse_generation},
        {"print", &Parser::parse_print},
    }};
    const int line = current().line;
    const std::string name = expect_name();
    for (const auto& [known, rule] : kRules) {
      if (known == name) return (this->*rule)(line);
    }
    fail_syntax(line, "unknown tag '" + name + "'");
  }

  StatementPointer parse_if(int line) {
    auto node = std::make_unique<If>();
    std::size_t depth = 1;
    ++conditional_;
    std::string end;
    do {
      ExpressionPointer condition = parse_tuple(false);
      depth = std::max(depth, condition->depth + 1);
      Body body = parse_block({"elif", "else", "endif"});
      node->branches.emplace_back(std::move(condition), std::move(body));
      end = take().value;
    } while (end == "elif");
    if (end == "else") node->otherwise = parse_whole_block("endif");
    --conditional_;
    node->depth = depth;
    return finish(std::move(node), line);
  }

  StatementPointer parse_for(int line) {
    auto node = std::make_unique<For>();
    node->target = parse_targets(false, "in");
    if (!skip_name("in")) fail("expected 'in'");
    node->over = parse_tuple(false, "recursive");
    if (skip_name("if")) node->filter = parse_expression();
    node->recursive = skip_name("recursive");
    ++loops_;
    node->body = parse_block({"else", "endfor"});
    --loops_;
    if (take().value == "else") node->otherwise = parse_whole_block("endfor");
    auto& n = *node;
    return finish(std::move(node), line, n.over, n.filter);
  }

  StatementPointer parse_break(int line) { return parse_jump(line, Flow::leave_loop); }
  StatementPointer parse_continue(int line) { return parse_jump(line, Flow::next_round); }
  StatementPointer parse_jump(int line, Flow flow) {
    if (loops_ == 0) fail_syntax(line, "break and continue belong into a loop");
    auto node = std::make_unique<Jump>();
    node->flow = flow;
    return finish(std::move(node), line);
  }

  Target parse_target(bool attributes) {
    Target target;
    if (skip_sign("(")) {
      target = parse_targets(attributes, ")");
      expect_sign(")");
      return target;
    }
    target.name = expect_name();
    for (const std::string_view constant : {"true", "false", "none", "True", "False", "None"}) {
      if (target.name == constant) fail("cannot assign to '" + target.name + "'");
    }
    if (attributes && skip_sign(".")) target.attribute = expect_name();
    return target;
  }

  Target parse_targets(bool attributes, std::string_view stop) {
    const Level level(*this);
    Target first = parse_target(attributes);
    if (!at_sign(",")) return first;
    Target all;
    all.parts.push_back(std::move(first));
    while (skip_sign(",")) {
      if (at_name(stop) || at_sign(stop) || at_sign("=") || at(TokenType::block_end)) break;
      all.parts.push_back(parse_target(attributes));
    }
    return all;
  }

  StatementPointer parse_set(int line) {
    Target target = parse_targets(true, "=");
    if (skip_sign("=")) {
      auto node = std::make_unique<Set>();
      node->target = std::move(target);
      node->value = parse_tuple(true);
      auto& n = *node;
      return finish(std::move(node), line, n.value);
    }
    auto node = std::make_unique<SetBlock>();
    node->target = std::move(target);
    node->filter = parse_filters(nullptr);
    node->body = parse_whole_block("endset");
    auto& n = *node;
    return finish(std::move(node), line, n.filter);
  }

  StatementPointer parse_with(int line) {
    auto node = std::make_unique<With>();
    while (!at(TokenType::block_end)) {
      if (!node->variables.empty()) expect_sign(",");
      Target target = parse_targets(false, "=");
      expect_sign("=");
      node->variables.emplace_back(std::move(target), parse_expression());
    }
    node->body = parse_whole_block("endwith");
    return finish(std::move(node), line);
  }

  std::vector<Parameter> parse_parameters() {
    std::vector<Parameter> parameters;
    expect_sign("(");
    while (!at_sign(")")) {
      if (!parameters.empty()) expect_sign(",");
      Parameter parameter{expect_name(), nullptr};
      if (skip_sign("=")) {
        parameter.fallback = parse_expression();
      } else if (!parameters.empty() && parameters.back().fallback) {
        fail("parameter without default behind one with default");
      }
      parameters.push_back(std::move(parameter));
    }
    expect_sign(")");
    return parameters;
  }

  /// The body of a macro or call block, which is no part of the loops around it, and what special names it
  /// uses.
  void parse_macro_body(MacroNode& macro, std::string_view end) {
    const int loops = std::exchange(loops_, 0);
    const bool positional = std::exchange(uses_positional_, false);
    const bool keywords = std::exchange(uses_keywords_, false);
    const bool caller = std::exchange(uses_caller_, false);
    macro.body = parse_whole_block(end);
    macro.uses_positional = uses_positional_;
    macro.uses_keywords = uses_keywords_;
    macro.uses_caller = uses_caller_;
    // Jinja looks for these names in macros inside macros, too.
    uses_positional_ |= positional;
    uses_keywords_ |= keywords;
    uses_caller_ |= caller;
    loops_ = loops;
  }

  StatementPointer parse_macro(int line) {
    auto node = std::make_unique<Macro>();
    node->macro = std::make_shared<MacroNode>();
    node->macro->name = expect_name();
    node->macro->parameters = parse_parameters();
    parse_macro_body(*node->macro, "endmacro");
    return finish(std::move(node), line);
  }

  StatementPointer parse_call_block(int line) {
    auto node = std::make_unique<CallBlock>();
    node->caller = std::make_shared<MacroNode>();
    node->caller->name = "caller";
    if (at_sign("(")) node->caller->parameters = parse_parameters();
    node->call = parse_expression();
    if (!dynamic_cast<const Call*>(node->call.get())) fail_syntax(line, "expected a call");
    parse_macro_body(*node->caller, "endcall");
    auto& n = *node;
    return finish(std::move(node), line, n.call);
  }

  StatementPointer parse_filter_block(int line) {
    auto node = std::make_unique<FilterBlock>();
    node->filter = parse_filters(nullptr, true);
    node->body = parse_whole_block("endfilter");
    auto& n = *node;
    return finish(std::move(node), line, n.filter);
  }

  /// {% generation %} marks what the model wrote, for training; rendering takes its body as it is.
  StatementPointer parse_generation(int line) {
    auto node = std::make_unique<With>();
    const int loops = std::exchange(loops_, 0);
    node->body = parse_whole_block("endgeneration");
    loops_ = loops;
    return finish(std::move(node), line);
  }

  StatementPointer parse_print(int line) {
    auto node = std::make_unique<With>();
    while (!at(TokenType::block_end)) {
      if (!node->body.empty()) expect_sign(",");
      auto output = std::make_unique<Output>();
      output->value = parse_expression();
      auto& o = *output;
      node->body.push_back(finish(std::move(output), line, o.value));
    }
    return finish(std::move(node), line);
  }

  int loops_ = 0;
};

}  // namespace

Body parse_template(std::string_view source, std::size_t most_depth) {
  return Parser(tokenize_template(source), most_depth).parse();
}

}  // namespace lathe::jinja
