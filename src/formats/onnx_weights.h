// Weights of ONNX networks in the types that products take: blocks of 32 where nothing is lost by it, else
// float32.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "formats/onnx_model.h"
#include "tensor/tensor_view.h"

namespace lathe::onnx {

struct OwnedWeights {
  TensorView view;  // [rows, columns]
  std::shared_ptr<const void> owner;
};

/// A matrix of codes: value = scale * (code - zero), with one scale and zero for `block` columns of a row.
struct CodeMatrix {
  const Tensor* codes = nullptr;   // bits of a row's codes, the first one lowest; rows begin with a byte
  const Tensor* scales = nullptr;  // [rows * blocks of a row]
  const Tensor* zeros = nullptr;   // null; floats as many as scales, or codes of `bits`, packed as they are
  std::int64_t rows = 0;
  std::int64_t columns = 0;
  std::int64_t block = 0;
  std::int64_t bits = 0;       // 2, 4 or 8
  bool is_signed = false;      // codes and zeros as well
  std::int64_t otherwise = 0;  // the zero where there are none
};

/// That of MatMulNBits or GatherBlockQuantized; `constant` gives an input's tensor, or null where it is none.
/// Throws Error(invalid_file) naming the node where its attributes and inputs are none of such a matrix.
CodeMatrix code_matrix(const Node& node, const std::function<const Tensor*(std::size_t input)>& constant,
                       const std::string& file);

/// As q4_0, q4_1 or q8_0 where columns and block are multiples of 32 and all factors are exact in 16 bits
/// (a minimum is where it gives back the file's zero), else as f32. Throws Error(invalid_file) naming the
/// tensor whose size does not fit or, where `scan` says so, that is not finite.
OwnedWeights read_codes(const CodeMatrix& matrix, const std::string& file, bool scan);

/// A matrix of floats, [columns, rows] in the file where `transposed`. Keeps 16-bit floats.
OwnedWeights read_floats(const Tensor& tensor, bool transposed, const std::string& file, bool scan);

/// As f32, of any shape.
OwnedWeights read_vector(const Tensor& tensor, const std::string& file, bool scan);

}  // namespace lathe::onnx
