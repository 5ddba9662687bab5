// Bounds of the interpreter, and what the comparison with Python cannot see: error codes and lines.
#include "text/chat_template.h"

#include <gmock/gmock.h>

#include <ctime>

#include "base/error.h"

namespace lathe {
namespace {

using testing::HasSubstr;

std::string render(const std::string& source, const Json& context = Json::object()) {
  return ChatTemplate(source).render(context);
}

void expect_error(ErrorCode code, const std::string& part, const std::string& source,
                  const Json& context = Json::object(), TemplateLimits limits = {}) {
  const std::clock_t start = std::clock();
  try {
    ChatTemplate(source, limits).render(context);
    ADD_FAILURE() << "no error from " << source.substr(0, 100);
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), code) << error.what() << " from " << source.substr(0, 60);
    EXPECT_THAT(error.what(), HasSubstr(part));
  }
  EXPECT_LT(std::clock() - start, 5 * CLOCKS_PER_SEC) << source.substr(0, 100);
}

std::string repeated(const std::string& part, int count) {
  std::string out;
  for (int i = 0; i < count; ++i) out += part;
  return out;
}

TEST(ChatTemplate, RendersTheVariablesOfTheContext) {
  EXPECT_EQ(render("{{ a }} {{ b.c[0] }}", {{"a", 1}, {"b", {{"c", {"x"}}}}}), "1 x");
}

TEST(ChatTemplate, TellsTheTimeItIsGiven) {
  setenv("TZ", "UTC", 1);
  tzset();
  EXPECT_EQ(ChatTemplate("{{ strftime_now('%d %b %Y') }}").render(Json::object(), 86400), "02 Jan 1970");
  EXPECT_EQ(render("{{ strftime_now('%Y') | int > 2000 }}"), "True");
}

TEST(ChatTemplate, CanBeRenderedAgainAndMoved) {
  ChatTemplate first("{% set x = a %}{{ x }}");
  const ChatTemplate second = std::move(first);
  EXPECT_EQ(second.render({{"a", 1}}), "1");
  EXPECT_EQ(second.render({{"a", 2}}), "2");
}

TEST(ChatTemplate, BrokenUtf8AndNulAreDefined) {
  EXPECT_EQ(render("\xFF{{ a }}", {{"a", "x\xC3"}}), "\uFFFDx\uFFFD");
  EXPECT_EQ(render("{{ a }}|{{ a|length }}", {{"a", std::string("x\0y", 3)}}), std::string("x\0y|3", 5));
}

TEST(ChatTemplate, ErrorsNameTheLine) {
  expect_error(ErrorCode::template_failed, "line 2: unknown tag 'nosuch'", "\n{% nosuch %}");
  expect_error(ErrorCode::template_failed, "line 3: no filter named 'nosuch'", "a\n\n{{ 1 | nosuch }}");
  expect_error(ErrorCode::template_failed, "line 2: 'x' is undefined", "a\n{{ x.y }}");
  expect_error(ErrorCode::template_failed, "line 1: not today", "{{ raise_exception('not today') }}");
  expect_error(ErrorCode::template_failed, "'f' is undefined", "{{ f() }}");
  expect_error(ErrorCode::invalid_argument, "no JSON object", "x", Json::array());
}

TEST(ChatTemplate, UnknownFiltersAndTestsAreFoundWhenParsing) {
  EXPECT_THROW(ChatTemplate("{{ 1|nosuch }}"), Error);
  EXPECT_THROW(ChatTemplate("{{ 1 is nosuch }}"), Error);
  EXPECT_THROW(ChatTemplate("{% for x in y %}{{ x|nosuch }}{% endfor %}"), Error);
}

TEST(ChatTemplate, UnderscoreAttributesAreNotThere) {
  for (const char* value : {"''", "1", "[]", "{}", "range", "namespace()", "none"})
    EXPECT_EQ(render(std::string("{{ ") + value + ".__class__ is defined }}"), "False") << value;
  expect_error(ErrorCode::template_failed, "undefined", "{{ ''.__class__.__mro__ }}");
}

TEST(ChatTemplateBounds, Steps) {
  expect_error(ErrorCode::template_failed, "range", "{{ range(10**9)|length }}");
  expect_error(ErrorCode::resource_limit, "steps",
               "{% for i in range(10000) %}{% for j in range(10000) %}{% endfor %}{% endfor %}");
  expect_error(ErrorCode::resource_limit, "steps",
               "{% set a = range(50000)|list %}{% for i in a %}{% if a == range(50000)|list %}{% endif %}{% "
               "endfor %}");
  expect_error(ErrorCode::resource_limit, "steps", "{% set a = range(90000)|map('string')|unique|list %}");
  expect_error(
      ErrorCode::resource_limit, "steps",
      "{% set ns = namespace(x=[1]) %}{% for i in range(90000) %}{% set ns.x = ns.x + [i] %}{% endfor %}");
}

TEST(ChatTemplateBounds, TextAndOutput) {
  const std::string twice =
      "{% set ns = namespace(s='ab') %}{% for i in range(60) %}{% set ns.s = ns.s ~ ns.s %}{% endfor %}";
  expect_error(ErrorCode::resource_limit, "", twice);
  expect_error(
      ErrorCode::resource_limit, "",
      "{% set ns = namespace(s='ab') %}{% for i in range(60) %}{% set ns.s = ns.s * 2 %}{% endfor %}");
  expect_error(
      ErrorCode::resource_limit, "",
      "{% set ns = namespace(l=[1]) %}{% for i in range(60) %}{% set ns.l = ns.l + ns.l %}{% endfor %}");
  expect_error(ErrorCode::resource_limit, "", "{{ 'x' * 10**9 }}");
  expect_error(ErrorCode::resource_limit, "", "{{ [0] * 10**9 }}");
  expect_error(ErrorCode::resource_limit, "", "{{ 'x'.ljust(10**12) }}");
  expect_error(ErrorCode::resource_limit, "", "{{ 'x'.zfill(10**12) }}");
  expect_error(ErrorCode::resource_limit, "", "{{ 'x'|center(10**12) }}");
  expect_error(ErrorCode::resource_limit, "", "{{ 'a\nb'|indent(10**12) }}");
  expect_error(ErrorCode::resource_limit, "", "{{ [1]|tojson(indent=10**12) }}");
  expect_error(ErrorCode::resource_limit, "", "{{ [1]|batch(10**12, 'x')|list }}");
  expect_error(ErrorCode::template_failed, "10000", "{{ '%99999999d' % 1 }}");
  expect_error(ErrorCode::resource_limit, "", "{{ ('x' * 4000000)|replace('', 'yyyyyyyy') }}");
  expect_error(ErrorCode::resource_limit, "", "{{ ('x' * 4000000)|replace('x', 'y' * 4000000) }}");
  expect_error(ErrorCode::resource_limit, "", "{{ ('x,' * 400000).split(',')|join('y' * 400000) }}");
  expect_error(ErrorCode::resource_limit, "output",
               "{% set s = 'x' * 1000000 %}{% for i in range(1024) %}{{ s }}{% endfor %}");
  EXPECT_EQ(render("{{ 'x' * 1000000 }}").size(), 1000000u);
}

TEST(ChatTemplateBounds, SharedListsThatPrintEndless) {
  const std::string nest =
      "{% set ns = namespace(l=[1]) %}{% for i in range(100) %}{% set ns.l = [ns.l, ns.l] %}{% endfor %}";
  expect_error(ErrorCode::resource_limit, "steps", nest + "{{ ns.l }}");
  expect_error(ErrorCode::resource_limit, "steps", nest + "{{ ns.l|tojson }}");
  expect_error(ErrorCode::resource_limit, "steps",
               nest + "{% set a = ns.l %}" + nest + "{% if a == ns.l %}{% endif %}");
}

TEST(ChatTemplateBounds, Depth) {
  expect_error(ErrorCode::resource_limit, "nested",
               "{{ " + repeated("(", 10000) + "1" + repeated(")", 10000) + " }}");
  const std::pair<const char*, const char*> brackets[] = {
      {"[", "]"},     {"{1:", "}"},   {"f(", ")"},           {"x[", "]"},
      {"1 + (", ")"}, {"1 ~ (", ")"}, {"'a'|replace(", ")"}, {"not ", ""},
      {"-", ""},      {"1 if ", ""},  {"1 ** -", ""}};
  for (const auto& [open, close] : brackets) {
    expect_error(ErrorCode::resource_limit, "nested",
                 "{{ " + repeated(open, 10000) + "1 " + repeated(close, 10000) + " }}");
  }
  for (const char* link :
       {" + 1", " - 1", " and 1", " or 1", ".a", "[0]", "()", "|abs", " if 1 else 1", " * 1"})
    expect_error(ErrorCode::resource_limit, "nested", "{{ 1" + repeated(link, 100000) + " }}");
  for (const char* tag : {"{% if 1 %}", "{% for i in x %}", "{% set x %}", "{% macro m() %}",
                          "{% filter upper %}", "{% call f() %}", "{% with %}", "{% generation %}"})
    expect_error(ErrorCode::resource_limit, "nested", repeated(tag, 10000));
  expect_error(ErrorCode::resource_limit, "nested",
               "{% for " + repeated("(", 10000) + "a" + repeated(")", 10000) + " in x %}{% endfor %}");
  expect_error(ErrorCode::resource_limit, "nested", "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}");
  expect_error(ErrorCode::resource_limit, "nested",
               "{% macro m() %}{% call m() %}{{ caller() }}{% endcall %}{% endmacro %}{{ m() }}");
  expect_error(ErrorCode::resource_limit, "nested",
               "{% for i in [1] recursive %}{{ loop([1]) }}{% endfor %}");
  EXPECT_EQ(render("{{ 1" + repeated(" + 1", 200) + " }}"), "201");
  EXPECT_EQ(render(repeated("{% if 1 %}", 200) + "x" + repeated("{% endif %}", 200)), "x");
  EXPECT_EQ(render("{% if 0 %}" + repeated("{% elif 0 %}", 5000) + "{% else %}x{% endif %}"), "x");
}

TEST(ChatTemplateBounds, ValuesThatHoldEachOther) {
  expect_error(
      ErrorCode::resource_limit, "nested",
      "{% set ns = namespace(l=[]) %}{% for i in range(10000) %}{% set ns.l = [ns.l] %}{% endfor %}");
  expect_error(
      ErrorCode::resource_limit, "nested",
      "{% set ns = namespace(l={}) %}{% for i in range(10000) %}{% set ns.l = {1: ns.l} %}{% endfor %}");
  expect_error(
      ErrorCode::resource_limit, "nested",
      "{% set ns = namespace(l=[]) %}{% for i in range(10000) %}{% set ns.l = [ns.l].index %}{% endfor %}");
  expect_error(
      ErrorCode::resource_limit, "nested",
      "{% set ns = namespace(l=[]) %}{% for i in range(10000) %}{% for j in [ns.l] %}{% set ns.l = loop %}"
      "{% endfor %}{% endfor %}");
  // Rings and long chains of namespaces and macros are freed without recursion.
  EXPECT_EQ(render("{% set a = namespace() %}{% set a.me = a %}ok"), "ok");
  EXPECT_EQ(
      render("{% set ns = namespace(x=0) %}{% for i in range(50000) %}{% set ns.x = namespace(x=ns.x) %}"
             "{% endfor %}ok"),
      "ok");
  EXPECT_EQ(render("{% set ns = namespace() %}{% macro m() %}{% macro k() %}{{ m() if 0 }}{% endmacro %}"
                   "{% set ns.f = k %}{% endmacro %}{% for i in range(1000) %}{{ m() }}{% endfor %}ok"),
            "ok");
}

TEST(ChatTemplateBounds, LimitsCanBeChosen) {
  TemplateLimits limits;
  limits.steps = 10;
  expect_error(ErrorCode::resource_limit, "steps", "{% for i in range(100) %}{{ i }}{% endfor %}",
               Json::object(), limits);
  limits = {};
  limits.output_bytes = 10;
  expect_error(ErrorCode::resource_limit, "output", "{{ 'abcdef' }}{{ 'abcdef' }}", Json::object(), limits);
  limits = {};
  limits.depth = 5;
  expect_error(ErrorCode::resource_limit, "nested", "{{ ((((((1)))))) }}", Json::object(), limits);
}

TEST(ChatTemplateBounds, IntegersStayIn64Bits) {
  for (const char* sum : {"9223372036854775807 + 1", "-9223372036854775807 - 2", "9223372036854775807 * 2",
                          "2 ** 64", "(-9223372036854775807 - 1) // -1", "-(-9223372036854775807 - 1)",
                          "1e300|int", "(-9223372036854775807 - 1)|abs"})
    expect_error(ErrorCode::template_failed, "64 bits", std::string("{{ ") + sum + " }}");
  EXPECT_EQ(render("{{ (-9223372036854775807 - 1) % -1 }}"), "0");
  expect_error(ErrorCode::template_failed, "64 bits", "{{ 9223372036854775808 }}");
}

TEST(ChatTemplateBounds, LargeConversationsRender) {
  Json messages = Json::array();
  for (int i = 0; i < 10000; ++i)
    messages.push_back({{"role", i % 2 ? "assistant" : "user"}, {"content", "text"}});
  const std::string source =
      "{% for m in messages %}{{ '<|im_start|>' + m['role'] + '\n' + m['content'] + '<|im_end|>' + '\n' }}{% "
      "endfor %}";
  EXPECT_EQ(render(source, {{"messages", messages}}).size(), 5000 * 37 + 5000 * 32u);
}

}  // namespace
}  // namespace lathe
