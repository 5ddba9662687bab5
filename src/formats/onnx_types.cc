// Element types and what graphs say about their values.
#include <algorithm>
#include <array>
#include <limits>

#include "base/checked.h"
#include "base/error.h"
#include "formats/onnx_reader.h"

namespace lathe::onnx {
namespace {

struct DataTypeRow {
  std::string_view name;
  std::uint32_t bits;
};

constexpr std::array kDataTypes = {
    DataTypeRow{"UNDEFINED", 0},      DataTypeRow{"FLOAT", 32},     DataTypeRow{"UINT8", 8},
    DataTypeRow{"INT8", 8},           DataTypeRow{"UINT16", 16},    DataTypeRow{"INT16", 16},
    DataTypeRow{"INT32", 32},         DataTypeRow{"INT64", 64},     DataTypeRow{"STRING", 0},
    DataTypeRow{"BOOL", 8},           DataTypeRow{"FLOAT16", 16},   DataTypeRow{"DOUBLE", 64},
    DataTypeRow{"UINT32", 32},        DataTypeRow{"UINT64", 64},    DataTypeRow{"COMPLEX64", 64},
    DataTypeRow{"COMPLEX128", 128},   DataTypeRow{"BFLOAT16", 16},  DataTypeRow{"FLOAT8E4M3FN", 8},
    DataTypeRow{"FLOAT8E4M3FNUZ", 8}, DataTypeRow{"FLOAT8E5M2", 8}, DataTypeRow{"FLOAT8E5M2FNUZ", 8},
    DataTypeRow{"UINT4", 4},          DataTypeRow{"INT4", 4},       DataTypeRow{"FLOAT4E2M1", 4},
    DataTypeRow{"FLOAT8E8M0", 8},     DataTypeRow{"UINT2", 2},      DataTypeRow{"INT2", 2},
    DataTypeRow{"FLOAT6E2M3", 6},     DataTypeRow{"FLOAT6E3M2", 6},
};
static_assert(kDataTypes.size() == static_cast<std::size_t>(DataType::float6e3m2) + 1);

Dim read_dim(WireMessage message) {
  Dim dim;
  while (message.next()) {
    switch (message.field()) {
      case 1:
        dim.value = message.integer("a dimension");
        if (*dim.value == -1)
          dim.value.reset();  // exporters write it where only a run knows the size
        else if (*dim.value < 0)
          message.fail("the dimension " + std::to_string(*dim.value) + " is negative");
        break;
      case 2:
        dim.parameter = message.text("a dimension's name");
        break;
      default:
        break;
    }
  }
  return dim;
}

/// TypeProto.Tensor and TypeProto.SparseTensor, which have the same fields.
Type read_tensor_type(WireMessage message, TypeKind kind) {
  Type type;
  type.kind = kind;
  while (message.next()) {
    if (message.field() == 1) type.data_type = to_data_type(message, message.integer("an element type"));
    if (message.field() != 2) continue;
    WireMessage shape = message.message("a shape");
    if (shape.count(1) > kMaxRank)
      message.fail("a shape has " + std::to_string(shape.count(1)) + " dimensions, over the limit of " +
                   std::to_string(kMaxRank));
    type.has_shape = true;
    while (shape.next())
      if (shape.field() == 1) type.dims.push_back(read_dim(shape.message_item("a dimension")));
  }
  std::vector<std::int64_t> known;
  for (const Dim& dim : type.dims)
    if (dim.value) known.push_back(*dim.value);
  check_dims(message, known, type.data_type, {});
  return type;
}

/// Sequence, Optional (the element is field 1) and Map (the key is field 1, the value field 2).
Type read_container(WireMessage message, TypeKind kind, int depth) {
  Type type;
  type.kind = kind;
  const std::uint32_t element = kind == TypeKind::map ? 2 : 1;
  while (message.next()) {
    if (message.field() == element)
      type.element = std::make_shared<const Type>(read_type(message.message("an element type"), depth + 1));
    else if (message.field() == 1)
      type.data_type = to_data_type(message, message.integer("a key type"));
  }
  if (type.element == nullptr) message.fail("a sequence, map or optional has no element type");
  return type;
}

}  // namespace

std::string_view data_type_name(DataType type) { return kDataTypes[static_cast<std::size_t>(type)].name; }

std::uint32_t data_type_bits(DataType type) { return kDataTypes[static_cast<std::size_t>(type)].bits; }

DataType to_data_type(const WireMessage& message, std::int64_t number) {
  if (number < 0 || number >= static_cast<std::int64_t>(kDataTypes.size()))
    message.fail("the data type " + std::to_string(number) + " is not known");
  return static_cast<DataType>(number);
}

std::uint64_t check_dims(const WireMessage& message, const std::vector<std::int64_t>& dims, DataType type,
                         std::string_view name) {
  constexpr auto kMost = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
  if (dims.size() > kMaxRank)
    message.fail("the tensor has " + std::to_string(dims.size()) + " dimensions, over the limit of " +
                     std::to_string(kMaxRank),
                 name);
  std::uint64_t elements = 1;
  bool empty = false;
  for (const std::int64_t dim : dims) {
    if (dim < 0) message.fail("the tensor's dimension " + std::to_string(dim) + " is negative", name);
    empty |= dim == 0;
    // A zero must not hide an overflow of the others: strides are products of them too.
    const auto product =
        checked_multiply(elements, static_cast<std::uint64_t>(std::max<std::int64_t>(dim, 1)));
    if (!product) message.fail("the tensor has more than 2^64 elements", name);
    elements = *product;
  }
  const auto bits = checked_multiply(elements, std::max(data_type_bits(type), 1U));
  if (!bits || *bits > kMost) message.fail("the tensor has more than 2^63 - 1 bits", name);
  return empty ? 0 : (*bits + 7) / 8;
}

Type read_type(WireMessage message, int depth) {
  if (depth > kMaxNesting) message.fail("types lie more than " + std::to_string(kMaxNesting) + " deep");
  Type type;
  while (message.next()) {
    if (message.field() == 6) continue;  // denotation
    const WireMessage inner = message.message("a type");
    if (type.kind != TypeKind::none) message.fail("a value has two types");
    switch (message.field()) {
      case 1:
        type = read_tensor_type(inner, TypeKind::tensor);
        break;
      case 4:
        type = read_container(inner, TypeKind::sequence, depth);
        break;
      case 5:
        type = read_container(inner, TypeKind::map, depth);
        break;
      case 7:
        type.kind = TypeKind::opaque;
        break;
      case 8:
        type = read_tensor_type(inner, TypeKind::sparse_tensor);
        break;
      case 9:
        type = read_container(inner, TypeKind::optional, depth);
        break;
      default:
        message.fail("the type " + std::to_string(message.field()) + " is not known");
    }
  }
  return type;
}

ValueInfo read_value_info(WireMessage message) {
  ValueInfo info;
  while (message.next()) {
    if (message.field() == 1) info.name = message.text("a value's name");
    if (message.field() == 2) info.type = read_type(message.message("a value's type"));
  }
  return info;
}

}  // namespace lathe::onnx
