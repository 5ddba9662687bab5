// The tensor table of GGUF, one row per tensor:
//   u64 length | name   at most 63 bytes
//   u32 dimensions      1 to 4
//   u64 x dimensions    innermost first
//   u32 type            gguf_types.cc
//   u64 offset          from the start of the data section
#include <algorithm>
#include <limits>
#include <unordered_set>

#include "base/checked.h"
#include "base/error.h"
#include "formats/gguf_reader.h"

namespace lathe {
namespace {

constexpr std::uint64_t kMaxTensors = 262'144;
constexpr std::uint64_t kMaxNameBytes = 63;
constexpr std::uint32_t kMaxDimensions = 4;
constexpr std::uint64_t kLeastRowBytes = 8 + 1 + 4 + 8 + 4 + 8;
constexpr std::uint64_t kMaxInteger = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());

// Names are only ever compared, but they are also printed, and others may make paths of them.
bool is_clean_name(std::string_view name) {
  const auto allowed = [](char c) { return c > ' ' && c < 0x7f && c != '%' && c != '\\'; };
  return !name.empty() && std::all_of(name.begin(), name.end(), allowed) &&
         name.find("..") == std::string_view::npos;
}

Shape read_shape(CheckedReader& reader) {
  const auto dimensions = reader.read<std::uint32_t>("a number of dimensions");
  if (dimensions < 1 || dimensions > kMaxDimensions)
    reader.fail("a tensor has " + std::to_string(dimensions) + " dimensions; 1 to 4 are allowed");
  Shape shape(dimensions);
  std::uint64_t elements = 1;
  for (std::uint32_t i = 0; i < dimensions; ++i) {
    const auto dimension = reader.read<std::uint64_t>("a dimension");
    // A zero must not hide an overflow of the others: strides are products of them too.
    const auto product = checked_multiply(elements, std::max<std::uint64_t>(dimension, 1));
    if (dimension > kMaxInteger || !product || *product > kMaxInteger)
      reader.fail("a tensor has more than 2^63 - 1 elements");
    elements = *product;
    shape[dimensions - 1 - i] = static_cast<std::int64_t>(dimension);
  }
  return shape;
}

std::uint64_t tensor_bytes(const CheckedReader& reader, const GgufTensorType& type, const Shape& shape) {
  const auto columns = static_cast<std::uint64_t>(shape.back());
  if (columns % type.block_elements != 0)
    reader.fail("rows of " + std::to_string(columns) + " elements are not whole blocks of " +
                std::string(type.name) + ", " + std::to_string(type.block_elements) + " elements each");
  const auto elements = static_cast<std::uint64_t>(element_count(shape));
  const auto bytes = checked_multiply(elements / type.block_elements, type.block_bytes);
  if (!bytes || *bytes > kMaxInteger) reader.fail("a tensor has more than 2^63 - 1 bytes");
  return *bytes;
}

GgufTensor read_row(CheckedReader& reader) {
  GgufTensor tensor;
  tensor.table_offset = reader.offset();
  tensor.name = read_gguf_string(reader, kMaxNameBytes, "a tensor name");
  if (!is_clean_name(tensor.name)) reader.fail("'" + printable(tensor.name) + "' is not a valid tensor name");
  reader.set_field(tensor.name);
  tensor.shape = read_shape(reader);
  const auto number = reader.read<std::uint32_t>("a tensor type");
  tensor.type = gguf_tensor_type(number);
  if (tensor.type == nullptr) reader.fail("tensor type " + std::to_string(number) + " is not known");
  tensor.bytes = tensor_bytes(reader, *tensor.type, tensor.shape);
  tensor.offset = reader.read<std::uint64_t>("a tensor offset");
  return tensor;
}

}  // namespace

std::vector<GgufTensor> read_gguf_tensors(CheckedReader& reader, std::uint64_t count) {
  const std::size_t fitting = reader.require_records(count, kLeastRowBytes, "tensors");
  if (count > kMaxTensors) reader.fail(std::to_string(count) + " tensors are too many");
  std::vector<GgufTensor> tensors;
  tensors.reserve(fitting);
  std::unordered_set<std::string> names;
  for (std::size_t i = 0; i < fitting; ++i) {
    reader.set_field("tensor " + std::to_string(i));
    tensors.push_back(read_row(reader));
    if (!names.insert(tensors.back().name).second) reader.fail("the tensor occurs twice");
  }
  reader.set_field({});
  return tensors;
}

std::uint64_t check_gguf_layout(const std::vector<GgufTensor>& tensors, std::uint64_t data_start,
                                std::uint64_t alignment, std::uint64_t file_bytes, const std::string& file) {
  std::uint64_t expected = 0;  // where the next tensor must start, from data_start
  for (const GgufTensor& tensor : tensors) {
    const auto fail = [&](const std::string& message) {
      throw Error(ErrorCode::invalid_file, message, {file, tensor.table_offset, tensor.name});
    };
    if (tensor.offset % alignment != 0)
      fail("the tensor's offset " + std::to_string(tensor.offset) + " is no multiple of " +
           std::to_string(alignment));
    if (tensor.offset != expected)
      fail("the tensor's offset " + std::to_string(tensor.offset) +
           (tensor.offset < expected ? " overlaps the tensor before it, which ends at "
                                     : " leaves a gap behind the tensor before it, which ends at ") +
           std::to_string(expected));
    const auto end = checked_add(expected, tensor.bytes);
    const auto file_end = end ? checked_add(data_start, *end) : std::nullopt;
    if (!file_end || *file_end > file_bytes)
      fail("the tensor's " + std::to_string(tensor.bytes) + " bytes do not end inside the file of " +
           std::to_string(file_bytes));
    // Kernels read elements in place.
    if (tensor.type->block_elements == 1 && (data_start + tensor.offset) % tensor.type->block_bytes != 0)
      fail("the tensor is not aligned to its elements of " + std::to_string(tensor.type->block_bytes) +
           " bytes");
    const auto next = checked_align(*end, alignment);
    if (!next) fail("the tensor ends behind 2^64");
    expected = *next;
  }
  return data_start + expected;
}

}  // namespace lathe
