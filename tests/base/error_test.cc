#include "base/error.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck.h>

namespace lathe {
namespace {

using testing::HasSubstr;

TEST(Printable, KeepsTextAndEscapesTheRest) {
  EXPECT_EQ(printable("plain text, \"quotes\" and \\"), "plain text, \"quotes\" and \\");
  EXPECT_EQ(printable("grün 日本 🙂"), "grün 日本 🙂");
  EXPECT_EQ(printable("a\nb\tc\x1b[31m"), "a\\x0ab\\x09c\\x1b[31m");
  EXPECT_EQ(printable(std::string_view("a\0b", 3)), "a\\x00b");
  EXPECT_EQ(printable("\x7f"), "\\x7f");
  EXPECT_EQ(printable("\xc2\x85"), "\\xc2\\x85");           // U+0085: next line
  EXPECT_EQ(printable("\xe2\x80\xa8"), "\\xe2\\x80\\xa8");  // U+2028: line separator
  EXPECT_EQ(printable("a\xe2\x80\xae"
                      "b"),
            "a\\xe2\\x80\\xae"
            "b");  // U+202E: text runs right to left
}

TEST(Printable, EscapesBrokenUtf8) {
  EXPECT_EQ(printable("\xff\xfe"), "\\xff\\xfe");
  EXPECT_EQ(printable("\xe2\x82"), "\\xe2\\x82");           // cut
  EXPECT_EQ(printable("\xc0\x80"), "\\xc0\\x80");           // overlong
  EXPECT_EQ(printable("\xed\xa0\x80"), "\\xed\\xa0\\x80");  // surrogate
  EXPECT_EQ(printable("\xf4\x90\x80\x80"), "\\xf4\\x90\\x80\\x80");
}

TEST(Printable, CutsWholeCharacters) {
  EXPECT_EQ(printable("abcdef", 6), "abcdef");
  EXPECT_EQ(printable("abcdefg", 6), "abcdef...");
  EXPECT_EQ(printable("abcd日", 6), "abcd...");
  EXPECT_EQ(printable("abcd\n", 6), "abcd...");
  EXPECT_EQ(printable(std::string(1 << 20, 'x')), std::string(200, 'x') + "...");
}

TEST(Printable, IsShortAndPrintableForAnyBytes) {
  EXPECT_TRUE(rc::check([](const std::string& bytes) {
    const auto text = printable(bytes, 20);
    RC_ASSERT(text.size() <= 23u);
    RC_ASSERT(printable(text, 1000) == text);
    for (const char c : text) RC_ASSERT(static_cast<unsigned char>(c) >= 0x20);
  }));
}

TEST(Error, ComposesPlaceAndMessage) {
  const Error error(ErrorCode::invalid_file, "is bad", {"model\n.gguf", 24, "general.name"});
  EXPECT_STREQ(error.what(), "model\\x0a.gguf: is bad (general.name) at byte 24");
  EXPECT_EQ(error.code(), ErrorCode::invalid_file);
  EXPECT_EQ(error.place().file, "model\n.gguf");
  EXPECT_EQ(error.place().offset, 24u);
  EXPECT_STREQ(Error(ErrorCode::io, "key x is bad", {"", {}, "x"}).what(), "key x is bad");
}

TEST(Error, IsOneBoundedLineWhateverTheMessage) {
  const std::string what = Error(ErrorCode::io, "a\nb\xff" + std::string(100000, 'x')).what();
  EXPECT_EQ(what.substr(0, 12), "a\\x0ab\\xffxx");
  EXPECT_LT(what.size(), 2100u);
}

TEST(Check, ThrowsInternalWithThePlace) {
  CHECK(1 + 1 == 2);
  try {
    CHECK(1 + 1 == 3);
    ADD_FAILURE() << "nothing was thrown";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::internal);
    EXPECT_THAT(error.what(), HasSubstr("1 + 1 == 3"));
    EXPECT_THAT(error.what(), HasSubstr("error_test.cc:"));
  }
}

}  // namespace
}  // namespace lathe
