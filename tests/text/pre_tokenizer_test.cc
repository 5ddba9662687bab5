#include "text/pre_tokenizer.h"

#include <gmock/gmock.h>

#include <ctime>
#include <string>

namespace lathe {
namespace {

using testing::ElementsAre;

std::vector<std::string> words(std::string_view name, const std::string& text) {
  std::vector<std::size_t> ends;
  find_pre_tokenizer(name)->split(text, ends);
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
  const auto gpt2 = [](const std::string& text) { return words("gpt-2", text); };
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
  const auto digits = [](const std::string& text) { return words("smollm", text); };
  EXPECT_THAT(digits("x 123 4"), ElementsAre("x", " ", "1", "2", "3", " ", "4"));
  EXPECT_THAT(digits("a  1  b"), ElementsAre("a", "  ", "1", " ", " b"));
  EXPECT_THAT(digits("٣½Ⅷ²"), ElementsAre("٣", "½", "Ⅷ", "²"));
  EXPECT_THAT(digits("7"), ElementsAre("7"));
  EXPECT_TRUE(digits("").empty());
}

TEST(PreTokenizer, Llama3Words) {
  const auto llama = [](const std::string& text) { return words("llama-bpe", text); };
  EXPECT_THAT(llama("Hello, World's end!\n\n x"),
              ElementsAre("Hello", ",", " World", "'s", " end", "!\n\n", " x"));
  EXPECT_THAT(llama("I'LL 'Re"), ElementsAre("I", "'LL", " '", "Re"));
  EXPECT_THAT(llama("12345 6"), ElementsAre("123", "45", " ", "6"));
  EXPECT_THAT(llama("a  \n \n  b"), ElementsAre("a", "  \n \n", " ", " b"));
  EXPECT_THAT(llama("(a _b"), ElementsAre("(a", " _", "b"));
  EXPECT_THAT(llama("e\u0301a"), ElementsAre("e", "\u0301a"));
}

TEST(PreTokenizer, Qwen35TakesMarksForLetters) {
  EXPECT_THAT(words("qwen35", "e\u0301a 12"), ElementsAre("e\u0301a", " ", "1", "2"));
  EXPECT_THAT(words("qwen2", "e\u0301a 12"), ElementsAre("e", "\u0301a", " ", "1", "2"));
}

TEST(PreTokenizer, Gpt4oCutsBeforeCapitals) {
  const auto gpt = [](const std::string& text) { return words("gpt-4o", text); };
  EXPECT_THAT(gpt("CamelCase HTTPServer"), ElementsAre("Camel", "Case", " HTTPServer"));
  EXPECT_THAT(gpt("we'Re x/\n/ y"), ElementsAre("we'Re", " x", "/\n/", " y"));
  EXPECT_THAT(gpt("\u4E2DAB \u041F\u0440\u041C"), ElementsAre("\u4E2D", "AB", " \u041F\u0440", "\u041C"));
  EXPECT_THAT(gpt("1234"), ElementsAre("123", "4"));
  EXPECT_THAT(words("tekken", "we're 12"), ElementsAre("we", "'re", " ", "1", "2"));
}

TEST(PreTokenizer, FalconSetsPunctuationApart) {
  EXPECT_THAT(words("falcon", "it's 12345 a=b ..."),
              ElementsAre("it", "'", "s", " ", "123", "45", " a", "=", "b", " ", "..."));
}

TEST(PreTokenizer, DeepSeekCutsStepByStep) {
  EXPECT_THAT(words("deepseek-llm", "Hi, \u4E16\u754C 12\n\n"),
              ElementsAre("Hi", ",", " ", "\u4E16\u754C", " ", "12", "\n", "\n"));
  EXPECT_THAT(words("deepseek-coder", "a+ b 12"), ElementsAre("a", "+", " b", " ", "1", "2"));
  EXPECT_THAT(words("deepseek-v3", ".get 1234 \u4E16a\u3042"),
              ElementsAre(".get", " ", "123", "4", " ", "\u4E16", "a", "\u3042"));
}

TEST(PreTokenizer, BloomCutsAtListedMarks) {
  EXPECT_THAT(words("bloom", "Hi there, (you) 12"), ElementsAre("Hi", " there", ", (", "you", ")", " 12"));
  EXPECT_THAT(words("viking", " 12"), ElementsAre(" ", "1", "2"));
}

TEST(PreTokenizer, CharactersOfUnicode16AreUnassigned) {
  // U+10D50 and U+1C89 are capitals there; U+10C80 is an old one.
  EXPECT_THAT(words("gpt-2", "a\U00010D50\u1C89b"), ElementsAre("a", "\U00010D50\u1C89", "b"));
  EXPECT_THAT(words("gpt-2", "a\U00010C80b"), ElementsAre("a\U00010C80b"));
}

TEST(PreTokenizer, AQuarterOfAMebibyteTakesUnderAQuarterOfASecond) {
  for (const char* name : {"gpt-2", "smollm", "falcon", "llama-bpe", "qwen2", "qwen35", "gpt-4o",
                           "deepseek-llm", "deepseek-coder", "deepseek-v3", "viking", "laguna"}) {
    for (const std::string unit :
         {"A", " ", "\n", ".", "'", "7", "\u4E2D", "\u0301", "\u4E2DA", " \n", "\u3000"}) {
      std::string text;
      while (text.size() < (1u << 18)) text += unit;
      const std::clock_t start = std::clock();
      std::vector<std::size_t> ends;
      find_pre_tokenizer(name)->split(text + "x", ends);
      EXPECT_LT(std::clock() - start, CLOCKS_PER_SEC / 4) << name << " " << unit;
      EXPECT_EQ(ends.back(), text.size() + 1);
    }
  }
}

TEST(PreTokenizer, KnownByName) {
  EXPECT_EQ(find_pre_tokenizer("starcoder")->steps, find_pre_tokenizer("smollm")->steps);
  EXPECT_EQ(find_pre_tokenizer("default"), nullptr);
  EXPECT_EQ(find_pre_tokenizer("smollm "), nullptr);
  EXPECT_TRUE(find_pre_tokenizer("llama-bpe")->whole_words);
}

}  // namespace
}  // namespace lathe
