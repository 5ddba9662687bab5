// WordPiece with Bert's normalizer and pre-tokenizer, by a pipeline made here.
#include "text/word_piece.h"

#include <gmock/gmock.h>

#include "base/error.h"
#include "text/detokenizer.h"

namespace lathe {
namespace {

using testing::ElementsAre;

constexpr TokenId kUnknown = 0, kClass = 1, kSeparator = 2, kPlay = 3, kIng = 4, kEr = 5, kDot = 6,
                  kChinese = 7, kLonger = 8;

TokenizerData bert_data() {
  TokenizerData data;
  data.model = TokenizerModel::word_piece;
  data.tokens = {"[UNK]", "[CLS]", "[SEP]", "play", "##ing", "##er", ".", "\u4E2D", "##ingen"};
  data.kinds.assign(data.tokens.size(), TokenKind::normal);
  for (const TokenId id : {kUnknown, kClass, kSeparator}) {
    data.kinds[static_cast<std::size_t>(id)] = TokenKind::control;
    data.pipeline.added.push_back({.id = id});
  }
  data.pipeline.unknown = kUnknown;
  data.pipeline.normalizers = {normalize::Bert{}};
  data.pipeline.splits = {split::Bert{}};
  data.pipeline.decoders = {decode::WordPiece{}};
  data.pipeline.continuing_prefix = "##";
  data.pipeline.before = {kClass};
  data.pipeline.after = {kSeparator};
  return data;
}

std::vector<TokenId> encode(const std::string& text, bool parse_special = false) {
  return make_tokenizer(bert_data())->encode(text, {false, parse_special});
}

TEST(WordPiece, TakesTheLongestTokenThatGoesOn) {
  EXPECT_THAT(encode("playing player"), ElementsAre(kPlay, kIng, kPlay, kEr));
  EXPECT_THAT(encode("playingen"), ElementsAre(kPlay, kLonger));
  EXPECT_THAT(encode("playinge"), ElementsAre(kUnknown));
}

TEST(WordPiece, WordsAreLowercasedStrippedAndCutAtPunctuationAndChinese) {
  EXPECT_THAT(encode("PL\u00C1YING."), ElementsAre(kPlay, kIng, kDot));
  EXPECT_THAT(encode("play\u4E2Dplay\t\u0085.\u0000"), ElementsAre(kPlay, kChinese, kPlay, kDot));
  EXPECT_TRUE(encode(" \n").empty());
}

TEST(WordPiece, LongWordsAreUnknown) {
  TokenizerData data = bert_data();
  data.pipeline.longest_word = 7;
  const auto tokenizer = make_tokenizer(data);
  EXPECT_THAT(tokenizer->encode("playing"), ElementsAre(kClass, kPlay, kIng, kSeparator));
  EXPECT_THAT(tokenizer->encode("playinge playerer", {false, false}), ElementsAre(kUnknown, kUnknown));
}

TEST(WordPiece, ControlTokensAreFoundOnlyWhereTheTextIsVouchedFor) {
  EXPECT_THAT(encode("play[SEP]play", true), ElementsAre(kPlay, kSeparator, kPlay));
  EXPECT_THAT(encode("play[SEP]"), ElementsAre(kPlay, kUnknown, kUnknown, kUnknown));
}

TEST(WordPiece, DecodesWithSpacesBetweenWords) {
  const auto tokenizer = make_tokenizer(bert_data());
  const std::vector<TokenId> ids = {kClass, kPlay, kIng, kPlay, kEr, kDot, kSeparator};
  EXPECT_EQ(tokenizer->decode(ids), "playing player.");
  EXPECT_EQ(tokenizer->decode(ids, true), "[CLS] playing player. [SEP]");
  Detokenizer detokenizer(*tokenizer);
  std::string text;
  for (const TokenId id : ids) text += detokenizer.push(id);
  EXPECT_EQ(text + detokenizer.finish(), "playing player.");
}

TEST(WordPiece, NeedsAnUnknownToken) {
  TokenizerData data = bert_data();
  data.pipeline.unknown.reset();
  EXPECT_THROW(make_tokenizer(data), Error);
}

}  // namespace
}  // namespace lathe
