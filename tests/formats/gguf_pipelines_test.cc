// Tokenizers of GGUF that are no plain BPE, whole: from the file's keys to ids and back.
#include <gmock/gmock.h>

#include "base/error.h"
#include "refusal.h"
#include "support/gguf_builder.h"
#include "text/tokenizer.h"

namespace lathe {
namespace {

using test::GgufBuilder;
using testing::ElementsAre;

std::unique_ptr<Tokenizer> make(const GgufBuilder& builder) {
  return make_tokenizer(gguf_tokenizer(*test::expect_read(builder.bytes())));
}

GgufBuilder bert() {
  GgufBuilder builder;
  builder.text("tokenizer.ggml.model", "bert")
      .texts("tokenizer.ggml.tokens", {"[PAD]", "[UNK]", "[CLS]", "[SEP]", "\u2581hell", "o", "\u2581o",
                                       "\u2581,", "[unused0]", "\u2581\u00C9"})
      .i32s("tokenizer.ggml.token_type", {3, 3, 3, 3, 1, 1, 1, 1, 1, 1})
      .u32("tokenizer.ggml.unknown_token_id", 1)
      .u32("tokenizer.ggml.cls_token_id", 2)
      .u32("tokenizer.ggml.seperator_token_id", 3);
  return builder;
}

TEST(GgufPipelines, BertIsWordPiece) {
  const auto tokenizer = make(bert());
  EXPECT_THAT(tokenizer->encode("Hello, O x"), ElementsAre(2, 4, 5, 7, 6, 1, 3));
  EXPECT_THAT(tokenizer->encode("hell\u00F3", {.add_special = false}), ElementsAre(4, 5));
  EXPECT_EQ(tokenizer->decode(tokenizer->encode("HELLO , o")), "hello, o");
  EXPECT_THAT(tokenizer->encode("[SEP]", {.add_special = false}), ElementsAre(1, 1, 1));
  EXPECT_THAT(tokenizer->encode("o[SEP]o", {.add_special = false, .parse_special = true}),
              ElementsAre(6, 3, 6));
  EXPECT_EQ(tokenizer->data().tokens[5], "##o");
  EXPECT_EQ(tokenizer->data().tokens[8], "[unused0]");
}

TEST(GgufPipelines, BertMayKeepCaseAndAccents) {
  GgufBuilder builder = bert();
  builder.boolean("tokenizer.ggml.normalizer.lowercase", false);
  EXPECT_THAT(make(builder)->encode("\u00C9", {.add_special = false}), ElementsAre(9));
  builder.boolean("tokenizer.ggml.normalizer.strip_accents", true);
  EXPECT_THAT(make(builder)->encode("\u00C9", {.add_special = false}), ElementsAre(1));
}

TEST(GgufPipelines, BertWithoutUnknownTokenIsRefused) {
  GgufBuilder builder;
  builder.text("tokenizer.ggml.model", "bert").texts("tokenizer.ggml.tokens", {"a"});
  EXPECT_THROW(make(builder), Error);
}

GgufBuilder gemma() {
  GgufBuilder builder;
  builder.text("tokenizer.ggml.model", "gemma4")
      .texts("tokenizer.ggml.tokens", {"<bos>", "<unk>", "<0xC3>", "<0xA9>", "a", "\u2581", "\n", "a\u2581",
                                       "a\u2581a", "\n\n", "<tool>"})
      .i32s("tokenizer.ggml.token_type", {3, 3, 6, 6, 1, 1, 1, 1, 1, 1, 4})
      .texts("tokenizer.ggml.merges", {"a \u2581", "a\u2581 a", "\n \n", "a \n", "a", "a  a", "a q"})
      .u32("tokenizer.ggml.bos_token_id", 0)
      .u32("tokenizer.ggml.unknown_token_id", 1)
      .boolean("tokenizer.ggml.add_bos_token", false);
  return builder;
}

TEST(GgufPipelines, Gemma4MergesCharactersAcrossSpaces) {
  const auto tokenizer = make(gemma());
  EXPECT_THAT(tokenizer->encode("a a a\n\n\n", {.add_special = false}), ElementsAre(7, 8, 9, 6));
  EXPECT_THAT(tokenizer->encode("a\u00E9"), ElementsAre(0, 4, 2, 3));
  EXPECT_THAT(tokenizer->encode("a<tool><bos>", {.add_special = false}).front(), 4);
  EXPECT_EQ(tokenizer->decode(tokenizer->encode(" a a\u00E9<tool>\n")), " a a\u00E9<tool>\n");
  EXPECT_THAT(tokenizer->warnings(), ElementsAre(testing::HasSubstr("4 of 7 merges are ignored")));
}

GgufBuilder t5() {
  GgufBuilder builder;
  builder.text("tokenizer.ggml.model", "t5")
      .texts("tokenizer.ggml.tokens", {"<pad>", "</s>", "<unk>", "\u2581", "a", "\u2581a", "b", "ab"})
      .i32s("tokenizer.ggml.token_type", {3, 3, 2, 1, 1, 1, 1, 1})
      .f32s("tokenizer.ggml.scores", {0, 0, 0, -2, -3, -4, -3, -3.5f})
      .boolean("tokenizer.ggml.add_space_prefix", true);
  return builder;
}

TEST(GgufPipelines, T5TakesTheBestSumOfScores) {
  const auto tokenizer = make(t5());
  EXPECT_THAT(tokenizer->encode("ab a"), ElementsAre(3, 7, 5, 1));
  EXPECT_EQ(tokenizer->decode(tokenizer->encode("ab  a")), "ab  a");
  EXPECT_THAT(tokenizer->encode("axy", {.add_special = false}), ElementsAre(5, 2));
  GgufBuilder merging = t5();
  merging.boolean("tokenizer.ggml.remove_extra_whitespaces", true);
  EXPECT_EQ(make(merging)->decode(make(merging)->encode("  ab   a ")), "ab a");
}

}  // namespace
}  // namespace lathe
