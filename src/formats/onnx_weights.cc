#include "formats/onnx_weights.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <vector>

#include "base/error.h"
#include "base/half.h"
#include "formats/onnx_lower.h"
#include "quant/block_format.h"

namespace lathe::onnx {
namespace {

constexpr std::int64_t kBlock = 32;

[[noreturn]] void refuse(const Tensor& tensor, const std::string& message, const std::string& file) {
  throw Error(ErrorCode::invalid_file, "the tensor " + printable(tensor.name) + " " + message,
              {file, tensor.offset, printable(tensor.name)});
}

void require_finite(const Tensor& tensor, const std::vector<float>& values, const std::string& file) {
  if (!std::ranges::all_of(values, [](float value) { return std::isfinite(value); }))
    refuse(tensor, "has a number that is not finite", file);
}

std::vector<float> floats_of(const Tensor& tensor, const std::string& file, bool scan) {
  const auto [view, owner] = tensor_data(tensor);
  if (view.dtype > Dtype::f64) refuse(tensor, "is not of floats", file);
  std::vector<float> values(static_cast<std::size_t>(tensor.elements()));
  if (!values.empty())
    decode_rows(view.dtype, view.data, values.data(), 1, static_cast<std::int64_t>(values.size()));
  if (scan) require_finite(tensor, values, file);
  return values;
}

OwnedWeights own(std::vector<std::byte> bytes, Dtype dtype, Shape shape) {
  const auto kept = std::make_shared<const std::vector<std::byte>>(std::move(bytes));
  return {{kept->data(), dtype, std::move(shape)}, kept};
}

OwnedWeights own(std::vector<float> values, Shape shape) {
  values.reserve(1);
  const auto kept = std::make_shared<const std::vector<float>>(std::move(values));
  return {{reinterpret_cast<const std::byte*>(kept->data()), Dtype::f32, std::move(shape)}, kept};
}

std::int64_t blocks_in(std::int64_t columns, std::int64_t block) { return (columns + block - 1) / block; }

/// Codes of packed rows, signed ones moved up so that all are unsigned.
class Codes {
 public:
  Codes(const Tensor& tensor, std::int64_t per_row, const CodeMatrix& matrix)
      : data_(tensor.bytes.data()),
        row_bytes_((per_row * matrix.bits + 7) / 8),
        bits_(static_cast<std::uint32_t>(matrix.bits)),
        flip_(matrix.is_signed ? 1u << (bits_ - 1) : 0u) {}

  std::int64_t row_bytes() const { return row_bytes_; }
  std::uint8_t at(std::int64_t row, std::int64_t index) const {
    const std::int64_t per_byte = 8 / bits_;
    const auto packed = std::to_integer<std::uint32_t>(data_[row * row_bytes_ + index / per_byte]);
    const std::uint32_t code = packed >> (static_cast<std::uint32_t>(index % per_byte) * bits_);
    return static_cast<std::uint8_t>((code & ((1u << bits_) - 1)) ^ flip_);
  }

 private:
  const std::byte* data_;
  std::int64_t row_bytes_;
  std::uint32_t bits_;
  std::uint32_t flip_;
};

/// Scales and zeros of all blocks, the zeros for unsigned codes.
struct Factors {
  std::vector<float> scales;
  std::vector<float> zeros;
};

Factors read_factors(const CodeMatrix& matrix, const std::string& file, bool scan) {
  const std::int64_t per_row = blocks_in(matrix.columns, matrix.block);
  const auto count = static_cast<std::uint64_t>(matrix.rows) * static_cast<std::uint64_t>(per_row);
  if (matrix.scales->elements() != count)
    refuse(*matrix.scales,
           "has " + std::to_string(matrix.scales->elements()) + " scales, not " + std::to_string(count),
           file);
  Factors result{floats_of(*matrix.scales, file, scan), {}};
  const auto moved = static_cast<float>(matrix.is_signed ? 1 << (matrix.bits - 1) : 0);
  result.zeros.assign(count, static_cast<float>(matrix.otherwise) + moved);
  if (matrix.zeros == nullptr) return result;
  const auto dtype = dtype_of(matrix.zeros->data_type);
  if (dtype && *dtype <= Dtype::f64) {
    if (matrix.zeros->elements() != count) refuse(*matrix.zeros, "has not one zero for each scale", file);
    result.zeros = floats_of(*matrix.zeros, file, scan);
    for (float& zero : result.zeros) zero += moved;
    return result;
  }
  const Codes codes(*matrix.zeros, per_row, matrix);
  if (matrix.zeros->bytes.size() != static_cast<std::uint64_t>(matrix.rows * codes.row_bytes()))
    refuse(*matrix.zeros, "has not one zero for each scale", file);
  for (std::size_t i = 0; i < count; ++i) {
    const auto at = static_cast<std::int64_t>(i);
    result.zeros[i] = codes.at(at / per_row, at % per_row);
  }
  return result;
}

bool is_half(float value) { return half_to_float(float_to_half(value)) == value; }

/// The minimum as blocks have it: of 16 bits, and the zero again when it is divided by the scale.
std::uint16_t minimum_of(float scale, float zero) {
  return float_to_half(static_cast<float>(-static_cast<double>(zero) * static_cast<double>(scale)));
}

bool has_minimum(float scale, float zero) {
  const auto minimum = static_cast<double>(half_to_float(minimum_of(scale, zero)));
  if (scale == 0) return true;
  return static_cast<float>(-minimum / static_cast<double>(scale)) == zero;
}

Dtype block_type(const CodeMatrix& matrix, const Factors& factors) {
  if (matrix.columns % kBlock != 0 || matrix.block % kBlock != 0) return Dtype::f32;
  if (!std::ranges::all_of(factors.scales, is_half)) return Dtype::f32;
  const auto all_zeros_are = [&](float value) {
    return std::ranges::all_of(factors.zeros, [value](float zero) { return zero == value; });
  };
  if (matrix.bits == 8) return all_zeros_are(128) ? Dtype::q8_0 : Dtype::f32;
  if (matrix.bits != 4) return Dtype::f32;
  if (all_zeros_are(8)) return Dtype::q4_0;
  for (std::size_t i = 0; i < factors.scales.size(); ++i)
    if (!has_minimum(factors.scales[i], factors.zeros[i])) return Dtype::f32;
  return Dtype::q4_1;
}

/// A half's bytes, and those behind it.
std::byte* put_half(std::byte* at, std::uint16_t bits) {
  at[0] = static_cast<std::byte>(bits & 0xff);
  at[1] = static_cast<std::byte>(bits >> 8);
  return at + 2;
}

/// Blocks as GGUF has them: scale, minimum (q4_1), then codes, of 4 bits j low and j + 16 high.
void write_block(Dtype dtype, const std::array<std::uint8_t, kBlock>& codes, float scale, float zero,
                 std::byte* at) {
  at = put_half(at, float_to_half(scale));
  if (dtype == Dtype::q4_1) at = put_half(at, minimum_of(scale, zero));
  if (dtype == Dtype::q8_0) {
    for (const std::uint8_t code : codes) *at++ = static_cast<std::byte>(code ^ 0x80u);
    return;
  }
  for (std::size_t j = 0; j < kBlock / 2; ++j)
    at[j] = static_cast<std::byte>(codes[j] | codes[j + kBlock / 2] << 4);
}

}  // namespace

OwnedWeights read_codes(const CodeMatrix& matrix, const std::string& file, bool scan) {
  const Codes codes(*matrix.codes, matrix.columns, matrix);
  // Rows of MatMulNBits end with a whole block.
  const std::int64_t padded = blocks_in(matrix.columns, matrix.block) * matrix.block;
  const Codes padded_codes(*matrix.codes, padded, matrix);
  const auto size = matrix.codes->bytes.size();
  const bool is_padded = size == static_cast<std::uint64_t>(matrix.rows * padded_codes.row_bytes());
  if (!is_padded && size != static_cast<std::uint64_t>(matrix.rows * codes.row_bytes()))
    refuse(*matrix.codes,
           "has " + std::to_string(size) + " bytes, which are not " + std::to_string(matrix.rows) +
               " rows of " + std::to_string(matrix.columns),
           file);
  const Codes& used = is_padded ? padded_codes : codes;
  const Factors factors = read_factors(matrix, file, scan);
  const Dtype dtype = block_type(matrix, factors);
  const std::int64_t per_row = blocks_in(matrix.columns, matrix.block);
  const Shape shape{matrix.rows, matrix.columns};
  if (dtype == Dtype::f32) {
    std::vector<float> values(static_cast<std::size_t>(element_count(shape)));
    for (std::int64_t row = 0; row < matrix.rows; ++row)
      for (std::int64_t column = 0; column < matrix.columns; ++column) {
        const auto at = static_cast<std::size_t>(row * per_row + column / matrix.block);
        values[static_cast<std::size_t>(row * matrix.columns + column)] =
            factors.scales[at] * (static_cast<float>(used.at(row, column)) - factors.zeros[at]);
      }
    return own(std::move(values), shape);
  }
  std::vector<std::byte> bytes(dense_bytes(dtype, shape));
  const auto block_bytes = info(dtype).block_bytes;
  std::byte* to = bytes.data();
  std::array<std::uint8_t, kBlock> block{};
  for (std::int64_t row = 0; row < matrix.rows; ++row)
    for (std::int64_t column = 0; column < matrix.columns; column += kBlock, to += block_bytes) {
      for (std::int64_t i = 0; i < kBlock; ++i) block[static_cast<std::size_t>(i)] = used.at(row, column + i);
      const auto at = static_cast<std::size_t>(row * per_row + column / matrix.block);
      write_block(dtype, block, factors.scales[at], factors.zeros[at], to);
    }
  return own(std::move(bytes), dtype, shape);
}

OwnedWeights read_floats(const Tensor& tensor, bool transposed, const std::string& file, bool scan) {
  const auto [view, owner] = tensor_data(tensor);
  if (view.dtype > Dtype::f64) refuse(tensor, "is not of floats", file);
  if (tensor.dims.size() != 2 || tensor.elements() == 0) refuse(tensor, "is no matrix", file);
  if (scan) floats_of(tensor, file, true);
  if (!transposed && view.dtype != Dtype::f64) return {view, owner};
  std::vector<float> values = floats_of(tensor, file, false);
  if (!transposed) return own(std::move(values), tensor.dims);
  const std::int64_t columns = tensor.dims[0], rows = tensor.dims[1];
  std::vector<float> turned(values.size());
  constexpr std::int64_t kTile = 32;
  for (std::int64_t first = 0; first < rows; first += kTile)
    for (std::int64_t column = 0; column < columns; ++column)
      for (std::int64_t row = first; row < std::min(first + kTile, rows); ++row)
        turned[static_cast<std::size_t>(row * columns + column)] =
            values[static_cast<std::size_t>(column * rows + row)];
  OwnedWeights result = own(std::move(turned), {rows, columns});
  if (view.dtype == Dtype::f32 || view.dtype == Dtype::f64) return result;
  std::vector<std::byte> narrow(2 * values.size());
  const auto* wide = reinterpret_cast<const float*>(result.view.data);
  for (std::size_t i = 0; i < values.size(); ++i)
    put_half(&narrow[2 * i], view.dtype == Dtype::f16 ? float_to_half(wide[i]) : float_to_bfloat(wide[i]));
  return own(std::move(narrow), view.dtype, {rows, columns});
}

OwnedWeights read_vector(const Tensor& tensor, const std::string& file, bool scan) {
  return own(floats_of(tensor, file, scan), tensor.dims);
}

}  // namespace lathe::onnx
