// Upper and lower case, one character for one.
#include "text/letter_case.h"

#include <gtest/gtest.h>

namespace lathe {
namespace {

TEST(LetterCase, ChangesEachCharacterByItself) {
  EXPECT_EQ(to_lower_case("ABC äÖ Σ 12 日"), "abc äö σ 12 日");
  EXPECT_EQ(to_upper_case("abc äÖ σς 12 日"), "ABC ÄÖ ΣΣ 12 日");
  EXPECT_EQ(to_upper_case("ß"), "ß");
  EXPECT_EQ(to_lower_case("I"), "i");
  EXPECT_EQ(to_lower_case(""), "");
  EXPECT_EQ(to_upper_case(std::string_view("a\0b", 3)), std::string_view("A\0B", 3));
}

}  // namespace
}  // namespace lathe
