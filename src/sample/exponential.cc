#include "sample/exponential.h"

#include <array>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>

namespace lathe {
namespace {

// Taylor's series of exp: the first term left out, r^14 / 14! for |r| <= log(2) / 2, is below 5e-18.
constexpr auto kInverseFactorials = [] {
  std::array<double, 14> values{};
  double factorial = 1.0;  // exact in double up to 22!
  for (std::size_t n = 0; n < values.size(); ++n) {
    if (n > 0) factorial *= static_cast<double>(n);
    values[n] = 1.0 / factorial;
  }
  return values;
}();

}  // namespace

double exponential(double x) {
  constexpr double kLowest = -708.0;  // below, results are not normal numbers; they count as 0
  if (!(x >= kLowest)) return 0.0;
  if (x > 0.0) x = 0.0;
  // x = k log(2) + r with |r| <= log(2) / 2; log(2) in two parts, so that k times the first is exact
  // (fdlibm's).
  constexpr double kLog2High = 6.93147180369123816490e-01;
  constexpr double kLog2Low = 1.90821492927058770002e-10;
  constexpr double kInverseLog2 = 1.44269504088896338700e+00;
  const double k = std::floor(x * kInverseLog2 + 0.5);
  const double r = (x - k * kLog2High) - k * kLog2Low;
  double sum = kInverseFactorials.back();
  for (std::size_t n = kInverseFactorials.size() - 1; n-- > 0;) sum = sum * r + kInverseFactorials[n];
  const auto exponent = static_cast<std::uint64_t>(static_cast<std::int64_t>(k) + 1023);
  return sum * std::bit_cast<double>(exponent << 52);
}

}  // namespace lathe
