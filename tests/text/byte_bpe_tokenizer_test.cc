#include "text/byte_bpe_tokenizer.h"

#include <gmock/gmock.h>

#include "small_tokenizers.h"

namespace lathe {
namespace {

using testing::ElementsAre;

TEST(ByteBpe, WordsThatAreTokensStayWholeWhereThePreTokenizerSaysSo) {
  TokenizerData data = test::byte_data({"a b"});
  const TokenId word = test::add_token(data, "\u0120abc", TokenKind::normal);
  test::add_token(data, "xyz", TokenKind::control);
  data.pre_tokenizer = "llama-bpe";
  EXPECT_THAT(make_tokenizer(data)->encode("ab abc xyz"),
              ElementsAre(test::kFirst, word, ' ', 'x', 'y', 'z'));
  data.pre_tokenizer = "qwen2";
  EXPECT_THAT(make_tokenizer(data)->encode("ab abc"), ElementsAre(test::kFirst, ' ', test::kFirst, 'c'));
}

}  // namespace
}  // namespace lathe
