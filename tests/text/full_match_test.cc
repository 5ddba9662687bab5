// Patterns in the syntax of RE2 that match a whole text.
#include "text/full_match.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"

namespace lathe {
namespace {

TEST(FullMatch, TakesTheWholeText) {
  EXPECT_TRUE(FullMatch("a*b").matches("aab"));
  EXPECT_FALSE(FullMatch("a*b").matches("aabc"));
  EXPECT_FALSE(FullMatch("a*b").matches("caab"));
  EXPECT_TRUE(FullMatch("").matches(""));
  EXPECT_TRUE(FullMatch("a|ab").matches("ab"));
  EXPECT_TRUE(FullMatch("\\pL.").matches("ä€"));
  EXPECT_FALSE(FullMatch("a.b").matches("a\nb"));
  EXPECT_TRUE(FullMatch("a$").matches("a"));
}

TEST(FullMatch, TakesTimeInProportionToTheText) {
  EXPECT_FALSE(FullMatch("(a*)*(a|aa)*b").matches(std::string(100'000, 'a') + "c"));
}

TEST(FullMatch, RefusesWhatRe2DoesNotKnow) {
  for (const char* pattern : {"(", "(a)\\1", "(?=a)", "a{2000}", "[z-a]", "\xff"}) {
    try {
      FullMatch{pattern};
      ADD_FAILURE() << pattern;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::invalid_argument);
      EXPECT_THAT(error.what(), testing::HasSubstr("cannot be compiled"));
    }
  }
}

}  // namespace
}  // namespace lathe
