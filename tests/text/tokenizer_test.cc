// What both kinds of tokenizer promise: special tokens, BOS and EOS, broken text, broken data, time.
#include "text/tokenizer.h"

#include <gmock/gmock.h>
#include <sys/mman.h>

#include <ctime>

#include "base/error.h"
#include "small_tokenizers.h"

namespace lathe {
namespace {

using test::byte_data;
using test::kEnd;
using test::kFirst;
using test::kStart;
using test::kTool;
using test::spm_data;
using testing::ElementsAre;
using testing::HasSubstr;

using Ids = std::vector<TokenId>;

template <class Action>
void expect_error(ErrorCode code, const std::string& part, const Action& action) {
  try {
    action();
    FAIL() << "no error";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), code) << error.what();
    EXPECT_THAT(error.what(), HasSubstr(part));
  }
}

TEST(ByteBpe, MergesInTheOrderOfTheListAndFromTheLeft) {
  const auto tokenizer = make_tokenizer(byte_data({"b c", "a b", "a a"}));
  EXPECT_THAT(tokenizer->encode("abc"), ElementsAre('a', kFirst));
  EXPECT_THAT(tokenizer->encode("ab"), ElementsAre(kFirst + 1));
  EXPECT_THAT(tokenizer->encode("aaa"), ElementsAre(kFirst + 2, 'a'));
}

TEST(ByteBpe, WordsDoNotMergeAcrossDigitsAndSpaces) {
  const auto tokenizer = make_tokenizer(byte_data({"1 2", "a Ġ", "Ġ b"}));
  EXPECT_THAT(tokenizer->encode("12"), ElementsAre('1', '2'));
  EXPECT_THAT(tokenizer->encode("a b"), ElementsAre('a', kFirst + 2));
}

TEST(ByteBpe, UnknownPreTokenizerIsRefusedByName) {
  for (const std::string name : {"", "default", "smollm3\n"}) {
    TokenizerData data = byte_data();
    data.pre_tokenizer = name;
    expect_error(ErrorCode::unsupported, "'" + printable(name) + "'", [&] { make_tokenizer(data); });
  }
}

TEST(ByteBpe, BrokenMergesAreIgnored) {
  TokenizerData data = byte_data({"a b"});
  data.merges = {"ab", "a  b", "a b c", " ab", "ab ", "", "a q", "zz b", "< end>", "a b", "a b"};
  data.tokens.push_back("");
  data.kinds.push_back(TokenKind::normal);
  const auto tokenizer = make_tokenizer(std::move(data));
  EXPECT_THAT(tokenizer->encode("ab"), ElementsAre(kFirst));
  EXPECT_THAT(tokenizer->encode("aq"), ElementsAre('a', 'q'));
  EXPECT_THAT(tokenizer->warnings(), ElementsAre(testing::HasSubstr("10 of 11 merges are ignored")));
  EXPECT_THAT(make_tokenizer(byte_data({"a b"}))->warnings(), testing::IsEmpty());
}

TEST(ByteBpe, NoMergeMakesAControlToken) {
  const auto tokenizer = make_tokenizer([] {
    TokenizerData data = byte_data({"< e", "n d", "nd >"});
    data.merges.push_back("<e nd>");
    return data;
  }());
  EXPECT_THAT(tokenizer->encode("<end>"), testing::Not(testing::Contains(kEnd)));
}

TEST(ByteBpe, ByteWithoutTokenIsNothing) {
  TokenizerData data = byte_data();
  data.tokens[200] = "never";
  EXPECT_THAT(make_tokenizer(data)->encode("a\xC8\x80"), ElementsAre('a', 0x80));
  data.unknown = kTool;
  EXPECT_THAT(make_tokenizer(data)->encode("a\xC8\x80"), ElementsAre('a', 0x80));
}

TEST(ByteBpe, TokenThatIsNoLettersKeepsItsText) {
  TokenizerData data = byte_data();
  const TokenId odd = test::add_token(data, "\xE4\xB8\xAD\xFF x", TokenKind::normal);
  EXPECT_EQ(make_tokenizer(data)->piece(odd), "\xE4\xB8\xAD\xFF x");
}

TEST(SpmBpe, BestScoreMergesFirst) {
  const auto tokenizer = make_tokenizer(spm_data({"bc", "ab", "a", "b", "c"}));
  EXPECT_THAT(tokenizer->encode("abc"), ElementsAre(kFirst + 2, kFirst));
}

TEST(SpmBpe, UnknownCharactersAreBytes) {
  const auto tokenizer = make_tokenizer(spm_data({"a"}));
  EXPECT_THAT(tokenizer->encode("aé"), ElementsAre(kFirst, 0xC3, 0xA9));
  EXPECT_EQ(tokenizer->decode(tokenizer->encode("aé")), "aé");
}

TEST(SpmBpe, WithoutByteTokensTheUnknownTokenStandsForACharacter) {
  TokenizerData data = spm_data({"a"});
  data.tokens[0xA9] = "<0x-1>";
  data.unknown = kFirst;
  EXPECT_THAT(make_tokenizer(data)->encode("éa"), ElementsAre(kFirst, kFirst));
}

TEST(SpmBpe, SpacesAreEscapedAndPrefixed) {
  TokenizerData data = spm_data({"\u2581a", "\u2581", "a"});
  EXPECT_THAT(make_tokenizer(data)->encode("a a"), ElementsAre(kFirst + 2, kFirst));
  data.add_space_prefix = true;
  const auto tokenizer = make_tokenizer(data);
  EXPECT_THAT(tokenizer->encode("a a"), ElementsAre(kFirst, kFirst));
  EXPECT_THAT(tokenizer->encode("a<tool>a"), ElementsAre(kFirst, kTool, kFirst));
  EXPECT_EQ(tokenizer->decode(tokenizer->encode("a a")), "a a");
  EXPECT_EQ(tokenizer->decode(tokenizer->encode("  a")), "  a");
  EXPECT_TRUE(tokenizer->encode("").empty());
}

TEST(SpmBpe, ByteTokensAreReadStrictly) {
  TokenizerData data = spm_data();
  for (const char* name : {"<0x-1>", "<0xGG>", "<0x100>", "<0x1>", "<0x 1>", "<0x+1>"}) {
    const TokenId id = test::add_token(data, name, TokenKind::byte);
    EXPECT_EQ(make_tokenizer(data)->piece(id), name);
  }
  EXPECT_EQ(make_tokenizer(data)->piece(0x0A), "\n");
  EXPECT_THAT(make_tokenizer(data)->encode("<0x0A>"), testing::SizeIs(6));
}

TEST(SpmBpe, ScoresAreChecked) {
  TokenizerData data = spm_data({"a"});
  data.scores.pop_back();
  expect_error(ErrorCode::invalid_model, "scores", [&] { make_tokenizer(data); });
  data.scores.push_back(std::numeric_limits<float>::quiet_NaN());
  expect_error(ErrorCode::invalid_model, "not a number", [&] { make_tokenizer(data); });
}

class EveryTokenizer : public testing::TestWithParam<TokenizerModel> {
 protected:
  static TokenizerData make_data() {
    return GetParam() == TokenizerModel::byte_bpe ? byte_data() : spm_data();
  }
};

TEST_P(EveryTokenizer, ControlTokensInTextStayText) {
  const auto tokenizer = make_tokenizer(make_data());
  EXPECT_THAT(tokenizer->encode("<end>"), ElementsAre('<', 'e', 'n', 'd', '>'));
  EXPECT_THAT(tokenizer->encode("a<end>b<end>", {true, true}), ElementsAre('a', kEnd, 'b', kEnd));
  EXPECT_EQ(tokenizer->decode(Ids{'a', kEnd, 'b'}), "ab");
  EXPECT_EQ(tokenizer->decode(Ids{'a', kEnd, 'b'}, true), "a<end>b");
}

TEST_P(EveryTokenizer, UserDefinedTokensAreAlwaysRecognizedTheLongestFirst) {
  TokenizerData data = make_data();
  const TokenId longer = test::add_token(data, "<tool>s", TokenKind::user_defined);
  const TokenId inner = test::add_token(data, "<", TokenKind::user_defined);
  const auto tokenizer = make_tokenizer(data);
  EXPECT_THAT(tokenizer->encode("<tool>x<tool>s<to"), ElementsAre(kTool, 'x', longer, inner, 't', 'o'));
}

TEST_P(EveryTokenizer, BosAndEosAreAddedOnceAndOnlyIfAsked) {
  TokenizerData data = make_data();
  data.add_bos = data.add_eos = true;
  const auto tokenizer = make_tokenizer(data);
  EXPECT_THAT(tokenizer->encode("a"), ElementsAre(kStart, 'a', kEnd));
  EXPECT_THAT(tokenizer->encode(""), ElementsAre(kStart, kEnd));
  EXPECT_THAT(tokenizer->encode("a", {false, false}), ElementsAre('a'));
  EXPECT_THAT(tokenizer->encode("<start>a<end>", {true, true}), ElementsAre(kStart, 'a', kEnd));
  EXPECT_THAT(tokenizer->encode("<start>", {true, true}), ElementsAre(kStart, kEnd));
}

TEST_P(EveryTokenizer, BrokenUtf8IsReplaced) {
  const auto tokenizer = make_tokenizer(make_data());
  const std::string replacement = "\xEF\xBF\xBD";
  const std::pair<std::string, int> cases[] = {{"\x80", 1},
                                               {"\xC0\xAF", 2},
                                               {"\xED\xA0\x80", 3},
                                               {"\xF4\x90\x80\x80", 4},
                                               {"\xE4\xB8", 1},
                                               {"\xF0\x9F\x98", 1},
                                               {"\xFF\xFE", 2},
                                               {"\xF8\x88\x80\x80\x80", 5},
                                               {"\xE4\xB8\xE4\xB8", 2}};
  for (const auto& [text, count] : cases) {
    std::string expected = "a";
    for (int i = 0; i < count; ++i) expected += replacement;
    EXPECT_EQ(tokenizer->decode(tokenizer->encode("a" + text + "b")), expected + "b");
    Ids raw;
    for (const char byte : text) raw.push_back(static_cast<unsigned char>(byte));
    EXPECT_EQ("a" + tokenizer->decode(raw), expected);
  }
}

TEST_P(EveryTokenizer, NulIsACharacterLikeOthers) {
  const auto tokenizer = make_tokenizer(make_data());
  const std::string text("a\0b\0", 4);
  EXPECT_THAT(tokenizer->encode(text), ElementsAre('a', 0, 'b', 0));
  EXPECT_EQ(tokenizer->decode(tokenizer->encode(text)), text);
}

TEST_P(EveryTokenizer, DataThatContradictsItselfIsRefused) {
  const auto refused = [](const std::string& part, auto&& change) {
    TokenizerData data = make_data();
    change(data);
    expect_error(ErrorCode::invalid_model, part, [&] { make_tokenizer(data); });
  };
  refused("empty", [](TokenizerData& data) { data.tokens.clear(); });
  refused("types", [](TokenizerData& data) { data.kinds.pop_back(); });
  refused("BOS", [](TokenizerData& data) { data.bos = -1; });
  refused("EOS", [](TokenizerData& data) { data.eos = 259; });
  refused("unknown", [](TokenizerData& data) { data.unknown = 1 << 30; });
  refused("padding", [](TokenizerData& data) { data.padding = -5; });
  refused("end", [](TokenizerData& data) { data.end_ids = {0, 259}; });
  refused("BOS", [](TokenizerData& data) { data.bos.reset(), data.add_bos = true; });
  refused("EOS", [](TokenizerData& data) { data.eos.reset(), data.add_eos = true; });
}

TEST_P(EveryTokenizer, OddTokensHaveADefinedMeaning) {
  TokenizerData data = make_data();
  const TokenId first = test::add_token(data, "zz", TokenKind::user_defined);
  const TokenId again = test::add_token(data, "zz", TokenKind::user_defined);
  const TokenId empty = test::add_token(data, "", TokenKind::user_defined);
  const TokenId plain = test::add_token(data, "", TokenKind::normal);
  const TokenId broken = test::add_token(data, "\xFF\x80", TokenKind::user_defined);
  const TokenId huge = test::add_token(data, std::string(1 << 20, 'h'), TokenKind::normal);
  const auto tokenizer = make_tokenizer(data);
  EXPECT_THAT(tokenizer->encode("zz"), ElementsAre(first));
  EXPECT_EQ(tokenizer->decode(Ids{again, empty, plain, broken}), "zz\uFFFD\uFFFD");
  EXPECT_EQ(tokenizer->piece(huge).size(), 1u << 20);
  EXPECT_EQ(tokenizer->encode("hh").size(), 2u);
  expect_error(ErrorCode::invalid_argument, "token 9999", [&] { tokenizer->piece(9999); });
  expect_error(ErrorCode::invalid_argument, "token -1", [&] { tokenizer->decode(Ids{-1}); });
}

TEST_P(EveryTokenizer, TooLongATextIsRefusedBeforeWork) {
  constexpr std::size_t kBytes = std::size_t{1} << 31;
  void* pages = mmap(nullptr, kBytes, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  ASSERT_NE(pages, MAP_FAILED);
  const auto tokenizer = make_tokenizer(make_data());
  const std::clock_t start = std::clock();
  expect_error(ErrorCode::invalid_argument, "2147483648",
               [&] { tokenizer->encode(std::string_view(static_cast<const char*>(pages), kBytes)); });
  EXPECT_LT(std::clock() - start, CLOCKS_PER_SEC / 10);
  munmap(pages, kBytes);
}

INSTANTIATE_TEST_SUITE_P(Models, EveryTokenizer,
                         testing::Values(TokenizerModel::byte_bpe, TokenizerModel::spm_bpe),
                         [](const auto& suite) {
                           return suite.param == TokenizerModel::byte_bpe ? "byte_bpe" : "spm_bpe";
                         });

}  // namespace
}  // namespace lathe
