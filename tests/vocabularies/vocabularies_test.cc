// Tokenizers of many families against the ids that their originals give, and the time that hostile texts
// take.
#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

#include "base/json.h"
#include "test_data.h"

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
  if (GetParam() == "bert-bge") return;  // see WordPieceDropsCaseAndAccents
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
  const double start = test::cpu_seconds();
  const auto ids = test::vocabulary(GetParam()).encode(word, {.add_special = false});
  EXPECT_LT(test::cpu_seconds() - start, 1.0);
  EXPECT_EQ(test::vocabulary(GetParam()).decode(ids), word);
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
