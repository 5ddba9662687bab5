#include "tensor/buffer.h"

#include <gtest/gtest.h>

#include <array>

namespace lathe {
namespace {

class BufferTest : public testing::Test {
 protected:
  Buffer buffer(std::size_t bytes = 16) {
    return Buffer(storage_.data(), bytes, true, [this](void* data, std::size_t size) {
      EXPECT_EQ(data, storage_.data());
      EXPECT_LE(size, storage_.size());
      ++released_;
    });
  }

  std::array<std::byte, 16> storage_{};
  int released_ = 0;
};

TEST_F(BufferTest, ReleasesOnce) {
  {
    const Buffer one = buffer();
    EXPECT_EQ(one.bytes(), 16u);
    EXPECT_EQ(one.data(), storage_.data());
    EXPECT_TRUE(one.host_visible());
    EXPECT_EQ(released_, 0);
  }
  EXPECT_EQ(released_, 1);
}

TEST_F(BufferTest, MovesOwnership) {
  {
    Buffer one = buffer();
    Buffer two = std::move(one);
    EXPECT_EQ(one.data(), nullptr);  // NOLINT: what is left behind is empty
    EXPECT_EQ(one.bytes(), 0u);
    EXPECT_EQ(two.bytes(), 16u);
    Buffer three;
    three = std::move(two);
    EXPECT_EQ(released_, 0);
    EXPECT_EQ(three.data(), storage_.data());
  }
  EXPECT_EQ(released_, 1);
}

TEST_F(BufferTest, ReleasesWhatIsOverwritten) {
  Buffer one = buffer();
  one = buffer(8);
  EXPECT_EQ(released_, 1);
  EXPECT_EQ(one.bytes(), 8u);
  one = Buffer();
  EXPECT_EQ(released_, 2);
  EXPECT_EQ(one.data(), nullptr);
}

TEST_F(BufferTest, SurvivesAssignmentToItself) {
  Buffer one = buffer();
  Buffer& same = one;
  one = std::move(same);
  EXPECT_EQ(one.data(), storage_.data());
  EXPECT_EQ(released_, 0);
}

TEST(Buffer, MayOwnNothing) {
  const Buffer empty;
  EXPECT_EQ(empty.data(), nullptr);
  EXPECT_EQ(empty.bytes(), 0u);
}

}  // namespace
}  // namespace lathe
