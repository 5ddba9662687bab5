// QuantizedLinear: portable against exact products of the decoded operands, and every ISA level bit for bit
// against portable, at sizes that fill no tile, over several panels and for all splits over threads.
#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstring>

#include "cpu/fine_columns.h"
#include "cpu/matmul_call.h"
#include "support/unpack.h"

namespace lathe::test {
namespace {

struct Size {
  std::int64_t tokens, rows, columns;
};

constexpr float kGuard = 12345.0f;

/// [tokens, rows], with a guard behind the last element that must survive.
std::vector<float> multiply(const Kernel& kernel, const PackedLayoutCase& layout, const Size& size,
                            const std::vector<std::byte>& activations, const std::vector<std::byte>& weights,
                            int threads) {
  std::vector<float> output(static_cast<std::size_t>(size.tokens * size.rows) + 16, kGuard);
  call_kernel(kernel,
              {tensor(activations.data(), Dtype::a8, size.tokens, size.columns),
               tensor(weights.data(), layout.dtype, size.rows, size.columns)},
              tensor(output.data(), Dtype::f32, size.tokens, size.rows), threads);
  for (int i = 0; i < 16; ++i) EXPECT_EQ(output[output.size() - 1 - static_cast<std::size_t>(i)], kGuard);
  output.resize(output.size() - 16);
  return output;
}

/// scale * (code - zero) of every element, [tokens, columns].
std::vector<double> decode_activations(const std::vector<std::byte>& rows, const Size& size) {
  std::vector<double> values;
  const auto stride = static_cast<std::int64_t>(row_bytes(Dtype::a8, size.columns));
  for (std::int64_t t = 0; t < size.tokens; ++t)
    for (std::int64_t c = 0; c < size.columns; ++c) {
      const std::byte* row = rows.data() + t * stride;
      float scale;
      std::uint32_t zero;
      std::memcpy(&scale, row + size.columns + c / 32 * 4, 4);
      std::memcpy(&zero, row + size.columns + size.columns / 32 * 4 + c / 32 * 4, 4);
      int code = std::to_integer<int>(row[c]) - static_cast<int>(zero & kZeroMask);
      for (int k = 0; (zero & kHasFine) != 0 && k < kFineColumns; ++k) {
        std::int16_t fine;
        std::memcpy(&fine, row + size.columns + 4 * (size.columns / 32) * 4 + c / 32 * 4 + 2 * k, 2);
        if (fine_column(zero, k) == c % 32) code += fine;
      }
      values.push_back(static_cast<double>(scale) * code);
    }
  return values;
}

class QuantizedLinear : public testing::TestWithParam<PackedLayoutCase> {
 protected:
  std::string name(const std::string& isa) const {
    return isa + ".quantized_linear." + std::string(info(GetParam().dtype).name);
  }
  std::int64_t whole_records(std::int64_t columns) const {
    const std::int64_t record = GetParam().info.columns_per_record;
    return (columns + record - 1) / record * record;
  }
  std::mt19937 random_{static_cast<unsigned>(GetParam().dtype)};
};

TEST_P(QuantizedLinear, PortableIsCloseToTheExactProducts) {
  const Size size{3, 37, whole_records(576)};
  const auto activations = random_activations(size.tokens, size.columns, random_);
  const auto weights = random_weights(GetParam(), size.rows, size.columns, random_);
  const auto output = multiply(kernel_named(name("portable")), GetParam(), size, activations, weights, 1);
  const auto x = decode_activations(activations, size);
  const auto w = unpack(GetParam().dtype, weights.data(), size.rows, size.columns);
  for (std::int64_t t = 0; t < size.tokens; ++t)
    for (std::int64_t n = 0; n < size.rows; ++n) {
      double exact = 0;
      double magnitude = 0;
      for (std::int64_t c = 0; c < size.columns; ++c) {
        const double product = x[static_cast<std::size_t>(t * size.columns + c)] *
                               static_cast<double>(w[static_cast<std::size_t>(n * size.columns + c)]);
        exact += product;
        magnitude += std::abs(product);
      }
      EXPECT_NEAR(output[static_cast<std::size_t>(t * size.rows + n)], exact, 1e-5 * magnitude)
          << t << ' ' << n;
    }
}

/// What `lathe exec` is given as an activation may be any bytes: results mean nothing, and nothing else is
/// read.
TEST_P(QuantizedLinear, AnyBytesAsActivationsStayInBounds) {
  const Size size{130, 48, whole_records(576)};
  const auto weights = random_weights(GetParam(), size.rows, size.columns, random_);
  std::vector<std::byte> activations(static_cast<std::size_t>(size.tokens) *
                                     row_bytes(Dtype::a8, size.columns));
  for (auto& byte : activations) byte = static_cast<std::byte>(random_());
  for (const auto& isa : fast_levels())
    EXPECT_EQ(multiply(kernel_named(name(isa)), GetParam(), size, activations, weights, 2).size(),
              static_cast<std::size_t>(size.tokens * size.rows));
}

TEST_P(QuantizedLinear, EveryLevelGivesPortableBits) {
  const Size sizes[] = {{1, 1, 32},     {1, 640, 576},  {2, 31, 640},    {7, 576, 32},   {8, 47, 576},
                        {9, 1, 640},    {16, 176, 640}, {64, 31, 576},   {512, 17, 32},  {66, 100, 64},
                        {11, 49, 2304}, {3, 20, 2112},  {130, 640, 576}, {70, 35, 4096}, {17, 16, 4352},
                        {83, 47, 640},  {81, 64, 288},  {261, 33, 96}};
  for (Size size : sizes) {
    size.columns = whole_records(size.columns);
    const auto activations = random_activations(size.tokens, size.columns, random_);
    const auto weights = random_weights(GetParam(), size.rows, size.columns, random_);
    const auto expected = multiply(kernel_named(name("portable")), GetParam(), size, activations, weights, 3);
    for (const auto& isa : fast_levels())
      for (int threads = 1; threads <= 4; ++threads) {
        const auto output =
            multiply(kernel_named(name(isa)), GetParam(), size, activations, weights, threads);
        ASSERT_EQ(0, std::memcmp(output.data(), expected.data(), expected.size() * sizeof(float)))
            << isa << ' ' << size.tokens << " x " << size.rows << " x " << size.columns << ", " << threads
            << " threads";
      }
  }
}

// Sums of products of the greatest codes: 16-bit sums must not saturate.
TEST_P(QuantizedLinear, ExtremeCodesGivePortableBits) {
  const Size size{5, 16, whole_records(64)};
  auto values = std::vector<float>(static_cast<std::size_t>(size.tokens * size.columns), 1.0f);
  for (std::size_t i = 0; i < values.size(); i += 32) values[i] = 0.0f;  // all other codes are 255
  std::vector<std::byte> activations(static_cast<std::size_t>(size.tokens) *
                                     row_bytes(Dtype::a8, size.columns));
  call_kernel(kernel_named("portable.quantize_activation"),
              {tensor(values.data(), Dtype::f32, size.tokens, size.columns)},
              tensor(activations.data(), Dtype::a8, size.tokens, size.columns), 1);
  for (const unsigned code : {0x00u, 0x7fu, 0x80u, 0xffu}) {
    auto weights = random_weights(GetParam(), size.rows, size.columns, random_);
    const auto record = static_cast<std::size_t>(GetParam().info.record_bytes);
    for (std::size_t i = 0; i < weights.size(); ++i) {
      const auto offset = static_cast<int>(i % record);
      if (!GetParam().is_half(offset) && !GetParam().is_exponent(offset))
        weights[i] = GetParam().legal(offset, code);
    }
    const auto expected = multiply(kernel_named(name("portable")), GetParam(), size, activations, weights, 1);
    for (const auto& isa : fast_levels())
      EXPECT_EQ(multiply(kernel_named(name(isa)), GetParam(), size, activations, weights, 1), expected)
          << isa << " code " << code;
  }
}

// Scales from nothing to the greatest, of weights and of tokens: kernels for many tokens compute with
// exponents.
TEST_P(QuantizedLinear, ScalesOfAnySizeGivePortableBits) {
  const Size size{96, 64, whole_records(576)};
  auto weights = random_weights(GetParam(), size.rows, size.columns, random_);
  constexpr std::uint16_t kHalves[] = {0x0000, 0x8000, 0x0001, 0x8001, 0x03ff, 0x7bff, 0xfbff, 0x3c00};
  constexpr unsigned kExponents[] = {0, 1, 60, 127, 190, 254};
  const auto record = static_cast<std::size_t>(GetParam().info.record_bytes);
  for (std::size_t i = 0; i + 1 < weights.size(); ++i) {
    const auto offset = static_cast<int>(i % record);
    if (random_() % 4 != 0) continue;
    if (GetParam().is_exponent(offset)) weights[i] = static_cast<std::byte>(kExponents[random_() % 6]);
    if (offset % 2 == 0 && GetParam().is_half(offset)) std::memcpy(&weights[i], &kHalves[random_() % 8], 2);
  }
  for (const float most : {1e-28f, 1e-12f, 1.0f, 1e12f, 1e20f}) {
    std::vector<float> values(static_cast<std::size_t>(size.tokens * size.columns));
    std::uniform_real_distribution<float> uniform(-most, most);
    for (auto& value : values) value = uniform(random_);
    std::fill_n(values.begin() + size.columns, size.columns, 0.0f);
    std::vector<std::byte> activations(static_cast<std::size_t>(size.tokens) *
                                       row_bytes(Dtype::a8, size.columns));
    for (const bool broken : {false, true}) {
      if (broken) values[static_cast<std::size_t>(5 * size.columns + 40)] = std::nanf("");
      call_kernel(kernel_named("portable.quantize_activation"),
                  {tensor(values.data(), Dtype::f32, size.tokens, size.columns)},
                  tensor(activations.data(), Dtype::a8, size.tokens, size.columns), 1);
      const auto expected =
          multiply(kernel_named(name("portable")), GetParam(), size, activations, weights, 1);
      for (const auto& isa : fast_levels()) {
        const auto output = multiply(kernel_named(name(isa)), GetParam(), size, activations, weights, 2);
        for (std::size_t i = 0; i < output.size(); ++i)
          ASSERT_TRUE(std::isnan(expected[i]) ? std::isnan(output[i])
                                              : std::bit_cast<std::uint32_t>(output[i]) ==
                                                    std::bit_cast<std::uint32_t>(expected[i]))
              << isa << ", values to " << most << ", " << i << ": " << output[i] << " and " << expected[i];
      }
    }
  }
}

TEST_P(QuantizedLinear, ATokenDoesNotDependOnItsNeighbours) {
  const Size size{40, 33, whole_records(96)};
  const auto activations = random_activations(size.tokens, size.columns, random_);
  const auto weights = random_weights(GetParam(), size.rows, size.columns, random_);
  const auto row = static_cast<std::int64_t>(row_bytes(Dtype::a8, size.columns));
  for (const auto& isa : fast_levels()) {
    const auto together = multiply(kernel_named(name(isa)), GetParam(), size, activations, weights, 2);
    for (const std::int64_t token : {0, 5, 39}) {
      const std::vector<std::byte> own(activations.begin() + token * row,
                                       activations.begin() + (token + 1) * row);
      const auto alone =
          multiply(kernel_named(name(isa)), GetParam(), {1, size.rows, size.columns}, own, weights, 1);
      EXPECT_EQ(0, std::memcmp(alone.data(), &together[static_cast<std::size_t>(token * size.rows)],
                               alone.size() * sizeof(float)))
          << isa << " token " << token;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Layouts, QuantizedLinear, testing::ValuesIn(kPackedLayoutCases),
                         [](const auto& test) { return std::string(lathe::info(test.param.dtype).name); });

}  // namespace
}  // namespace lathe::test
