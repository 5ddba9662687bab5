// Texts as the bytes of a constant, and bytes that are none.
#include "graph/packed_texts.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace lathe {
namespace {

using testing::ElementsAre;

TEST(PackedTexts, ComeBackAsTheyWere) {
  const std::vector<std::string> texts = {"", "abc", std::string("\0", 1), "日本", ""};
  const auto bytes = pack_texts(texts);
  EXPECT_EQ(bytes.size(), 5u * 8 + 3 + 1 + 6);
  const auto found = unpack_texts(bytes, texts.size());
  ASSERT_TRUE(found.has_value());
  EXPECT_TRUE(std::ranges::equal(*found, texts));
  EXPECT_TRUE(pack_texts({}).empty());
  EXPECT_THAT(unpack_texts({}, 0), testing::Optional(testing::IsEmpty()));
}

TEST(PackedTexts, RefusesBytesThatAreNoTexts) {
  const std::vector<std::string> texts = {"ab", "c"};
  const auto good = pack_texts(texts);
  EXPECT_FALSE(unpack_texts(good, 1).has_value());
  EXPECT_FALSE(unpack_texts(good, 3).has_value());
  EXPECT_FALSE(unpack_texts(good, std::uint64_t{1} << 61).has_value());
  auto longer = good;
  longer.push_back(std::byte{'d'});
  EXPECT_FALSE(unpack_texts(longer, 2).has_value());
  auto backwards = good;
  backwards[0] = std::byte{4};  // the first ends behind the second
  EXPECT_FALSE(unpack_texts(backwards, 2).has_value());
  backwards[0] = std::byte{3};
  EXPECT_TRUE(unpack_texts(backwards, 2).has_value());  // "abc" and nothing
  auto far = good;
  far[7] = std::byte{0xff};
  EXPECT_FALSE(unpack_texts(far, 2).has_value());
}

}  // namespace
}  // namespace lathe
