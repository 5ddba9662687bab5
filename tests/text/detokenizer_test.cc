// The stream is the whole text in pieces, whatever the cuts.
#include "text/detokenizer.h"

#include <gmock/gmock.h>
#include <rapidcheck/gtest.h>

#include "base/error.h"
#include "small_tokenizers.h"
#include "text/utf8.h"

namespace lathe {
namespace {

using test::byte_data;
using test::kEnd;
using test::kFirst;
using test::spm_data;
using testing::ElementsAre;

using Ids = std::vector<TokenId>;
using Parts = std::vector<std::string>;

Ids bytes_of(const std::string& text) {
  Ids ids;
  for (const char byte : text) ids.push_back(static_cast<unsigned char>(byte));
  return ids;
}

/// What push gives for each id, then what finish gives.
Parts stream(const Tokenizer& tokenizer, const Ids& ids, DetokenizerOptions options = {}) {
  Detokenizer detokenizer(tokenizer, std::move(options));
  Parts parts;
  for (const TokenId id : ids) parts.push_back(detokenizer.push(id));
  parts.push_back(detokenizer.finish());
  return parts;
}

std::string join(const Parts& parts) {
  std::string out;
  for (const std::string& part : parts) out += part;
  return out;
}

TEST(Detokenizer, NeverHalfACharacter) {
  const auto tokenizer = make_tokenizer(byte_data());
  EXPECT_THAT(stream(*tokenizer, bytes_of("a😀b")), ElementsAre("a", "", "", "", "😀", "b", ""));
}

TEST(Detokenizer, BrokenBytesAreFlushedSoon) {
  const auto tokenizer = make_tokenizer(spm_data());
  EXPECT_THAT(stream(*tokenizer, bytes_of("\xF0\x9F\x98")), ElementsAre("", "", "", "\uFFFD"));
  EXPECT_THAT(stream(*tokenizer, bytes_of("\x80\x80")), ElementsAre("\uFFFD", "\uFFFD", ""));
  Detokenizer detokenizer(*tokenizer);
  std::size_t sent = 0;
  for (std::size_t i = 0; i < 1000; ++i) {
    sent += detokenizer.push(static_cast<TokenId>(i % 2 ? 0x9F : 0xF0)).size() / 3;
    EXPECT_GE(sent * 2 + 3, i);
  }
}

TEST(Detokenizer, FirstSpaceIsTheTokenizersUnlessTextContinues) {
  TokenizerData data = spm_data({"\u2581a", "\u2581", "a"});
  data.add_space_prefix = true;
  const auto tokenizer = make_tokenizer(data);
  const Ids ids = {kFirst, kFirst};
  EXPECT_THAT(stream(*tokenizer, ids), ElementsAre("a", " a", ""));
  EXPECT_THAT(stream(*tokenizer, ids, {.stops = {}, .special = false, .continues = true}),
              ElementsAre(" a", " a", ""));
  EXPECT_EQ(join(stream(*tokenizer, {kFirst + 1, kFirst})), tokenizer->decode(Ids{kFirst + 1, kFirst}));
}

TEST(Detokenizer, ControlTokensOnlyIfAsked) {
  const auto tokenizer = make_tokenizer(byte_data());
  EXPECT_EQ(join(stream(*tokenizer, {'a', kEnd})), "a");
  EXPECT_EQ(join(stream(*tokenizer, {'a', kEnd}, {.stops = {}, .special = true, .continues = false})),
            "a<end>");
}

TEST(Detokenizer, StopOverSeveralTokensIsNotSent) {
  const auto tokenizer = make_tokenizer(byte_data({"x y"}));
  const TokenId xy = kFirst;
  EXPECT_THAT(stream(*tokenizer, {'a', xy, 'z', 'b'}, {.stops = {"yz"}}), ElementsAre("a", "x", "", "", ""));
  EXPECT_THAT(stream(*tokenizer, {'a', xy, 'w', 'b'}, {.stops = {"yz"}}),
              ElementsAre("a", "x", "yw", "b", ""));
  EXPECT_THAT(stream(*tokenizer, {'a', xy}, {.stops = {"yz"}}), ElementsAre("a", "x", "y"));
  EXPECT_THAT(stream(*tokenizer, {xy, 'a'}, {.stops = {"xy"}}), ElementsAre("", "", ""));
}

/// What take_ids gives after each push, then after finish.
std::vector<Ids> id_stream(const Tokenizer& tokenizer, const Ids& ids, DetokenizerOptions options = {}) {
  Detokenizer detokenizer(tokenizer, std::move(options));
  std::vector<Ids> parts;
  for (const TokenId id : ids) {
    detokenizer.push(id);
    parts.push_back(detokenizer.take_ids());
  }
  detokenizer.finish();
  parts.push_back(detokenizer.take_ids());
  return parts;
}

TEST(Detokenizer, IdsComeWithTheirText) {
  const auto tokenizer = make_tokenizer(byte_data({"x y"}));
  const TokenId xy = kFirst;
  EXPECT_THAT(id_stream(*tokenizer, bytes_of("aé\xF0")),
              ElementsAre(Ids{'a'}, Ids{}, Ids{0xC3, 0xA9}, Ids{}, Ids{0xF0}));
  EXPECT_THAT(id_stream(*tokenizer, bytes_of("\xF0\x9F!")),
              ElementsAre(Ids{}, Ids{}, Ids{0xF0, 0x9F, '!'}, Ids{}));
  const DetokenizerOptions yz{.stops = {"yz"}};
  EXPECT_THAT(id_stream(*tokenizer, {'a', xy, 'z', 'b'}, yz),
              ElementsAre(Ids{'a'}, Ids{xy}, Ids{}, Ids{}, Ids{}));
  EXPECT_THAT(id_stream(*tokenizer, {'a', 'y', 'w'}, yz), ElementsAre(Ids{'a'}, Ids{}, Ids{'y', 'w'}, Ids{}));
  EXPECT_THAT(id_stream(*tokenizer, {'a', 'y'}, yz), ElementsAre(Ids{'a'}, Ids{}, Ids{'y'}));
  EXPECT_THAT(id_stream(*tokenizer, {xy, 'a'}, {.stops = {"xy"}}), ElementsAre(Ids{}, Ids{}, Ids{}));
}

TEST(Detokenizer, AnIdWithoutTextFollowsTheOneBefore) {
  const auto tokenizer = make_tokenizer(byte_data());
  EXPECT_THAT(id_stream(*tokenizer, {kEnd, 'a', kEnd}), ElementsAre(Ids{kEnd}, Ids{'a'}, Ids{kEnd}, Ids{}));
  EXPECT_THAT(id_stream(*tokenizer, {'y', kEnd, 'z'}, {.stops = {"z"}}),
              ElementsAre(Ids{'y'}, Ids{kEnd}, Ids{}, Ids{}));
  EXPECT_THAT(id_stream(*tokenizer, {'y', kEnd, 'z'}, {.stops = {"yz"}}),
              ElementsAre(Ids{}, Ids{}, Ids{}, Ids{}));
  EXPECT_THAT(id_stream(*tokenizer, {'y', kEnd, 'y'}, {.stops = {"yz"}}),
              ElementsAre(Ids{}, Ids{}, Ids{'y', kEnd}, Ids{'y'}));
}

TEST(Detokenizer, OfOverlappingStopsTheOneCompleteFirstWins) {
  const auto tokenizer = make_tokenizer(byte_data());
  EXPECT_EQ(join(stream(*tokenizer, bytes_of("uabcv"), {.stops = {"abc", "b"}})), "ua");
  EXPECT_EQ(join(stream(*tokenizer, bytes_of("uabcv"), {.stops = {"bc", "abc"}})), "u");
  EXPECT_EQ(join(stream(*tokenizer, bytes_of("aaab"), {.stops = {"aab"}})), "a");
  EXPECT_EQ(join(stream(*tokenizer, bytes_of("ababac!"), {.stops = {"abac"}})), "ab");
}

TEST(Detokenizer, StopsAreBounded) {
  const auto tokenizer = make_tokenizer(byte_data());
  for (const Parts& stops : {Parts(17, "a"), Parts{""}, Parts{std::string(257, 'a')}})
    EXPECT_THROW(Detokenizer(*tokenizer, {.stops = stops}), Error);
  EXPECT_NO_THROW(Detokenizer(*tokenizer, {.stops = Parts(16, std::string(256, 'a'))}));
  const std::string nul("\0b", 2);
  EXPECT_EQ(join(stream(*tokenizer, bytes_of("a" + nul + "c"), {.stops = {nul}})), "a");
}

RC_GTEST_PROP(Detokenizer, StreamIsTheWholeText, (const std::vector<unsigned char>& bytes)) {
  const auto tokenizer = make_tokenizer(spm_data());
  const Ids ids(bytes.begin(), bytes.end());
  RC_ASSERT(join(stream(*tokenizer, ids)) == tokenizer->decode(ids));
  Ids sent;
  for (const Ids& part : id_stream(*tokenizer, ids)) sent.insert(sent.end(), part.begin(), part.end());
  RC_ASSERT(sent == ids);
}

// Letters few, so that stops and their overlaps are met often; tokens of 1 to 4 letters cut them everywhere.
RC_GTEST_PROP(Detokenizer, StopsDoNotDependOnTheCuts, ()) {
  const auto letter = rc::gen::element('a', 'b', 'c');
  const auto text = *rc::gen::container<std::string>(letter);
  const auto stop = rc::gen::resize(4, rc::gen::nonEmpty(rc::gen::container<std::string>(letter)));
  const auto stops = *rc::gen::resize(3, rc::gen::container<Parts>(stop));
  TokenizerData data = byte_data();
  Ids cut;
  for (std::size_t at = 0; at < text.size();) {
    const auto length = *rc::gen::inRange<std::size_t>(1, 5);
    cut.push_back(test::add_token(data, text.substr(at, length), TokenKind::normal));
    at += length;
  }
  const auto tokenizer = make_tokenizer(data);
  const std::string whole = join(stream(*tokenizer, bytes_of(text), {.stops = stops}));
  RC_ASSERT(join(stream(*tokenizer, cut, {.stops = stops})) == whole);
  for (const std::string& part : stops) RC_ASSERT(whole.find(part) == std::string::npos);
  // Of the ids exactly those that begin inside what was sent.
  Ids sent;
  for (const Ids& part : id_stream(*tokenizer, cut, {.stops = stops}))
    sent.insert(sent.end(), part.begin(), part.end());
  std::size_t begin = 0;
  Ids expected;
  for (const TokenId id : cut) {
    if (begin < whole.size()) expected.push_back(id);
    begin += tokenizer->piece(id).size();
  }
  RC_ASSERT(sent == expected);
}

RC_GTEST_PROP(Detokenizer, EveryPartIsWholeCharacters, (const std::vector<unsigned char>& bytes)) {
  const auto tokenizer = make_tokenizer(byte_data());
  for (const std::string& part : stream(*tokenizer, Ids(bytes.begin(), bytes.end())))
    RC_ASSERT(is_utf8(part));
}

}  // namespace
}  // namespace lathe
