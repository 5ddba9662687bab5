// Linear with packed_f32 weights: portable against double precision, and every ISA level bit for bit against
// portable.
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>

#include "cpu/matmul_call.h"

namespace lathe::test {
namespace {

struct Size {
  std::int64_t tokens, rows, columns;
};

constexpr float kGuard = 12345.0f;

/// [groups][columns][16]; padding rows are random too, so that a kernel that lets them through is seen.
std::vector<float> random_packed(const Size& size, std::mt19937& random) {
  return random_floats(static_cast<std::size_t>((size.rows + 15) / 16 * 16 * size.columns), random);
}

std::vector<float> multiply(const std::string& isa, const Size& size, const std::vector<float>& inputs,
                            const std::vector<float>& weights, int threads) {
  std::vector<float> output(static_cast<std::size_t>(size.tokens * size.rows) + 16, kGuard);
  call_kernel(kernel_named(isa + ".linear.packed_f32"),
              {tensor(inputs.data(), Dtype::f32, size.tokens, size.columns),
               tensor(weights.data(), Dtype::packed_f32, size.rows, size.columns)},
              tensor(output.data(), Dtype::f32, size.tokens, size.rows), threads);
  for (int i = 0; i < 16; ++i) EXPECT_EQ(output[output.size() - 1 - static_cast<std::size_t>(i)], kGuard);
  output.resize(output.size() - 16);
  return output;
}

TEST(Linear, PortableIsCloseToTheExactProducts) {
  std::mt19937 random(1);
  for (const Size size : {Size{3, 37, 576}, Size{2, 1, 31}, Size{1, 16, 1}}) {
    const auto inputs = random_floats(static_cast<std::size_t>(size.tokens * size.columns), random);
    const auto weights = random_packed(size, random);
    const auto output = multiply("portable", size, inputs, weights, 1);
    for (std::int64_t t = 0; t < size.tokens; ++t)
      for (std::int64_t n = 0; n < size.rows; ++n) {
        double exact = 0;
        double magnitude = 0;
        for (std::int64_t c = 0; c < size.columns; ++c) {
          const double product =
              static_cast<double>(inputs[static_cast<std::size_t>(t * size.columns + c)]) *
              static_cast<double>(
                  weights[static_cast<std::size_t>((n / 16 * size.columns + c) * 16 + n % 16)]);
          exact += product;
          magnitude += std::abs(product);
        }
        EXPECT_NEAR(output[static_cast<std::size_t>(t * size.rows + n)], exact, 1e-5 * magnitude);
      }
  }
}

TEST(Linear, EveryLevelGivesPortableBits) {
  std::mt19937 random(2);
  const Size sizes[] = {{1, 1, 1},    {1, 640, 576}, {2, 31, 31},  {7, 49, 640}, {16, 576, 31},
                        {64, 31, 65}, {512, 17, 32}, {5, 100, 97}, {3, 33, 640}, {4, 16, 0}};
  for (const Size& size : sizes) {
    const auto inputs = random_floats(static_cast<std::size_t>(size.tokens * size.columns), random);
    const auto weights = random_packed(size, random);
    const auto expected = multiply("portable", size, inputs, weights, 3);
    for (const auto& isa : fast_levels())
      for (int threads = 1; threads <= 4; ++threads) {
        const auto output = multiply(isa, size, inputs, weights, threads);
        ASSERT_EQ(0, std::memcmp(output.data(), expected.data(), expected.size() * sizeof(float)))
            << isa << ' ' << size.tokens << " x " << size.rows << " x " << size.columns << ", " << threads
            << " threads";
      }
  }
}

}  // namespace
}  // namespace lathe::test
