#include "text/pre_tokenizer.h"

#include <gmock/gmock.h>

#include <string>

namespace lathe {
namespace {

using testing::ElementsAre;

std::vector<std::string> words(PreTokenizer function, const std::string& text) {
  std::vector<std::size_t> ends;
  function(text, ends);
  std::vector<std::string> out;
  std::size_t begin = 0;
  for (const std::size_t end : ends) {
    out.push_back(text.substr(begin, end - begin));
    begin = end;
  }
  EXPECT_EQ(begin, text.size());
  return out;
}

TEST(PreTokenizer, Gpt2Words) {
  const auto gpt2 = [](const std::string& text) { return words(pre_tokenize_gpt2, text); };
  EXPECT_THAT(gpt2("Hello world!"), ElementsAre("Hello", " world", "!"));
  EXPECT_THAT(gpt2("a   b"), ElementsAre("a", "  ", " b"));
  EXPECT_THAT(gpt2("a   "), ElementsAre("a", "   "));
  EXPECT_THAT(gpt2("a\n\nb\nc"), ElementsAre("a", "\n", "\n", "b", "\n", "c"));
  EXPECT_THAT(gpt2("x 123 4"), ElementsAre("x", " 123", " 4"));
  EXPECT_THAT(gpt2("I'll we're 'twas 's"), ElementsAre("I", "'ll", " we", "'re", " '", "twas", " '", "s"));
  EXPECT_THAT(gpt2("ça é\u0301"), ElementsAre("ça", " é", "\u0301"));
  EXPECT_THAT(gpt2("a\u00A0\u3000b"), ElementsAre("a", "\u00A0", "\u3000", "b"));
  EXPECT_TRUE(gpt2("").empty());
}

TEST(PreTokenizer, DigitsAlone) {
  const auto digits = [](const std::string& text) { return words(pre_tokenize_gpt2_digits, text); };
  EXPECT_THAT(digits("x 123 4"), ElementsAre("x", " ", "1", "2", "3", " ", "4"));
  EXPECT_THAT(digits("a  1  b"), ElementsAre("a", "  ", "1", " ", " b"));
  EXPECT_THAT(digits("٣½Ⅷ²"), ElementsAre("٣", "½", "Ⅷ", "²"));
  EXPECT_THAT(digits("7"), ElementsAre("7"));
  EXPECT_TRUE(digits("").empty());
}

TEST(PreTokenizer, KnownByName) {
  EXPECT_EQ(find_pre_tokenizer("smollm"), pre_tokenize_gpt2_digits);
  EXPECT_EQ(find_pre_tokenizer("gpt-2"), pre_tokenize_gpt2);
  EXPECT_EQ(find_pre_tokenizer("llama-bpe"), nullptr);
}

}  // namespace
}  // namespace lathe
