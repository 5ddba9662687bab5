// Discrete Fourier transforms in double: by halves where the length is a power of two, term by term
// otherwise.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <numbers>
#include <utility>

namespace lathe::portable {

struct Complex {
  double real;
  double imaginary;
};

/// Over scratch of fourier_bytes().
class Fourier {
 public:
  Fourier(std::int64_t length, bool inverse, void* scratch)
      : length_(length),
        signal_(static_cast<Complex*>(scratch)),
        roots_(signal_ + length),
        sums_(roots_ + length) {
    const double turn = (inverse ? 2 : -2) * std::numbers::pi / static_cast<double>(length);
    for (std::int64_t i = 0; i < length; ++i)
      roots_[i] = {std::cos(turn * static_cast<double>(i)), std::sin(turn * static_cast<double>(i))};
  }

  static std::size_t bytes(std::int64_t length) {
    return static_cast<std::size_t>(length) * 3 * sizeof(Complex);
  }

  /// What to transform, and afterwards the result.
  Complex* signal() { return signal_; }

  void transform() {
    if ((length_ & (length_ - 1)) == 0)
      transform_halves();
    else
      transform_terms();
  }

 private:
  void transform_terms() {
    for (std::int64_t k = 0; k < length_; ++k) {
      Complex sum{0, 0};
      std::int64_t turn = 0;
      for (std::int64_t n = 0; n < length_; ++n) {
        add_product(sum, signal_[n], roots_[turn]);
        turn += k;
        if (turn >= length_) turn -= length_;
      }
      sums_[k] = sum;
    }
    std::copy(sums_, sums_ + length_, signal_);
  }

  void transform_halves() {
    for (std::int64_t i = 1, other = 0; i < length_; ++i) {  // bits in reverse order
      std::int64_t bit = length_ / 2;
      for (; (other & bit) != 0; bit /= 2) other ^= bit;
      other ^= bit;
      if (i < other) std::swap(signal_[i], signal_[other]);
    }
    for (std::int64_t half = 1; half < length_; half *= 2)
      for (std::int64_t start = 0; start < length_; start += 2 * half)
        for (std::int64_t i = start; i < start + half; ++i) {
          Complex turned{0, 0};
          add_product(turned, signal_[i + half], roots_[(i - start) * (length_ / 2 / half)]);
          signal_[i + half] = {signal_[i].real - turned.real, signal_[i].imaginary - turned.imaginary};
          signal_[i] = {signal_[i].real + turned.real, signal_[i].imaginary + turned.imaginary};
        }
  }

  static void add_product(Complex& sum, const Complex& a, const Complex& b) {
    sum.real += a.real * b.real - a.imaginary * b.imaginary;
    sum.imaginary += a.real * b.imaginary + a.imaginary * b.real;
  }

  std::int64_t length_;
  Complex* signal_;
  Complex* roots_;
  Complex* sums_;
};

}  // namespace lathe::portable
