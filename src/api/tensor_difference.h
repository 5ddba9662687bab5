// How far two tensors are apart, gathered piece by piece.
#pragma once

#include <string>
#include <vector>

#include "api/tensor_numbers.h"
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
  void add_texts(const Tensor& a, const Tensor& b);
  void add_pair(WideNumber a, WideNumber b, bool same_bits, std::int64_t index);

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

/// Gathers what becomes of each tensor's name.
class ComparisonMaker {
 public:
  explicit ComparisonMaker(const Tolerance& tolerance) : tolerance_(tolerance) {}

  /// On both sides; what is a sequence element by element.
  void add(const std::string& name, const std::string& op, const Tensor& a, const Tensor& b);
  void only_a(const std::string& name) { result_.only_a.push_back(name); }
  void only_b(const std::string& name) { result_.only_b.push_back(name); }
  void remark(const std::string& text) { result_.remarks.push_back(text); }
  /// Within where something was compared, and no element of any tensor is outside.
  Comparison result() const;

 private:
  void not_compared(const std::string& note);

  Tolerance tolerance_;
  Comparison result_;
  bool comparable_ = true;
};

}  // namespace lathe
