// Hostile tensor tables and weights.
#include <gtest/gtest.h>

#include <limits>
#include <tuple>

#include "refusal.h"
#include "support/gguf_builder.h"

namespace lathe {
namespace {

using test::expect_read;
using test::expect_refused;
using test::GgufBuilder;
using test::number_bytes;

constexpr ErrorCode kInvalid = ErrorCode::invalid_file;
constexpr std::uint32_t kF32 = 0;
constexpr std::uint32_t kQ4_0 = 2;
constexpr std::uint32_t kQ6_K = 14;
constexpr std::uint32_t kI8 = 24;
constexpr std::uint32_t kI64 = 27;

std::string one_tensor(std::vector<std::uint64_t> dims, std::uint32_t type, const std::string& data = "") {
  return GgufBuilder().tensor("w", std::move(dims), type, data).bytes();
}

TEST(GgufTensorFault, Names) {
  const std::string data = number_bytes(1.0f);
  const auto named = [&](const std::string& name) {
    return GgufBuilder().tensor(name, {1}, kF32, data).bytes();
  };
  EXPECT_TRUE(expect_read(named(std::string(63, 'n')))->find_tensor(std::string(63, 'n')));
  expect_refused(named(std::string(64, 'n')), {kInvalid, "over the limit of 63", "tensor 0"});
  for (const std::string& name :
       {std::string(), std::string("a\0b", 3), std::string("a\nb"), std::string("\xff"),
        std::string("../../etc/passwd"), std::string("a%nb"), std::string("a b")})
    expect_refused(named(name), {kInvalid, "is not a valid tensor name", "tensor 0"});
  expect_refused(GgufBuilder().tensor("w", {1}, kF32, data).tensor("w", {1}, kF32, data).bytes(),
                 {kInvalid, "occurs twice", "w"});
}

TEST(GgufTensorFault, NumbersOfDimensions) {
  for (const std::size_t count : {0u, 5u, 9u})
    expect_refused(one_tensor(std::vector<std::uint64_t>(count, 1), kF32, number_bytes(1.0f)),
                   {kInvalid, "1 to 4 are allowed", "w"});
  std::string bytes = one_tensor({1}, kF32, number_bytes(1.0f));
  bytes.replace(24 + 8 + 1, 4, number_bytes(0xffffffffu));
  expect_refused(bytes, {kInvalid, "1 to 4 are allowed", "w"});
}

TEST(GgufTensorFault, ShapesThatOverflow) {
  constexpr std::uint64_t kTwo32 = std::uint64_t{1} << 32;
  constexpr std::uint64_t kTwo21 = std::uint64_t{1} << 21;
  for (const auto& dims : std::vector<std::vector<std::uint64_t>>{
           {std::numeric_limits<std::uint64_t>::max()},
           {std::uint64_t{1} << 63},
           {kTwo32, kTwo32},
           {kTwo21, kTwo21, 2 * kTwo21},
           {0, kTwo32, kTwo32},
           {kTwo32, 0, kTwo32},
           {kTwo32, kTwo32, 0, 1},
       })
    expect_refused(one_tensor(dims, kF32), {kInvalid, "more than 2^63 - 1 elements", "w"});
  expect_refused(one_tensor({(std::uint64_t{1} << 63) - 1}, kI8),
                 {kInvalid, "do not end inside the file", "w"});
  expect_refused(one_tensor({std::uint64_t{1} << 61}, kI64), {kInvalid, "more than 2^63 - 1 bytes", "w"});
}

TEST(GgufTensorFault, SumsThatOverflow) {
  constexpr std::uint64_t kHuge = 0x7fffffffffffffc0;
  GgufBuilder builder;
  builder.tensor("a", {kHuge}, kI8, "").tensor("b", {kHuge}, kI8, "");
  builder.tensors[1].offset = kHuge;
  expect_refused(builder.bytes(), {kInvalid, "do not end inside the file", "a"});
}

TEST(GgufTensorFault, RowsThatAreNoWholeBlocks) {
  expect_refused(one_tensor({31}, kQ4_0, std::string(18, '\0')), {kInvalid, "not whole blocks of Q4_0", "w"});
  expect_refused(one_tensor({8, 64}, kQ6_K, std::string(420, '\0')),
                 {kInvalid, "not whole blocks of Q6_K", "w"});
}

TEST(GgufTensorFault, TypesThatAreNotKnown) {
  for (const std::uint32_t type : {0xffffffffu, 4u, 5u, 31u, 33u, 36u, 38u, 43u, 1u << 31})
    expect_refused(one_tensor({256}, type, std::string(1024, '\0')), {kInvalid, "is not known", "w"});
}

TEST(GgufTensorFault, KnownTypesAreRefusedByName) {
  expect_refused(one_tensor({256}, 16, std::string(66, '\0')),
                 {ErrorCode::unsupported, "tensor type IQ2_XXS is not supported", "w"});
  expect_refused(one_tensor({64}, 40, std::string(36, '\0')),
                 {ErrorCode::unsupported, "tensor type NVFP4 is not supported", "w"});
  // What is wrong with the file comes first.
  expect_refused(one_tensor({255}, 16, std::string(66, '\0')),
                 {kInvalid, "not whole blocks of IQ2_XXS", "w"});
  std::string cut = one_tensor({256}, 16, std::string(66, '\0'));
  cut.resize(cut.size() - 31);
  expect_refused(cut, {kInvalid, "do not end inside the file", "w"});
}

TEST(GgufTensorFault, Offsets) {
  const auto second_at = [](std::uint64_t offset) {
    GgufBuilder builder;
    builder.tensor("a", {16}, kF32, std::string(64, '\0')).tensor("b", {16}, kF32, std::string(64, '\0'));
    builder.tensors[1].offset = offset;
    return builder.bytes() + std::string(256, '\0');
  };
  expect_read(second_at(64));
  expect_refused(second_at(65), {kInvalid, "no multiple of 32", "b"});
  expect_refused(second_at(32), {kInvalid, "overlaps", "b"});
  expect_refused(second_at(0), {kInvalid, "overlaps", "b"});
  expect_refused(second_at(96), {kInvalid, "leaves a gap", "b"});
  expect_refused(second_at(std::uint64_t{1} << 63), {kInvalid, "leaves a gap", "b"});
  expect_refused(second_at(std::numeric_limits<std::uint64_t>::max() - 31), {kInvalid, "leaves a gap", "b"});

  GgufBuilder reversed;
  reversed.tensor("a", {16}, kF32, std::string(64, '\0')).tensor("b", {16}, kF32, std::string(64, '\0'));
  reversed.tensors[0].offset = 64;
  reversed.tensors[1].offset = 0;
  expect_refused(reversed.bytes(), {kInvalid, "leaves a gap", "a"});
}

TEST(GgufTensorFault, LastByteMissing) {
  std::string bytes = one_tensor({8}, kF32, std::string(32, '\0'));
  expect_read(bytes);
  bytes.pop_back();
  expect_refused(bytes, {kInvalid, "do not end inside the file", "w"});
}

TEST(GgufTensorFault, NeighboursDoNotLendBytes) {
  // "a" has 32 bytes in the file, but its type needs 64: the layout would let it run into "b".
  GgufBuilder builder;
  builder.tensor("a", {16}, kF32, std::string(32, '\0')).tensor("b", {8}, kF32, std::string(32, '\0'));
  expect_refused(builder.bytes(), {kInvalid, "overlaps", "b"});
}

TEST(GgufTensorFault, ElementsOffTheirAlignment) {
  GgufBuilder builder;
  builder.alignment = 1;
  builder.u32("general.alignment", 1)
      .tensor("bytes", {1}, kI8, "x")
      .tensor("w", {1}, kF32, number_bytes(1.0f));
  while (builder.data_start() % 4 != 0) {
    builder = GgufBuilder(builder);
    builder.tensors[0].name += 'x';
  }
  expect_refused(builder.bytes(), {kInvalid, "not aligned to its elements", "w"});
}

struct FactorCase {
  std::uint32_t type;
  std::uint64_t elements;
  std::size_t bytes;
  std::vector<std::size_t> factors;  // offsets of f16 numbers
};

TEST(GgufTensorFault, FactorsThatAreNotFinite) {
  const FactorCase cases[] = {{2, 32, 18, {0}},       {3, 32, 20, {0, 2}},     {6, 32, 22, {0}},
                              {7, 32, 24, {0, 2}},    {8, 32, 34, {0}},        {12, 256, 144, {0, 2}},
                              {13, 256, 176, {0, 2}}, {14, 256, 210, {208}},   {20, 32, 18, {0}},
                              {23, 256, 136, {0}},    {10, 256, 84, {80, 82}}, {11, 256, 110, {108}},
                              {1, 1, 2, {0}}};
  for (const auto& entry : cases) {
    const std::uint64_t blocks = 32;
    GgufBuilder good;
    good.tensor("w", {entry.elements * blocks}, entry.type, std::string(entry.bytes * blocks, '\0'));
    expect_read(good.bytes());
    for (const std::size_t factor : entry.factors)
      for (const std::uint16_t bits : std::initializer_list<std::uint16_t>{0x7c00, 0xfc00, 0x7e00, 0xffff}) {
        const std::size_t at = 17 * entry.bytes + factor;
        GgufBuilder bad = good;
        bad.tensors[0].data.replace(at, 2, number_bytes(bits));
        expect_refused(bad.bytes(), {kInvalid, "is NaN or infinite", "w"});
        expect_refused(bad.bytes(), {kInvalid, "at byte " + std::to_string(bad.data_start() + at), "w"});
        expect_read(bad.bytes(), {.scan_factors = false});
      }
  }
}

TEST(GgufTensorFault, ExponentsThatAreNotANumber) {
  GgufBuilder good;
  good.tensor("w", {32 * 9}, 39, std::string(17 * 9, '\xfe'));
  expect_read(good.bytes());
  GgufBuilder bad = good;
  bad.tensors[0].data[17 * 5] = '\xff';
  expect_refused(bad.bytes(), {kInvalid, "is NaN or infinite", "w"});
  expect_refused(bad.bytes(), {kInvalid, "at byte " + std::to_string(bad.data_start() + 17 * 5), "w"});
  expect_read(bad.bytes(), {.scan_factors = false});
}

// Every bit set: of each type the factor is bad, and where the scan is off the blocks are taken as they are.
TEST(GgufTensorFault, BlocksOfAllBitsSet) {
  for (const auto& [type, elements, bytes] : {std::tuple{2u, 32u, 18u},
                                              {3u, 32u, 20u},
                                              {6u, 32u, 22u},
                                              {7u, 32u, 24u},
                                              {8u, 32u, 34u},
                                              {10u, 256u, 84u},
                                              {11u, 256u, 110u},
                                              {12u, 256u, 144u},
                                              {13u, 256u, 176u},
                                              {14u, 256u, 210u},
                                              {20u, 32u, 18u},
                                              {23u, 256u, 136u},
                                              {39u, 32u, 17u}}) {
    GgufBuilder builder;
    builder.tensor("w", {elements}, type, std::string(bytes, '\xff'));
    expect_refused(builder.bytes(), {kInvalid, "is NaN or infinite", "w"});
    expect_read(builder.bytes(), {.scan_factors = false});
  }
}

TEST(GgufTensorFault, WeightsThatAreNotFinite) {
  const float infinity = std::numeric_limits<float>::infinity();
  expect_refused(one_tensor({2}, 0, number_bytes(1.0f) + number_bytes(-infinity)),
                 {kInvalid, "a weight is NaN", "w"});
  expect_refused(one_tensor({1}, 28, number_bytes(std::numeric_limits<double>::quiet_NaN())),
                 {kInvalid, "a weight is NaN", "w"});
  expect_refused(one_tensor({1}, 30, number_bytes(std::uint16_t{0x7f80})),
                 {kInvalid, "a weight is NaN", "w"});
  expect_read(one_tensor({1}, 30, number_bytes(std::uint16_t{0x7f00})));
  expect_read(one_tensor({1}, 26, number_bytes(0x7f800000)));  // an integer is no float
}

}  // namespace
}  // namespace lathe
