// Texts and the numbers that stand for them while a run lasts.
#include "backend/text_table.h"

#include <gtest/gtest.h>

#include "base/error.h"

namespace lathe {
namespace {

TEST(TextTable, GivesEqualTextsEqualNumbers) {
  TextTable table;
  const auto number = [&table](std::string_view text) { return table.number_of(text, "test"); };
  EXPECT_EQ(number(""), 0u);
  const auto a = number("a");
  const auto with_nul = number(std::string_view("a\0b", 3));
  EXPECT_NE(a, 0u);
  EXPECT_NE(with_nul, a);
  EXPECT_EQ(number(std::string("a")), a);
  EXPECT_EQ(table.text(a), "a");
  EXPECT_EQ(table.text(with_nul), std::string_view("a\0b", 3));
  EXPECT_EQ(table.text(0), "");
}

TEST(TextTable, TextsStayWhileOthersCome) {
  TextTable table;
  std::vector<std::string_view> views;
  for (int i = 0; i < 20'000; ++i) views.push_back(table.text(table.number_of(std::to_string(i), "test")));
  for (int i = 0; i < 20'000; ++i) EXPECT_EQ(views[static_cast<std::size_t>(i)], std::to_string(i));
}

TEST(TextTable, ForgetsWhatHasComeSinceKeep) {
  TextTable table;
  const auto input = table.number_of("input", "test");
  table.keep();
  const std::uint64_t kept_bytes = table.bytes();
  const auto made = table.number_of("made in a run", "test");
  EXPECT_GT(table.bytes(), kept_bytes + 12);
  table.forget();
  EXPECT_EQ(table.bytes(), kept_bytes);
  EXPECT_EQ(table.text(input), "input");
  EXPECT_THROW(table.text(made), Error);
  EXPECT_EQ(table.number_of("input", "test"), input);
  EXPECT_EQ(table.text(table.number_of("another", "test")), "another");
  table.clear();
  EXPECT_EQ(table.bytes(), 0u);
  EXPECT_THROW(table.text(input), Error);
  EXPECT_EQ(table.text(0), "");
}

}  // namespace
}  // namespace lathe
