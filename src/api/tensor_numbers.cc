#include "api/tensor_numbers.h"

#include <algorithm>
#include <cstring>

#include "base/error.h"
#include "base/half.h"
#include "cpu/fine_columns.h"
#include "formats/npy.h"
#include "quant/activation.h"
#include "quant/block_format.h"

namespace lathe {
namespace {

/// One record of quant/activation.h.
void decode_activation(const std::byte* record, std::int64_t columns, float* values) {
  const std::int64_t blocks = columns / kActivationBlock;
  for (std::int64_t i = 0; i < columns; ++i) {
    float scale = 0;
    std::uint32_t zero = 0;
    const std::int64_t block = i / kActivationBlock;
    std::memcpy(&scale, record + columns + block * 4, sizeof scale);
    std::memcpy(&zero, record + columns + (blocks + block) * 4, sizeof zero);
    int code = std::to_integer<int>(record[i]) - static_cast<int>(zero & kZeroMask);
    for (int k = 0; (zero & kHasFine) != 0 && k < kFineColumns; ++k) {
      std::int16_t fine = 0;
      std::memcpy(&fine, record + columns + (4 * blocks + block) * 4 + 2 * k, sizeof fine);
      if (fine_column(zero, k) == i % kActivationBlock) code += fine;
    }
    values[i] = scale * static_cast<float>(code);
  }
}

template <class Element>
std::vector<double> elements(const Tensor& tensor, double (*number)(Element)) {
  std::vector<double> result(tensor.bytes.size() / sizeof(Element));
  for (std::size_t i = 0; i < result.size(); ++i) {
    Element element{};
    std::memcpy(&element, tensor.bytes.data() + i * sizeof element, sizeof element);
    result[i] = number(element);
  }
  return result;
}

template <class Element>
double as_double(Element element) {
  return static_cast<double>(element);
}
double half_as_double(std::uint16_t bits) { return double{half_to_float(bits)}; }
double bfloat_as_double(std::uint16_t bits) { return double{bfloat_to_float(bits)}; }

}  // namespace

Tensor plain_tensor(const TensorView& view) {
  const std::int64_t columns = view.columns();
  if (view.dtype <= Dtype::i64) {
    Tensor tensor{std::string(info(view.dtype).name), view.shape, {}};
    tensor.bytes.assign(view.data, view.data + view.bytes());
    return tensor;
  }
  if (view.dtype != Dtype::a8 && !is_block_quantized(view.dtype))
    throw Error(ErrorCode::unsupported,
                "tensors of type " + std::string(info(view.dtype).name) + " are not shown");
  Tensor tensor{"f32", view.shape, {}};
  tensor.bytes.resize(dense_bytes(Dtype::f32, view.shape));
  auto* values = reinterpret_cast<float*>(tensor.bytes.data());
  if (view.dtype == Dtype::a8) {
    const std::uint64_t record = row_bytes(Dtype::a8, columns);
    for (std::int64_t row = 0; row < view.rows(); ++row)
      decode_activation(view.data + static_cast<std::uint64_t>(row) * record, columns,
                        values + row * columns);
  } else {
    decode_rows(view.dtype, view.data, values, view.rows(), columns);
  }
  return tensor;
}

std::vector<double> numbers(const Tensor& tensor) {
  if (tensor.dtype == "f32") return elements<float>(tensor, as_double);
  if (tensor.dtype == "f64") return elements<double>(tensor, as_double);
  if (tensor.dtype == "f16") return elements<std::uint16_t>(tensor, half_as_double);
  if (tensor.dtype == "bf16") return elements<std::uint16_t>(tensor, bfloat_as_double);
  if (tensor.dtype == "i8") return elements<std::int8_t>(tensor, as_double);
  if (tensor.dtype == "i16") return elements<std::int16_t>(tensor, as_double);
  if (tensor.dtype == "i32") return elements<std::int32_t>(tensor, as_double);
  if (tensor.dtype == "i64") return elements<std::int64_t>(tensor, as_double);
  throw Error(ErrorCode::invalid_argument, "bytes of type " + printable(tensor.dtype) + " are no numbers",
              {{}, std::nullopt, "dtype"});
}

Tensor read_npy(const std::string& file) {
  auto array = read_npy(*MappedFile::open(file));
  return {std::move(array.element), std::move(array.shape), std::move(array.bytes)};
}

std::string npy_header(std::string_view dtype, const std::vector<std::int64_t>& shape) {
  return npy_header(dtype, std::span<const std::int64_t>(shape));
}

}  // namespace lathe
