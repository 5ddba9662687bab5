// How far two tensors are apart, gathered piece by piece.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "lathe/execute.h"

namespace lathe {

class DifferenceMeter {
 public:
  explicit DifferenceMeter(const Tolerance& tolerance) : tolerance_(tolerance) {}

  /// The next rows of both, of the same shape; rows are counted on from those before.
  void add(const Tensor& a, const Tensor& b);
  /// Name, op and types stay empty.
  TensorDifference result() const;

 private:
  void add_numbers(std::span<const double> a, std::span<const double> b);
  void add_pair(double a, double b, bool same_bits, std::int64_t index);

  Tolerance tolerance_;
  std::vector<std::int64_t> shape_;  // of all pieces together
  std::int64_t elements_ = 0;
  std::int64_t different_ = 0;
  std::int64_t outside_ = 0;
  std::int64_t first_ = -1;  // index of the first different element
  bool unbounded_ = false;   // one side is not finite, the other differs
  double max_abs_ = 0;
  double square_difference_ = 0, square_a_ = 0, square_b_ = 0, product_ = 0;
};

}  // namespace lathe
