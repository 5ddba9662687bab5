// Packing loses nothing: what decode makes of a file's blocks is what the packed layout says, to the last
// bit.
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <random>
#include <vector>

#include "base/half.h"
#include "lathe/error.h"
#include "quant/block_format.h"
#include "quant/packed.h"
#include "support/unpack.h"

namespace lathe {
namespace {

constexpr Dtype kBlockTypes[] = {Dtype::q4_0, Dtype::q4_1, Dtype::q5_0, Dtype::q5_1,
                                 Dtype::q8_0, Dtype::q4_k, Dtype::q5_k, Dtype::q6_k};

// Where the f16 factors of a block lie.
std::vector<int> factor_offsets(Dtype dtype) {
  switch (dtype) {
    case Dtype::q4_1:
    case Dtype::q5_1:
    case Dtype::q4_k:
    case Dtype::q5_k:
      return {0, 2};
    case Dtype::q6_k:
      return {208};
    default:
      return {0};
  }
}

// Random codes and random finite factors, zero, subnormal and negative ones among them.
std::vector<std::byte> random_rows(Dtype dtype, std::int64_t rows, std::int64_t columns, unsigned seed) {
  std::mt19937 random(seed);
  std::vector<std::byte> bytes(static_cast<std::size_t>(rows) * row_bytes(dtype, columns));
  for (auto& byte : bytes) byte = static_cast<std::byte>(random() & 255u);
  const std::size_t stride = info(dtype).block_bytes;
  for (std::size_t block = 0; block < bytes.size(); block += stride)
    for (const int offset : factor_offsets(dtype)) {
      auto bits = static_cast<std::uint16_t>(random() & 0xffffu);
      if ((bits & 0x7c00u) == 0x7c00u) bits = static_cast<std::uint16_t>(bits & ~0x4000u);
      std::memcpy(bytes.data() + block + static_cast<std::size_t>(offset), &bits, 2);
    }
  return bytes;
}

std::vector<std::byte> pack(Dtype dtype, Dtype packed, const std::vector<std::byte>& source,
                            std::int64_t rows, std::int64_t columns) {
  std::vector<std::byte> out(packed_bytes(packed, rows, columns), std::byte{0xaa});
  pack_groups(dtype, source.data(), rows, columns, 0, (rows + 15) / 16, out.data());
  return out;
}

class BlockPacking : public testing::TestWithParam<Dtype> {};

TEST_P(BlockPacking, KeepsEveryValue) {
  const BlockFormat* format = block_format(GetParam());
  ASSERT_NE(format, nullptr);
  for (const std::int64_t rows : {1, 15, 16, 17, 40}) {
    const std::int64_t columns = 768;
    const auto source = random_rows(format->dtype, rows, columns, static_cast<unsigned>(rows));
    std::vector<float> expected(static_cast<std::size_t>(rows * columns));
    decode_rows(format->dtype, source.data(), expected.data(), rows, columns);
    const auto packed = pack(format->dtype, format->packed, source, rows, columns);
    const auto actual = test::unpack(format->packed, packed.data(), rows, columns);
    ASSERT_EQ(std::memcmp(actual.data(), expected.data(), expected.size() * sizeof(float)), 0)
        << rows << " rows";
  }
}

TEST_P(BlockPacking, PadsWithZeroBytes) {
  const BlockFormat* format = block_format(GetParam());
  const std::int64_t rows = 3;
  const auto source = random_rows(format->dtype, rows, 256, 7);
  auto packed = pack(format->dtype, format->packed, source, rows, 256);
  const auto padded = test::unpack(format->packed, packed.data(), rows, 256, true);
  ASSERT_EQ(padded.size(), 16u * 256u);
  for (std::size_t i = 3 * 256; i < padded.size(); ++i) ASSERT_EQ(padded[i], 0.0f);

  // A group without any row is all zero bytes: codes too, so that sums of codes are zero.
  const std::byte* none[16] = {};
  format->pack_group(none, 256, packed.data());
  for (const auto byte : packed) ASSERT_EQ(byte, std::byte{0});
}

TEST_P(BlockPacking, GroupsAreIndependent) {
  const BlockFormat* format = block_format(GetParam());
  const auto source = random_rows(format->dtype, 40, 256, 9);
  const auto whole = pack(format->dtype, format->packed, source, 40, 256);
  std::vector<std::byte> parts(whole.size());
  pack_groups(format->dtype, source.data(), 40, 256, 1, 3, parts.data());
  pack_groups(format->dtype, source.data(), 40, 256, 0, 1, parts.data());
  EXPECT_EQ(parts, whole);
}

TEST_P(BlockPacking, SplitAgreesWithDecode) {
  const BlockFormat* format = block_format(GetParam());
  const auto elements = info(format->dtype).block_elements;
  const auto source = random_rows(format->dtype, 1, elements, 11);
  std::vector<float> decoded(elements);
  format->decode(source.data(), decoded.data(), 1);
  BlockCodes block;
  format->split(source.data(), block);
  const std::uint32_t group = format->dtype == Dtype::q6_k ? 16 : 32;
  for (std::uint32_t i = 0; i < elements; ++i)
    ASSERT_EQ(block.scales[i / group] * static_cast<float>(block.codes[i]) + block.minima[i / group],
              decoded[i]);
}

INSTANTIATE_TEST_SUITE_P(Formats, BlockPacking, testing::ValuesIn(kBlockTypes),
                         [](const auto& test) { return std::string(lathe::info(test.param).name); });

TEST(FloatPacking, KeepsEveryValue) {
  std::mt19937 random(3);
  std::normal_distribution<float> normal;
  for (const std::int64_t rows : {1, 16, 21}) {
    const std::int64_t columns = 131;  // no whole chunk
    std::vector<float> expected(static_cast<std::size_t>(rows * columns));
    for (auto& value : expected) value = half_to_float(float_to_half(normal(random)));
    std::vector<std::byte> f32(expected.size() * 4);
    std::memcpy(f32.data(), expected.data(), f32.size());
    std::vector<std::byte> f16(expected.size() * 2);
    for (std::size_t i = 0; i < expected.size(); ++i) {
      const auto bits = float_to_half(expected[i]);
      std::memcpy(f16.data() + 2 * i, &bits, 2);
    }
    for (const auto& [dtype, source] : {std::pair{Dtype::f32, f32}, std::pair{Dtype::f16, f16}}) {
      const auto packed = pack(dtype, Dtype::packed_f32, source, rows, columns);
      EXPECT_EQ(test::unpack(Dtype::packed_f32, packed.data(), rows, columns), expected);
      const auto padded = test::unpack(Dtype::packed_f32, packed.data(), rows, columns, true);
      for (std::size_t i = expected.size(); i < padded.size(); ++i) ASSERT_EQ(padded[i], 0.0f);
    }
  }
}

TEST(PackedBytes, CountsWholeGroups) {
  EXPECT_EQ(packed_bytes(Dtype::packed4, 1, 32), 288u);
  EXPECT_EQ(packed_bytes(Dtype::packed4, 17, 64), 4 * 288u);
  EXPECT_EQ(packed_bytes(Dtype::packed6k, 16, 512), 2 * 3360u);
  EXPECT_EQ(packed_bytes(Dtype::packed_f32, 5, 3), 3 * 64u);
  EXPECT_EQ(packed_bytes(Dtype::packed8, 0, 32), 0u);
}

TEST(PackedBytes, RefusesPartRecordsAndOverflow) {
  const std::int64_t huge = std::int64_t{1} << 62;
  EXPECT_THROW(packed_bytes(Dtype::packed4, 1, 31), Error);
  EXPECT_THROW(packed_bytes(Dtype::packed4k, 1, 128), Error);
  EXPECT_THROW(packed_bytes(Dtype::packed8, -1, 32), Error);
  EXPECT_THROW(packed_bytes(Dtype::packed8, 16, -32), Error);
  EXPECT_THROW(packed_bytes(Dtype::packed8, huge, huge), Error);
}

TEST(BlockFormats, OnlyBlocksHaveARow) {
  EXPECT_EQ(block_format(Dtype::f32), nullptr);
  EXPECT_EQ(block_format(Dtype::i64), nullptr);
  EXPECT_EQ(block_format(Dtype::packed4), nullptr);
  for (const Dtype dtype : kBlockTypes) EXPECT_EQ(block_format(dtype)->dtype, dtype);
}

}  // namespace
}  // namespace lathe
