// Tokenizers of many families against the ids that their originals give, and the time that hostile texts
// take.
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <sstream>

#include "base/json.h"
#include "test_data.h"
#include "text/normalizer.h"

namespace lathe {
namespace {

class Vocabularies : public testing::TestWithParam<std::string> {};

TEST_P(Vocabularies, IdsAreTheStoredOnes) {
  const auto samples = test::samples_of(GetParam());
  EXPECT_GE(samples.size(), 45u);
  for (const auto& [text, ids] : samples)
    EXPECT_EQ(test::vocabulary(GetParam()).encode(text, {.add_special = false}), ids) << text;
}

TEST_P(Vocabularies, TextComesBack) {
  if (GetParam() == "bert-bge") return;  // see WordPieceVocabulary
  for (const auto& [text, ids] : test::samples_of(GetParam()))
    EXPECT_EQ(test::vocabulary(GetParam()).decode(ids), text);
}

TEST_P(Vocabularies, AMebibyteOfRunsTakesUnderASecond) {
  std::string text;
  for (const std::string unit : {"A", " ", "\n", ".", "\u4E2D", "\u0301", "7", "aB \n"}) {
    const std::size_t end = text.size() + (1u << 17);
    while (text.size() < end) text += unit;
  }
  const double start = test::cpu_seconds();
  const auto ids = test::vocabulary(GetParam()).encode(text, {.add_special = false});
  EXPECT_LT(test::cpu_seconds() - start, 1.0);
  if (GetParam() != "bert-bge") {
    EXPECT_EQ(test::vocabulary(GetParam()).decode(ids), text);
  }
}

TEST_P(Vocabularies, AWordOfHalfAMebibyteTakesUnderASecond) {
  std::string word;
  for (unsigned state = 1; word.size() < (1u << 19); state = state * 1664525u + 1013904223u)
    word += static_cast<char>('a' + (state >> 24) % 26);
  const Tokenizer& tokenizer = test::vocabulary(GetParam());
  const double start = test::cpu_seconds();
  const auto ids = tokenizer.encode(word, {.add_special = false});
  EXPECT_LT(test::cpu_seconds() - start, 1.0);
  if (tokenizer.data().model == TokenizerModel::word_piece) {
    EXPECT_EQ(ids, std::vector<TokenId>{*tokenizer.data().unknown});
  } else {
    EXPECT_EQ(tokenizer.decode(ids), word);
  }
}

std::string without_spaces(std::string text) {
  std::erase(text, ' ');
  return text;
}

TEST(WordPieceVocabulary, DropsCaseAndAccentsAndSpaces) {
  const Tokenizer& tokenizer = test::vocabulary("bert-bge");
  const Normalizer normalizer({normalize::Bert{}});
  int compared = 0;
  for (const auto& [text, ids] : test::samples_of("bert-bge")) {
    // A word that is unknown leaves nothing behind.
    if (std::find(ids.begin(), ids.end(), *tokenizer.data().unknown) != ids.end()) continue;
    EXPECT_EQ(without_spaces(tokenizer.decode(ids)), without_spaces(normalizer.apply(text))) << text;
    ++compared;
  }
  EXPECT_GE(compared, 40);
  EXPECT_EQ(tokenizer.decode(tokenizer.encode("  Ça  va, Zoë?", {.add_special = false})), "ca va, zoe?");
}

TEST(WordPieceVocabulary, TextsStandBetweenClsAndSep) {
  const Tokenizer& tokenizer = test::vocabulary("bert-bge");
  EXPECT_EQ(tokenizer.encode("Hello"), (std::vector<TokenId>{101, 7592, 102}));
  EXPECT_EQ(tokenizer.encode("[SEP] [CLS]", {.add_special = false, .parse_special = true}),
            (std::vector<TokenId>{102, 101}));
}

TEST(UnigramVocabulary, IdsOfXlmRoberta) {
  const Tokenizer& tokenizer = test::vocabulary("nomic-bert-moe");
  const std::pair<std::string, std::vector<TokenId>> cases[] = {
      {"Hello world!", {0, 35378, 8999, 38, 2}},
      {"  Hello   w\u00F6rld  \uFB01n\u2026", {0, 35378, 148, 7118, 7344, 2270, 27, 2}},
      {"\u4F60\u597D\uFF0C\u4E16\u754C", {0, 6, 124084, 4, 3221, 2}},
      {" ", {0, 2}}};
  for (const auto& [text, ids] : cases) EXPECT_EQ(tokenizer.encode(text), ids) << text;
  EXPECT_EQ(tokenizer.decode(cases[1].second), "Hello w\u00F6rld fin...");
}

std::string from_hexadecimal(const std::string& digits) {
  std::string bytes;
  for (std::size_t i = 0; i + 1 < digits.size(); i += 2)
    bytes += static_cast<char>(std::stoi(digits.substr(i, 2), nullptr, 16));
  return bytes;
}

// data/random_ids.json: written by bench/compare_tokenizers.py, which compares more of them.
TEST(RandomTexts, IdsAreLlamaCpps) {
  const std::string path = LATHE_SOURCE_DIR "/tests/vocabularies/data/random_ids.json";
  std::ostringstream bytes;
  bytes << std::ifstream(path).rdbuf();
  const Json expected = parse_json(bytes.str(), path);
  EXPECT_GE(expected.at("texts").size(), 200u);
  EXPECT_EQ(expected.at("ids").size(), 3u);
  for (const auto& [name, rows] : expected.at("ids").items()) {
    ASSERT_EQ(rows.size(), expected.at("texts").size());
    for (std::size_t i = 0; i < rows.size(); ++i) {
      const auto digits = expected.at("texts")[i].get<std::string>();
      EXPECT_EQ(test::vocabulary(name).encode(from_hexadecimal(digits), {.add_special = false}),
                rows[i].get<std::vector<TokenId>>())
          << name << ": " << digits;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(All, Vocabularies, testing::ValuesIn(test::vocabularies_with_texts()),
                         [](const auto& suite) {
                           std::string name = suite.param;
                           for (char& c : name)
                             if (c == '-') c = '_';
                           return name;
                         });

}  // namespace
}  // namespace lathe
