// The tokenizer in the metadata: what is read, what is assumed where keys are missing, and what is refused.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "refusal.h"
#include "support/gguf_builder.h"
#include "support/tiny_model.h"
#include "text/tokenizer.h"

namespace lathe {
namespace {

using test::GgufBuilder;
using test::GgufType;
using test::number_bytes;
using testing::ElementsAre;
using testing::IsEmpty;

TokenizerData read_tokenizer(const GgufBuilder& builder) {
  return gguf_tokenizer(*test::expect_read(builder.bytes()));
}

void expect_refused(const GgufBuilder& builder, std::string_view field,
                    ErrorCode code = ErrorCode::invalid_model) {
  const auto file = test::expect_read(builder.bytes());
  try {
    gguf_tokenizer(*file);
    ADD_FAILURE() << field << " was accepted";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), code) << error.what();
    EXPECT_EQ(error.place().field, field) << error.what();
    EXPECT_EQ(error.place().file, file->file);
  }
}

// A SentencePiece vocabulary of 8 tokens, all keys that are required.
GgufBuilder spm() {
  GgufBuilder builder;
  builder.text("tokenizer.ggml.model", "llama")
      .texts("tokenizer.ggml.tokens", {"<unk>", "<s>", "</s>", "<0x0A>", "a", "b", "ab", "<end_of_turn>"})
      .f32s("tokenizer.ggml.scores", {0, 0, 0, 0, -2, -3, -1, 0})
      .i32s("tokenizer.ggml.token_type", {2, 3, 3, 6, 1, 0, 4, 3});
  return builder;
}

GgufBuilder bpe(const std::vector<std::string>& tokens) {
  GgufBuilder builder;
  builder.text("tokenizer.ggml.model", "gpt2")
      .texts("tokenizer.ggml.tokens", tokens)
      .texts("tokenizer.ggml.merges", {});
  return builder;
}

TEST(GgufTokenizer, TinyModel) {
  const TokenizerData data = read_tokenizer(test::tiny_model());
  EXPECT_EQ(data.model, TokenizerModel::byte_bpe);
  EXPECT_EQ(data.pre_tokenizer, "smollm");
  EXPECT_EQ(data.tokens.size(), test::kTinyVocabulary);
  EXPECT_EQ(data.kinds[2], TokenKind::control);
  EXPECT_EQ(data.kinds[3], TokenKind::normal);
  EXPECT_EQ(data.merges.size(), 41u);
  EXPECT_EQ(data.bos, 1);
  EXPECT_EQ(data.eos, 2);
  EXPECT_EQ(data.unknown, 0);
  EXPECT_EQ(data.padding, 2);
  EXPECT_FALSE(data.add_bos);
  EXPECT_THAT(data.end_ids, ElementsAre(2, 0));  // EOS, then <|endoftext|>
  EXPECT_NE(data.chat_template.find("<|im_start|>"), std::string::npos);
}

TEST(GgufTokenizer, SentencePieceDefaults) {
  const TokenizerData data = read_tokenizer(spm());
  EXPECT_EQ(data.model, TokenizerModel::spm_bpe);
  EXPECT_THAT(data.kinds,
              ElementsAre(TokenKind::unknown, TokenKind::control, TokenKind::control, TokenKind::byte,
                          TokenKind::normal, TokenKind::normal, TokenKind::user_defined, TokenKind::control));
  EXPECT_THAT(data.scores, ElementsAre(0, 0, 0, 0, -2, -3, -1, 0));
  EXPECT_EQ(data.unknown, 0);
  EXPECT_EQ(data.bos, 1);
  EXPECT_EQ(data.eos, 2);
  EXPECT_TRUE(data.add_bos);
  EXPECT_FALSE(data.add_eos);
  EXPECT_TRUE(data.add_space_prefix);
  EXPECT_THAT(data.end_ids, ElementsAre(2, 7));
  EXPECT_TRUE(data.chat_template.empty());
}

TEST(GgufTokenizer, ByteBpeDefaults) {
  const TokenizerData data = read_tokenizer(bpe({"a", "b"}));
  EXPECT_EQ(data.pre_tokenizer, "default");
  EXPECT_FALSE(data.add_bos);
  EXPECT_FALSE(data.add_space_prefix);
  EXPECT_EQ(data.bos, std::nullopt);
  EXPECT_EQ(data.eos, std::nullopt);
  EXPECT_THAT(data.end_ids, IsEmpty());
  EXPECT_THAT(data.kinds, ElementsAre(TokenKind::normal, TokenKind::normal));
}

TEST(GgufTokenizer, PreTokenizersThatBeginWithBos) {
  GgufBuilder builder =
      bpe({"<bos>", "a"}).text("tokenizer.ggml.pre", "llama-bpe").u32("tokenizer.ggml.bos_token_id", 0);
  EXPECT_TRUE(read_tokenizer(builder).add_bos);
  EXPECT_FALSE(read_tokenizer(builder.boolean("tokenizer.ggml.add_bos_token", false)).add_bos);
}

TEST(GgufTokenizer, FlagsOfTheFileWin) {
  GgufBuilder builder = spm();
  builder.boolean("tokenizer.ggml.add_bos_token", false)
      .boolean("tokenizer.ggml.add_eos_token", true)
      .boolean("tokenizer.ggml.add_space_prefix", false)
      .u32("tokenizer.ggml.bos_token_id", 5)
      .u32("tokenizer.ggml.eot_token_id", 6)
      .u32("tokenizer.ggml.eom_token_id", 4);
  const TokenizerData data = read_tokenizer(builder);
  EXPECT_FALSE(data.add_bos);
  EXPECT_TRUE(data.add_eos);
  EXPECT_FALSE(data.add_space_prefix);
  EXPECT_EQ(data.bos, 5);
  EXPECT_THAT(data.end_ids, ElementsAre(2, 6, 4, 7));
}

TEST(GgufTokenizer, OnlyControlTokensEndByTheirText) {
  GgufBuilder builder = bpe({"</s>", "<|im_end|>", "x"}).i32s("tokenizer.ggml.token_type", {4, 3, 1});
  EXPECT_THAT(read_tokenizer(builder).end_ids, ElementsAre(1));
}

TEST(GgufTokenizer, AllEndsOfAConvertedFolder) {
  GgufBuilder builder = spm();
  EXPECT_THAT(read_tokenizer(builder.i32s("tokenizer.ggml.end_token_ids", {2, 5, 4})).end_ids,
              ElementsAre(2, 5, 4, 7));
  for (const std::int32_t id : {-1, 8}) {
    GgufBuilder outside = spm();
    expect_refused(outside.i32s("tokenizer.ggml.end_token_ids", {id}), "tokenizer.ggml.end_token_ids");
  }
}

TEST(GgufTokenizer, EndOfMessageIsNoEndWhereCallsEndTurns) {
  GgufBuilder builder =
      bpe({"<|end|>", "<|return|>", "<|call|>"}).i32s("tokenizer.ggml.token_type", {3, 3, 3});
  EXPECT_THAT(read_tokenizer(builder).end_ids, ElementsAre(1, 2));
}

TEST(GgufTokenizer, UnknownModelIsRefusedByName) {
  for (const char* model : {"rwkv", "plamo2", "no such thing", ""})
    expect_refused(GgufBuilder().text("tokenizer.ggml.model", model), "tokenizer.ggml.model",
                   ErrorCode::unsupported);
  expect_refused(GgufBuilder(), "tokenizer.ggml.model");
}

TEST(GgufTokenizer, RequiredKeys) {
  expect_refused(GgufBuilder().text("tokenizer.ggml.model", "gpt2"), "tokenizer.ggml.tokens");
  expect_refused(GgufBuilder().text("tokenizer.ggml.model", "gpt2").texts("tokenizer.ggml.tokens", {}),
                 "tokenizer.ggml.tokens");
  expect_refused(GgufBuilder().text("tokenizer.ggml.model", "gpt2").texts("tokenizer.ggml.tokens", {"a"}),
                 "tokenizer.ggml.merges");
  expect_refused(GgufBuilder().text("tokenizer.ggml.model", "llama").texts("tokenizer.ggml.tokens", {"a"}),
                 "tokenizer.ggml.scores");
}

TEST(GgufTokenizer, ArraysOfAnotherLength) {
  for (const std::size_t count : {0u, 1u, 3u}) {
    expect_refused(bpe({"a", "b"}).i32s("tokenizer.ggml.token_type", std::vector<std::int32_t>(count, 1)),
                   "tokenizer.ggml.token_type");
    expect_refused(bpe({"a", "b"}).f32s("tokenizer.ggml.scores", std::vector<float>(count, 0.0f)),
                   "tokenizer.ggml.scores");
  }
}

TEST(GgufTokenizer, ValuesInArrays) {
  for (const std::int32_t kind : {-1, 7, std::numeric_limits<std::int32_t>::max()})
    expect_refused(bpe({"a", "b"}).i32s("tokenizer.ggml.token_type", {1, kind}), "tokenizer.ggml.token_type");
  expect_refused(bpe({"a"}).f32s("tokenizer.ggml.scores", {std::numeric_limits<float>::quiet_NaN()}),
                 "tokenizer.ggml.scores");
}

TEST(GgufTokenizer, IdsOutsideTheVocabulary) {
  for (const char* key :
       {"bos_token_id", "eos_token_id", "unknown_token_id", "eot_token_id", "eom_token_id"}) {
    const std::string full = std::string("tokenizer.ggml.") + key;
    for (const std::uint32_t id : {8u, 0xffffffffu}) expect_refused(spm().u32(full, id), full);
    expect_refused(spm().raw(full, 5, number_bytes(std::int32_t{-1})), full);
    expect_refused(spm().text(full, "1"), full);
  }
}

TEST(GgufTokenizer, PaddingOutsideTheVocabularyIsNone) {
  EXPECT_EQ(read_tokenizer(spm().u32("tokenizer.ggml.padding_token_id", 0xffffffffu)).padding, std::nullopt);
  EXPECT_EQ(read_tokenizer(spm().u32("tokenizer.ggml.padding_token_id", 8)).padding, std::nullopt);
  EXPECT_EQ(read_tokenizer(spm().u32("tokenizer.ggml.padding_token_id", 7)).padding, 7);
}

TEST(GgufTokenizer, DefaultIdsOfATinyVocabularyAreNone) {
  GgufBuilder builder;
  builder.text("tokenizer.ggml.model", "llama")
      .texts("tokenizer.ggml.tokens", {"a"})
      .f32s("tokenizer.ggml.scores", {0});
  const TokenizerData data = read_tokenizer(builder);
  EXPECT_EQ(data.bos, std::nullopt);
  EXPECT_EQ(data.eos, std::nullopt);
  EXPECT_EQ(data.unknown, 0);
  EXPECT_FALSE(data.add_bos);
  expect_refused(builder.boolean("tokenizer.ggml.add_bos_token", true), "tokenizer.ggml.add_bos_token");
}

// Odd token texts and merges are kept as they are; what the tokenizer makes of them is defined, not out of
// bounds.
TEST(GgufTokenizer, OddTokensAndMergesAreHarmless) {
  const std::vector<std::string> odd = {"<0x-1>", "<0xGG>", "<0x100>",  "a",
                                        "a",      "",       "\xff\xfe", std::string(1u << 20, 'z')};
  GgufBuilder spm_builder;
  spm_builder.text("tokenizer.ggml.model", "llama")
      .texts("tokenizer.ggml.tokens", odd)
      .f32s("tokenizer.ggml.scores", std::vector<float>(odd.size(), 0.0f))
      .i32s("tokenizer.ggml.token_type", {6, 6, 6, 1, 1, 1, 1, 1})
      .boolean("tokenizer.ggml.add_bos_token", false);
  GgufBuilder bpe_builder;
  bpe_builder.text("tokenizer.ggml.model", "gpt2")
      .text("tokenizer.ggml.pre", "smollm")
      .texts("tokenizer.ggml.tokens", odd)
      .texts("tokenizer.ggml.merges", {"no such", "nospace", "a b c d", "a a", "a a", " ", "", "a  a"});
  for (const auto& builder : {spm_builder, bpe_builder}) {
    const TokenizerData data = read_tokenizer(builder);
    EXPECT_EQ(data.tokens, odd);
    const auto tokenizer = make_tokenizer(data);
    for (const TokenId id : tokenizer->encode("aab \xff z")) {
      EXPECT_GE(id, 0);
      EXPECT_LT(static_cast<std::size_t>(id), odd.size());
    }
    for (std::size_t id = 0; id < odd.size(); ++id) tokenizer->piece(static_cast<TokenId>(id), true);
  }
}

TEST(GgufTokenizer, CharacterMaps) {
  const auto with_map = [](std::string_view bytes) {
    return spm().raw_array("tokenizer.ggml.precompiled_charsmap", GgufType::u8, bytes.size(), bytes);
  };
  for (const std::size_t size : {0u, 1u, 2u, 3u})
    expect_refused(with_map(std::string(size, '\0')), "tokenizer.ggml.precompiled_charsmap");
  expect_refused(with_map(number_bytes(0xffffffffu) + "trie"), "tokenizer.ggml.precompiled_charsmap");
  expect_refused(with_map(number_bytes(4u) + "trie"), "tokenizer.ggml.precompiled_charsmap");
  EXPECT_EQ(read_tokenizer(with_map(number_bytes(4u) + "trie" + '\0')).tokens.size(), 8u);
}

TEST(GgufTokenizer, TemplateMustBeText) {
  expect_refused(spm().u32("tokenizer.chat_template", 1), "tokenizer.chat_template");
}

}  // namespace
}  // namespace lathe
