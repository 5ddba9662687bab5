#include "base/checked_reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <limits>

namespace lathe {
namespace {

constexpr auto kMax = std::numeric_limits<std::uint64_t>::max();

constexpr std::array<std::byte, 8> kBytes = {std::byte{1}, std::byte{2}, std::byte{3}, std::byte{4},
                                             std::byte{5}, std::byte{6}, std::byte{7}, std::byte{0xff}};

template <class Action>
Error refused(const Action& action) {
  try {
    action();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::invalid_file);
    EXPECT_EQ(error.place().file, "f.gguf");
    return error;
  }
  ADD_FAILURE() << "nothing was thrown";
  return Error(ErrorCode::internal, "");
}

TEST(CheckedReader, ReadsLittleEndianInOrder) {
  CheckedReader reader(kBytes, "f.gguf");
  EXPECT_EQ(reader.read<std::uint16_t>("a"), 0x0201);
  EXPECT_EQ(reader.read<std::uint32_t>("b"), 0x06050403u);  // not aligned
  EXPECT_EQ(reader.offset(), 6u);
  EXPECT_EQ(reader.left(), 2u);
  EXPECT_EQ(reader.read<std::uint8_t>("c"), 7);
  EXPECT_EQ(reader.read<std::int8_t>("d"), -1);
  EXPECT_EQ(reader.left(), 0u);
}

TEST(CheckedReader, RefusesToReadBehindTheEnd) {
  CheckedReader reader(kBytes, "f.gguf");
  reader.seek(5, "x");
  const auto error = refused([&] { reader.read<std::uint32_t>("the tensor count"); });
  EXPECT_THAT(error.what(), testing::HasSubstr("the tensor count"));
  EXPECT_THAT(error.what(), testing::HasSubstr("4 bytes needed, 3 left"));
  EXPECT_EQ(error.place().offset, 5u);
  EXPECT_EQ(reader.offset(), 5u) << "a failure takes nothing";
  EXPECT_EQ(reader.take(3, "rest").size(), 3u);
  EXPECT_EQ(reader.take(0, "nothing").size(), 0u);
  refused([&] { reader.take(1, "more"); });
  refused([&] { reader.take(kMax, "more"); });
}

TEST(CheckedReader, RefusesCountsThatCannotFit) {
  CheckedReader reader(kBytes, "f.gguf");
  EXPECT_EQ(reader.require_records(2, 4, "tensors"), 2u);
  EXPECT_EQ(reader.require_records(0, 100, "tensors"), 0u);
  EXPECT_EQ(reader.require_records(8, 1, "tensors"), 8u);
  refused([&] { reader.require_records(3, 4, "tensors"); });
  refused([&] { reader.require_records(9, 1, "tensors"); });
  refused([&] { reader.require_records(1, 9, "tensors"); });
  // counts whose product with the size wraps to something small
  refused([&] { reader.require_records(std::uint64_t{1} << 62, 4, "tensors"); });
  refused([&] { reader.require_records(std::uint64_t{1} << 63, 2, "tensors"); });
  EXPECT_THAT(refused([&] { reader.require_records(kMax, 24, "tensors"); }).what(),
              testing::HasSubstr("tensors"));
  try {
    reader.require_records(1, 0, "tensors");
    ADD_FAILURE() << "nothing was thrown";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::internal);
  }
}

TEST(CheckedReader, SeeksInsideAlone) {
  CheckedReader reader(kBytes, "f.gguf");
  reader.seek(8, "data");
  EXPECT_EQ(reader.left(), 0u);
  reader.seek(1, "data");
  EXPECT_EQ(reader.read<std::uint8_t>("x"), 2);
  EXPECT_THAT(refused([&] { reader.seek(9, "data"); }).what(), testing::HasSubstr("data"));
  refused([&] { reader.seek(kMax, "data"); });
  EXPECT_EQ(reader.offset(), 2u);
}

TEST(CheckedReader, ReadsNothingFromNothing) {
  CheckedReader reader({}, "f.gguf");
  EXPECT_EQ(reader.left(), 0u);
  refused([&] { reader.read<std::uint8_t>("magic"); });
  const auto error = refused([&] { reader.fail("is empty", "magic"); });
  EXPECT_EQ(error.place().field, "magic");
}

}  // namespace
}  // namespace lathe
