// Texts cut into contexts.
#include "api/text_chunks.h"

#include <gmock/gmock.h>

#include <numeric>

#include "base/error.h"

namespace lathe {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

std::vector<TokenId> counting(int count) {
  std::vector<TokenId> ids(static_cast<std::size_t>(count));
  std::iota(ids.begin(), ids.end(), 10);
  return ids;
}

TEST(TextChunks, DropWhatIsLeftOver) {
  const auto chunks = id_chunks(counting(11), {}, 4, 0, "the text");
  EXPECT_THAT(chunks, ElementsAre(ElementsAre(10, 11, 12, 13), ElementsAre(14, 15, 16, 17)));
  EXPECT_EQ(id_chunks(counting(12), {}, 4, 0, "the text").size(), 3u);
  EXPECT_EQ(id_chunks(counting(12), {}, 4, 2, "the text").size(), 2u);
  EXPECT_EQ(id_chunks(counting(12), {}, 4, 9, "the text").size(), 3u);
}

TEST(TextChunks, BeginWithBos) {
  const std::vector<TokenId> bos = {1};
  EXPECT_THAT(id_chunks(counting(8), bos, 4, 0, "the text"),
              ElementsAre(ElementsAre(1, 11, 12, 13), ElementsAre(1, 15, 16, 17)));
}

TEST(TextChunks, AShortTextIsRefusedWithBothNumbers) {
  try {
    id_chunks(counting(511), {}, 512, 0, "the calibration text");
    ADD_FAILURE();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::invalid_argument);
    for (const char* part : {"the calibration text", "511", "512"})
      EXPECT_THAT(error.what(), HasSubstr(part));
  }
}

}  // namespace
}  // namespace lathe
