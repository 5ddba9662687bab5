// Discrete Fourier transforms of any length: one pass for each prime factor of it, the twos first.
#pragma once

#include <cmath>
#include <cstdint>
#include <numbers>
#include <utility>

namespace lathe::portable {

template <class Number>
struct Complex {
  Number real;
  Number imaginary;

  Complex operator+(const Complex& other) const { return {real + other.real, imaginary + other.imaginary}; }
  Complex operator-(const Complex& other) const { return {real - other.real, imaginary - other.imaginary}; }
  Complex operator*(const Complex& other) const {
    return {real * other.real - imaginary * other.imaginary, real * other.imaginary + imaginary * other.real};
  }
};

/// Over scratch of bytes().
template <class Number>
class Fourier {
 public:
  using Value = Complex<Number>;

  Fourier(std::int64_t length, bool inverse, void* scratch)
      : length_(length),
        signal_(static_cast<Value*>(scratch)),
        other_(signal_ + length),
        roots_(other_ + length) {
    const double turn = (inverse ? 2 : -2) * std::numbers::pi / static_cast<double>(length);
    for (std::int64_t i = 0; i < length; ++i) {
      const double angle = turn * static_cast<double>(i);
      roots_[i] = {static_cast<Number>(std::cos(angle)), static_cast<Number>(std::sin(angle))};
    }
  }

  static std::size_t bytes(std::int64_t length) {
    return static_cast<std::size_t>(length) * 3 * sizeof(Value);
  }

  /// What to transform, and after transform() the result: not the same place.
  Value* signal() { return signal_; }

  void transform() {
    std::int64_t done = 1;  // product of the factors so far
    for (std::int64_t factor = 2; done < length_;) {
      if (length_ / done % factor != 0) {
        ++factor;
        if (factor * factor > length_ / done) factor = length_ / done;
        continue;
      }
      const Pass pass{factor, done, length_ / done / factor};
      if (factor == 2)
        halve(pass);
      else
        divide(pass);
      std::swap(signal_, other_);
      done *= factor;
    }
  }

 private:
  /// Groups of `factor` numbers that are `inner` apart, done times inner of them.
  struct Pass {
    std::int64_t factor;
    std::int64_t done;
    std::int64_t inner;
  };

  void halve(const Pass& pass) {
    for (std::int64_t k = 0; k < pass.done; ++k)
      for (std::int64_t i = 0; i < pass.inner; ++i) {
        const Value a = signal_[i + pass.inner * 2 * k];
        const Value b = signal_[i + pass.inner * (2 * k + 1)];
        other_[i + pass.inner * k] = a + b;
        other_[i + pass.inner * (k + pass.done)] = (a - b) * roots_[i * pass.done];
      }
  }

  /// An odd factor: results m and factor - m are the same sums over pairs of numbers, added and subtracted.
  void divide(const Pass& pass) {
    const std::int64_t factor = pass.factor;
    for (std::int64_t k = 0; k < pass.done; ++k)
      for (std::int64_t i = 0; i < pass.inner; ++i) {
        const auto value = [&](std::int64_t j) { return signal_[i + pass.inner * (j + factor * k)]; };
        const auto put = [&](std::int64_t m, const Value& result) {
          other_[i + pass.inner * (k + pass.done * m)] = i == 0 ? result : result * roots_[i * m * pass.done];
        };
        Value total = value(0);
        for (std::int64_t j = 1; j <= factor / 2; ++j) total = total + (value(j) + value(factor - j));
        put(0, total);
        for (std::int64_t m = 1; m <= factor / 2; ++m) {
          Value even = value(0);
          Value odd{0, 0};
          for (std::int64_t j = 1; j <= factor / 2; ++j) {
            const Value root = roots_[m * j % factor * (length_ / factor)];
            const Value sum = value(j) + value(factor - j);
            const Value difference = value(j) - value(factor - j);
            even = {even.real + root.real * sum.real, even.imaginary + root.real * sum.imaginary};
            odd = {odd.real - root.imaginary * difference.imaginary,
                   odd.imaginary + root.imaginary * difference.real};
          }
          put(m, even + odd);
          put(factor - m, even - odd);
        }
      }
  }

  std::int64_t length_;
  Value* signal_;
  Value* other_;
  Value* roots_;
};

}  // namespace lathe::portable
