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
#include "support/block_types.h"
#include "support/unpack.h"

namespace lathe {
namespace {

// Random codes and random finite factors, zero, subnormal and negative ones among them.
std::vector<std::byte> random_rows(Dtype dtype, std::int64_t rows, std::int64_t columns, unsigned seed) {
  std::mt19937 random(seed);
  std::vector<std::byte> bytes(static_cast<std::size_t>(rows) * row_bytes(dtype, columns));
  for (auto& byte : bytes) byte = static_cast<std::byte>(random() & 255u);
  const FactorPlace& place = block_format(dtype)->factors;
  for (std::size_t block = 0; block < bytes.size(); block += info(dtype).block_bytes)
    for (std::uint32_t i = 0; i < place.count; ++i) {
      std::byte* factor = &bytes[block + place.offset + i * place.bytes];
      std::uint64_t bits = 0;
      std::memcpy(&bits, factor, place.bytes);
      if ((bits & place.exponent) == place.exponent) bits ^= place.exponent & (0 - place.exponent);
      std::memcpy(factor, &bits, place.bytes);
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
  for (std::uint32_t i = 0; i < elements; ++i) {
    const std::uint32_t group = i / static_cast<std::uint32_t>(format->group);
    ASSERT_EQ(block.scales[group] * static_cast<float>(block.codes[i]) + block.minima[group], decoded[i]);
  }
}

TEST_P(BlockPacking, IsAboutAsSmallAsTheFile) {
  const BlockFormat* format = block_format(GetParam());
  const auto file = static_cast<double>(16 * row_bytes(format->dtype, 256));
  const auto packed = static_cast<double>(packed_bytes(format->packed, 16, 256));
  EXPECT_GE(packed, file);
  EXPECT_LE(packed, 1.04 * file);
}

// Every code, scale and table index at its greatest: nothing may be read beside a block or a table.
TEST_P(BlockPacking, AllBitsSetStayInBounds) {
  const BlockFormat* format = block_format(GetParam());
  const auto elements = info(format->dtype).block_elements;
  const std::vector<std::byte> source(row_bytes(format->dtype, elements), std::byte{0xff});
  std::vector<float> values(elements);
  decode_rows(format->dtype, source.data(), values.data(), 1, elements);
  const auto packed = pack(format->dtype, format->packed, source, 1, elements);
  const auto unpacked = test::unpack(format->packed, packed.data(), 1, elements);
  for (std::uint32_t i = 0; i < elements; ++i) {
    ASSERT_TRUE(std::isnan(values[i]) || values[i] == -12.0f * 0x1p127f) << values[i];
    ASSERT_TRUE(std::isnan(unpacked[i]) || unpacked[i] == values[i]) << unpacked[i];
  }
}

INSTANTIATE_TEST_SUITE_P(Formats, BlockPacking, testing::ValuesIn(test::block_types()),
                         [](const auto& test) { return std::string(lathe::info(test.param).name); });

TEST(FloatPacking, KeepsEveryBit) {
  std::mt19937 random(3);
  const std::pair<Dtype, Dtype> layouts[] = {{Dtype::f32, Dtype::packed_f32},
                                             {Dtype::bf16, Dtype::packed_bf16},
                                             {Dtype::f16, Dtype::packed_f16},
                                             {Dtype::i8, Dtype::packed_f32}};
  for (const auto& [dtype, layout] : layouts)
    for (const std::int64_t rows : {1, 16, 21})
      for (const std::int64_t columns : {1, 2, 131}) {  // no whole chunk, no whole pair
        std::vector<std::byte> source(static_cast<std::size_t>(rows) * row_bytes(dtype, columns));
        for (auto& byte : source) byte = static_cast<std::byte>(random() & 255u);
        std::vector<float> expected(static_cast<std::size_t>(rows * columns));
        decode_rows(dtype, source.data(), expected.data(), rows, columns);
        ASSERT_EQ(packed_layout_of(dtype), layout);
        const auto packed = pack(dtype, layout, source, rows, columns);
        const auto padded = test::unpack(layout, packed.data(), rows, columns, true);
        ASSERT_EQ(std::memcmp(padded.data(), expected.data(), expected.size() * sizeof(float)), 0)
            << info(dtype).name << " " << rows << " x " << columns;
        for (std::size_t i = expected.size(); i < padded.size(); ++i) ASSERT_EQ(padded[i], 0.0f);
        if (layout != Dtype::packed_bf16 || columns % 2 == 0) continue;
        for (std::int64_t group = 0; group < (rows + 15) / 16; ++group)
          for (std::int64_t lane = 0; lane < 16; ++lane) {  // the column that is not there
            const auto at = static_cast<std::size_t>(((group + 1) * (columns + 1) / 2 - 1) * 64 + lane * 4);
            ASSERT_EQ(packed[at + 2], std::byte{0});
            ASSERT_EQ(packed[at + 3], std::byte{0});
          }
      }
}

TEST(PackedBytes, CountsWholeGroups) {
  EXPECT_EQ(packed_bytes(Dtype::packed4, 1, 32), 288u);
  EXPECT_EQ(packed_bytes(Dtype::packed4, 17, 64), 4 * 288u);
  EXPECT_EQ(packed_bytes(Dtype::packed4x, 16, 64), 2 * 272u);
  EXPECT_EQ(packed_bytes(Dtype::packed2k, 16, 256), 1344u);
  EXPECT_EQ(packed_bytes(Dtype::packed6k, 16, 512), 2 * 3360u);
  EXPECT_EQ(packed_bytes(Dtype::packed_f32, 5, 3), 3 * 64u);
  EXPECT_EQ(packed_bytes(Dtype::packed_f16, 5, 3), 3 * 32u);
  EXPECT_EQ(packed_bytes(Dtype::packed_bf16, 5, 4), 2 * 64u);
  EXPECT_EQ(packed_bytes(Dtype::packed_bf16, 17, 3), 2 * 2 * 64u);
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
  for (const Dtype dtype : test::block_types()) {
    ASSERT_NE(block_format(dtype), nullptr) << info(dtype).name;
    EXPECT_EQ(block_format(dtype)->dtype, dtype);
  }
}

}  // namespace
}  // namespace lathe
