#include "api/tensor_numbers.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <limits>
#include <span>
#include <vector>

#include "base/error.h"
#include "base/half.h"
#include "cpu/fine_columns.h"
#include "formats/npy.h"
#include "quant/activation.h"
#include "quant/block_format.h"
#include "quant/number_format.h"

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

static_assert(std::numeric_limits<WideNumber>::digits >= 64);

template <class T>
WideNumber as_number(const std::byte* at) {
  T value;
  std::memcpy(&value, at, sizeof(T));
  return static_cast<WideNumber>(value);
}

template <float (*decode)(std::uint16_t)>
WideNumber as_small_float(const std::byte* at) {
  std::uint16_t bits = 0;
  std::memcpy(&bits, at, sizeof(bits));
  return static_cast<WideNumber>(decode(bits));
}

constexpr NumberFormat kE4m3{"", {}, 1, 4, 3, 7, SpecialNumbers::nan};
constexpr NumberFormat kE4m3Fnuz{"", {}, 1, 4, 3, 8};
constexpr NumberFormat kE5m2{"", {}, 1, 5, 2, 15, SpecialNumbers::infinity_and_nan};
constexpr NumberFormat kE5m2Fnuz{"", {}, 1, 5, 2, 16};
constexpr NumberFormat kE8m0{"", {}, 0, 8, 0, 127, SpecialNumbers::nan, false};
constexpr NumberFormat kE2m1{"", {}, 1, 2, 1, 1};

template <const NumberFormat& format>
WideNumber as_format(const std::byte* at) {
  return static_cast<WideNumber>(decode(format, std::to_integer<std::uint32_t>(*at)));
}

/// Formats whose one NaN is what would be minus zero.
template <const NumberFormat& format>
WideNumber as_format_without_minus_zero(const std::byte* at) {
  return *at == std::byte{0x80} ? std::numeric_limits<WideNumber>::quiet_NaN() : as_format<format>(at);
}

constexpr std::array kElements = {
    ElementReader{"f32", 4, as_number<float>},
    ElementReader{"f64", 8, as_number<double>},
    ElementReader{"f16", 2, as_small_float<half_to_float>},
    ElementReader{"bf16", 2, as_small_float<bfloat_to_float>},
    ElementReader{"bool", 1, as_number<std::uint8_t>},
    ElementReader{"i8", 1, as_number<std::int8_t>},
    ElementReader{"i16", 2, as_number<std::int16_t>},
    ElementReader{"i32", 4, as_number<std::int32_t>},
    ElementReader{"i64", 8, as_number<std::int64_t>},
    ElementReader{"u8", 1, as_number<std::uint8_t>},
    ElementReader{"u16", 2, as_number<std::uint16_t>},
    ElementReader{"u32", 4, as_number<std::uint32_t>},
    ElementReader{"u64", 8, as_number<std::uint64_t>},
    ElementReader{"i4", 1, as_number<std::int8_t>},
    ElementReader{"u4", 1, as_number<std::uint8_t>},
    ElementReader{"i2", 1, as_number<std::int8_t>},
    ElementReader{"u2", 1, as_number<std::uint8_t>},
    ElementReader{"f8e4m3fn", 1, as_format<kE4m3>},
    ElementReader{"f8e4m3fnuz", 1, as_format_without_minus_zero<kE4m3Fnuz>},
    ElementReader{"f8e5m2", 1, as_format<kE5m2>},
    ElementReader{"f8e5m2fnuz", 1, as_format_without_minus_zero<kE5m2Fnuz>},
    ElementReader{"f8e8m0", 1, as_format<kE8m0>},
    ElementReader{"f4e2m1", 1, as_format<kE2m1>},
};

}  // namespace

const ElementReader* find_element_reader(std::string_view dtype) {
  const auto found = std::ranges::find(kElements, dtype, &ElementReader::dtype);
  return found == kElements.end() ? nullptr : &*found;
}

Tensor plain_tensor(const TensorView& view) {
  const std::int64_t columns = view.columns();
  if (is_element(view.dtype)) {
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
  const ElementReader* reader = find_element_reader(tensor.dtype);
  if (reader == nullptr)
    throw Error(ErrorCode::invalid_argument, "bytes of type " + printable(tensor.dtype) + " are no numbers",
                {{}, std::nullopt, "dtype"});
  std::vector<double> result(tensor.bytes.size() / reader->bytes);
  for (std::size_t i = 0; i < result.size(); ++i)
    result[i] = static_cast<double>(reader->read(&tensor.bytes[i * reader->bytes]));
  return result;
}

std::string npy_file_name(const std::string& tensor) {
  std::string file = tensor;
  for (char& c : file) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       c == '_' || c == '-' || c == '.';
    if (!plain) c = '_';
  }
  if (file.empty() || file.front() == '.') file.insert(file.begin(), '_');
  return file + ".npy";
}

Tensor read_npy(const std::string& file) {
  auto array = read_npy(*MappedFile::open(file));
  Tensor tensor{std::move(array.element), std::move(array.shape), std::move(array.bytes)};
  tensor.texts = std::move(array.texts);
  return tensor;
}

std::string npy_texts(const Tensor& tensor) { return npy_texts(tensor.texts, tensor.shape); }

std::string npy_header(std::string_view dtype, const std::vector<std::int64_t>& shape) {
  return npy_header(dtype, std::span<const std::int64_t>(shape));
}

}  // namespace lathe
