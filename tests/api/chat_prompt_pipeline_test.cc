// Chats with the tokenizer of a folder: what its added tokens say of the white space beside them holds, and a
// stretch of text behind a control token is not the beginning of a text.
#include <gmock/gmock.h>

#include "api/chat_prompt.h"

namespace lathe {
namespace {

using testing::ElementsAre;

constexpr TokenId kBegin = 0, kEnd = 1, kSpace = 2, kHi = 3, kLine = 4, kUnknown = 5;

TokenizerData folder_data() {
  TokenizerData data;
  data.model = TokenizerModel::unigram;
  data.tokens = {"<s>", "<end>", "\u2581", "hi", "\n", "<unk>"};
  data.kinds = {TokenKind::control, TokenKind::control, TokenKind::normal,
                TokenKind::normal,  TokenKind::normal,  TokenKind::normal};
  data.scores = {0, 0, -1, -1, -1, 0};
  data.bos = kBegin;
  data.pipeline.added = {{.id = kBegin}, {.id = kEnd, .strip_right = true}};
  split::Metaspace metaspace;
  metaspace.prepend = split::Prepend::first;
  data.pipeline.splits.emplace_back(metaspace);
  data.pipeline.unknown = kUnknown;
  data.pipeline.before = {kBegin};
  data.chat_template = "{% for m in messages %}{{ m['content'] + '<end>\\n' }}{% endfor %}{{ 'hi' }}";
  return data;
}

TEST(ChatPromptPipeline, IsWhatTheWholeTextWouldGive) {
  const auto tokenizer = make_tokenizer(folder_data());
  const ChatPrompt prompt(*tokenizer);
  const std::vector<Message> messages = {{"user", "hi\n"}, {"user", "\nhi"}};
  EXPECT_THAT(prompt.encode(messages), ElementsAre(kBegin, kSpace, kHi, kLine, kEnd, kHi, kEnd, kHi));
  EXPECT_EQ(prompt.encode(messages), tokenizer->encode(prompt.render(messages, true), {true, true}));
}

TEST(ChatPromptPipeline, BeginsWithItsFirstTokensOnce) {
  TokenizerData data = folder_data();
  data.pipeline.before = {kBegin, kHi};
  EXPECT_THAT(with_one_bos(data, {kSpace}), ElementsAre(kBegin, kHi, kSpace));
  EXPECT_THAT(with_one_bos(data, {kBegin, kHi, kSpace}), ElementsAre(kBegin, kHi, kSpace));
  EXPECT_THAT(with_one_bos(data, {}), ElementsAre(kBegin, kHi));
}

}  // namespace
}  // namespace lathe
