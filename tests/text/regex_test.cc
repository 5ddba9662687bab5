// What the translation to PCRE2 knows, and what it refuses. That matches are the package's is for
// tests/formats/tokenizer_json_test.py.
#include "text/regex.h"

#include <gmock/gmock.h>

#include "base/error.h"
#include "text/regex_translation.h"

namespace lathe {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

std::vector<std::string> pieces(const std::string& pattern, const std::string& text) {
  std::vector<TextRange> found;
  Regex(pattern).find(text, found);
  std::vector<std::string> out;
  std::size_t begin = 0;
  for (const TextRange& piece : found) {
    out.push_back((piece.match ? "+" : "-") + text.substr(begin, piece.end - begin));
    begin = piece.end;
  }
  return out;
}

TEST(Regex, CutsIntoMatchesAndWhatLiesBetween) {
  EXPECT_THAT(pieces(R"(\d+)", "a12b3"), ElementsAre("-a", "+12", "-b", "+3"));
  EXPECT_THAT(pieces("x*", "axx"), ElementsAre("+", "-a", "+xx"));
  EXPECT_TRUE(pieces("a", "").empty());
}

TEST(Regex, FollowsOnigurumaWherePcreDiffers) {
  EXPECT_THAT(pieces("a{1,2}+a", "aa"), ElementsAre("+aa"));  // not possessive
  EXPECT_THAT(pieces("a{,2}b", "aab"), ElementsAre("+aab"));
  EXPECT_THAT(pieces("^b$", "a\nb\nc"), ElementsAre("-a\n", "+b", "-\nc"));
  EXPECT_THAT(pieces("(?m:a.)", "a\n"), ElementsAre("+a\n"));
  EXPECT_THAT(pieces("[a[bc]&&[^b]]+", "abc"), ElementsAre("+a", "-b", "+c"));
  EXPECT_THAT(pieces("[^(x|[y])]", "a(y|"), ElementsAre("+a", "-(y|"));
  EXPECT_THAT(pieces(R"(\s)", "\u180E\u0085"), ElementsAre("-\u180E", "+\u0085"));
  EXPECT_THAT(pieces(R"(\v)", "\n\v"), ElementsAre("-\n", "+\v"));
  EXPECT_THAT(pieces(R"(\p{L})", "\U0001E6D0\U00016D40"), ElementsAre("-\U0001E6D0", "+\U00016D40"));
  EXPECT_THAT(pieces(R"(\w)", "\u00BC"), ElementsAre("+\u00BC"));
  EXPECT_THAT(pieces(R"([\w])", "\u00BC"), ElementsAre("-\u00BC"));
  EXPECT_THAT(pieces("(?i:'s)", "'\u017F'S"), ElementsAre("+'\u017F", "+'S"));
}

TEST(Regex, RefusesWhatIsNotTranslatedExactly) {
  for (const auto& [pattern, part] :
       std::initializer_list<std::pair<const char*, const char*>>{{R"((a)\1)", "escape"},
                                                                  {R"(\h)", "escape"},
                                                                  {R"(\p{Zzzz})", "property"},
                                                                  {"(?x: a)", "group"},
                                                                  {"[a[^b]]", "negated"},
                                                                  {"(?i:stra\u00DFe)", "case"},
                                                                  {"(?i:ss)", "case"},
                                                                  {"[b-a]", "backwards"},
                                                                  {"[a", "does not end"},
                                                                  {"(a", "does not end"},
                                                                  {"a)", "ends nothing"},
                                                                  {"*a", "repetition"},
                                                                  {"a{9999}", "repetition"},
                                                                  {R"(\x{D800})", "number"},
                                                                  {"a{2}?", "lazy"},
                                                                  {R"(\pL)", "braces"},
                                                                  {"[[:alpha:]]", "[:alpha:]"},
                                                                  {"(?<=a+)b", "compiled"}}) {
    try {
      Regex regex{std::string(pattern)};
      ADD_FAILURE() << pattern;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::unsupported);
      EXPECT_THAT(error.what(), HasSubstr(part)) << pattern;
    }
  }
  EXPECT_THROW(translate_regex(std::string(100'000, '(')), Error);
  EXPECT_THROW(translate_regex(std::string(100'000, '[')), Error);
}

TEST(Regex, AMetLimitIsAnError) {
  const std::string text(100'000, 'a');
  std::vector<TextRange> found;
  try {
    Regex("(?:a|aa)+[xy]").find(text, found);
    FAIL() << "no limit was met";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::resource_limit) << error.what();
    EXPECT_THAT(error.what(), HasSubstr("takes too much"));
  }
}

}  // namespace
}  // namespace lathe
