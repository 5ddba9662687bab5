// Tensors of ONNX files. The elements stand in exactly one of these places:
//
//   raw_data       little-endian and packed: a view of the file
//   float_data     FLOAT, COMPLEX64; double_data: DOUBLE, COMPLEX128
//   int64_data     INT64; uint64_data: UINT32, UINT64; string_data: STRING
//   int32_data     all others. Of 8 bits or more one element each, of 4 and 2 bits a byte of two or four, of
//   6
//                  bits one element each
//   external_data  another file (onnx_external.h)
#include <array>
#include <charconv>
#include <cstring>
#include <limits>
#include <optional>

#include "base/error.h"
#include "formats/onnx_reader.h"
#include "text/utf8.h"

namespace lathe::onnx {
namespace {

enum : std::uint32_t {
  kFloatData = 4,
  kInt32Data = 5,
  kStringData = 6,
  kInt64Data = 7,
  kRawData = 9,
  kDoubleData = 10,
  kUint64Data = 11,
};

struct External {
  std::string location;
  std::optional<std::uint64_t> offset, length;
};

/// What a message holds before anything of it is believed.
struct Fields {
  Tensor tensor;
  std::optional<std::span<const std::byte>> raw;
  std::array<std::uint64_t, 12> numbers{};  // by field: how many are there
  bool is_external = false;
  std::optional<External> external;
};

std::string bytes_text(std::uint64_t bytes) { return std::to_string(bytes) + " bytes"; }

std::uint64_t decimal(const WireMessage& message, const std::string& text, std::string_view what,
                      const std::string& name) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size())
    message.fail("the " + std::string(what) + " '" + printable(text, 40) + "' of external data is no number",
                 name);
  return value;
}

void read_external_entry(const WireMessage& message, const std::string& name, External& external) {
  WireMessage entry = message.message_item("external data");
  std::string key, value;
  while (entry.next()) {
    if (entry.field() == 1) key = entry.text("a key of external data");
    if (entry.field() == 2) value = entry.text("a value of external data");
  }
  if (key == "location") {
    if (!external.location.empty()) message.fail("external data has two locations", name);
    if (value.empty()) message.fail("the location of external data is empty", name);
    external.location = std::move(value);
  } else if (key == "offset" || key == "length") {
    auto& number = key == "offset" ? external.offset : external.length;
    if (number) message.fail("external data has its " + key + " twice", name);
    number = decimal(message, value, key, name);
  }
}

Fields read_fields(WireMessage message) {
  Fields fields;
  Tensor& tensor = fields.tensor;
  tensor.offset = message.offset();
  while (message.next()) {
    switch (message.field()) {
      case 1:
        message.append_integers(tensor.dims, "dims");
        if (tensor.dims.size() > kMaxRank) check_dims(message, tensor.dims, DataType::undefined, {});
        break;
      case 2:
        tensor.data_type = to_data_type(message, message.integer("data_type"));
        break;
      case 3:
        message.fail("a tensor in segments cannot be read");
      case kFloatData:
        fields.numbers[kFloatData] += message.fixed_item(4, "float_data").size() / 4;
        break;
      case kDoubleData:
        fields.numbers[kDoubleData] += message.fixed_item(8, "double_data").size() / 8;
        break;
      case kInt32Data:
      case kInt64Data:
      case kUint64Data:
        fields.numbers[message.field()] += message.integer_count("a tensor's data");
        break;
      case kStringData:
        message.bytes_item("string_data");
        ++fields.numbers[kStringData];
        break;
      case 8:
        tensor.name = message.text("a tensor's name");
        break;
      case kRawData:
        fields.raw = message.bytes("raw_data");
        break;
      case 13:
        if (!fields.external) fields.external.emplace();
        read_external_entry(message, tensor.name, *fields.external);
        break;
      case 14:
        fields.is_external = message.integer("data_location") == 1;
        break;
      default:
        break;
    }
  }
  return fields;
}

std::uint32_t typed_field(DataType type) {
  switch (type) {
    case DataType::float32:
    case DataType::complex64:
      return kFloatData;
    case DataType::float64:
    case DataType::complex128:
      return kDoubleData;
    case DataType::int64:
      return kInt64Data;
    case DataType::uint32:
    case DataType::uint64:
      return kUint64Data;
    case DataType::string:
      return kStringData;
    default:
      return kInt32Data;
  }
}

struct Range {
  std::int64_t least, most;
};

/// Of a number in int32_data, int64_data or uint64_data.
Range range_of(DataType type) {
  switch (type) {
    case DataType::int64:
    case DataType::uint64:  // the sign is the highest bit
      return {std::numeric_limits<std::int64_t>::min(), std::numeric_limits<std::int64_t>::max()};
    case DataType::int32:
      return {std::numeric_limits<std::int32_t>::min(), std::numeric_limits<std::int32_t>::max()};
    case DataType::int16:
      return {-32768, 32767};
    case DataType::int8:
      return {-128, 127};
    case DataType::boolean:
      return {0, 1};
    case DataType::int4:
    case DataType::int2:  // a byte of several, which some write as signed
      return {-128, 255};
    default: {
      const std::uint32_t bits = data_type_bits(type);
      return {0, (std::int64_t{1} << (bits < 6 ? 8 : bits)) - 1};
    }
  }
}

/// A tensor's own memory.
std::shared_ptr<std::vector<std::byte>> own(Tensor& tensor, std::uint64_t bytes) {
  auto kept = std::make_shared<std::vector<std::byte>>(bytes);
  tensor.bytes = *kept;
  tensor.owner = kept;
  return kept;
}

/// Fills `tensor` with numbers of int32_data, int64_data or uint64_data, which are known to be as many as
/// fit.
void store_integers(WireMessage message, Tensor& tensor, std::uint64_t bytes) {
  const std::uint32_t field = typed_field(tensor.data_type);
  const Range range = range_of(tensor.data_type);
  const std::uint32_t bits = data_type_bits(tensor.data_type);
  const std::size_t width = bits < 8 ? 1 : bits / 8;
  const auto kept = own(tensor, bytes);
  std::byte* at = kept->data();
  std::uint64_t index = 0;
  while (message.next()) {
    if (message.field() != field) continue;
    message.each_integer("a tensor's data", [&](std::int64_t value) {
      if (value < range.least || value > range.most)
        message.fail("the number " + std::to_string(value) + " does not fit " +
                         std::string(data_type_name(tensor.data_type)),
                     tensor.name);
      if (bits == 6) {  // a stream of bits, the low ones first
        const std::uint64_t bit = 6 * index++;
        at[bit / 8] |= static_cast<std::byte>(value << (bit % 8));
        if (bit % 8 > 2) at[bit / 8 + 1] |= static_cast<std::byte>(value >> (8 - bit % 8));
        return;
      }
      std::memcpy(at, &value, width);
      at += width;
    });
  }
}

void store_floats(WireMessage message, Tensor& tensor, std::uint64_t bytes, ReadContext& context) {
  const std::uint32_t field = typed_field(tensor.data_type);
  const std::size_t width = field == kFloatData ? 4 : 8;
  std::shared_ptr<std::vector<std::byte>> kept;
  std::uint64_t filled = 0;
  while (message.next()) {
    if (message.field() != field) continue;
    const auto part = message.fixed_item(width, "a tensor's data");
    if (kept == nullptr && part.size() == bytes) {  // all in one: as good as raw_data
      tensor.bytes = part;
      tensor.owner = context.owner;
      return;
    }
    if (kept == nullptr) kept = own(tensor, bytes);
    if (!part.empty()) std::memcpy(kept->data() + filled, part.data(), part.size());
    filled += part.size();
  }
}

void store_strings(WireMessage message, Tensor& tensor, std::uint64_t count) {
  tensor.strings.reserve(count);
  while (message.next()) {
    if (message.field() != kStringData) continue;
    const auto bytes = message.bytes_item("string_data");
    const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    if (!is_utf8(text))
      message.fail("text " + std::to_string(tensor.strings.size()) + " of the tensor is not UTF-8",
                   tensor.name);
    tensor.strings.emplace_back(text);
  }
}

void map_external(const WireMessage& message, const Fields& fields, Tensor& tensor, std::uint64_t bytes,
                  ReadContext& context) {
  const auto fail = [&](const std::string& text) { message.fail(text, tensor.name); };
  if (!fields.external || fields.external->location.empty())
    fail("the tensor's external data has no location");
  if (tensor.data_type == DataType::string) fail("texts cannot be external data");
  const External& external = *fields.external;
  const std::uint64_t offset = external.offset.value_or(0);
  const std::uint64_t length = external.length.value_or(bytes);
  if (length != bytes)
    fail("the tensor's external data has " + bytes_text(length) + ", and its shape and type " +
         bytes_text(bytes));
  const std::uint64_t width = std::max(data_type_bits(tensor.data_type) / 8, 1U);
  if (offset % width != 0)
    fail("the tensor's external data begins at byte " + std::to_string(offset) + ", inside an element of " +
         bytes_text(width));
  std::shared_ptr<const MappedFile> file;
  try {
    file = context.external.map(external.location);
  } catch (const Error& error) {
    throw Error(error.code(), std::string("the tensor's external data: ") + error.what(),
                {message.file().name, tensor.offset, printable(tensor.name)});
  }
  const std::uint64_t size = file->bytes().size();
  if (length > size || offset > size - length)
    fail("the tensor's external data begins at byte " + std::to_string(offset) + " and has " +
         bytes_text(length) + ", and " + printable(external.location) + " has " + bytes_text(size));
  tensor.bytes = file->bytes().subspan(offset, length);
  tensor.owner = file;
}

/// Every field with data but `field` must be empty; 0: every one.
void refuse_second_data(const WireMessage& message, const Fields& fields, std::uint32_t field) {
  const auto fail = [&](const std::string& text) { message.fail(text, fields.tensor.name); };
  if (field != kRawData && fields.raw && !fields.raw->empty())
    fail("the tensor's data stands in raw_data and elsewhere");
  for (std::uint32_t i = 0; i < fields.numbers.size(); ++i)
    if (i != field && fields.numbers[i] != 0)
      fail("the tensor's data stands in a field for another type, or in two places");
}

/// Numbers in the typed field that make up the whole tensor.
std::uint64_t numbers_needed(DataType type, std::uint64_t elements, std::uint64_t bytes) {
  const std::uint32_t bits = data_type_bits(type);
  if (type == DataType::complex64 || type == DataType::complex128) return 2 * elements;
  return bits == 4 || bits == 2 ? bytes : elements;
}

}  // namespace

std::uint64_t Tensor::elements() const {
  std::uint64_t count = 1;
  for (const std::int64_t dim : dims) count *= static_cast<std::uint64_t>(dim);
  return count;
}

Tensor aligned(Tensor tensor, std::size_t alignment) {
  const auto misaligned = reinterpret_cast<std::uintptr_t>(tensor.bytes.data()) % alignment;
  if (misaligned == 0 || tensor.bytes.empty()) return tensor;
  const auto kept = std::make_shared<std::vector<std::byte>>(tensor.bytes.size() + alignment - 1);
  void* start = kept->data();
  std::size_t space = kept->size();
  std::align(alignment, tensor.bytes.size(), start, space);
  std::memcpy(start, tensor.bytes.data(), tensor.bytes.size());
  tensor.bytes = {static_cast<const std::byte*>(start), tensor.bytes.size()};
  tensor.owner = kept;
  return tensor;
}

Tensor read_tensor(WireMessage message, ReadContext& context) {
  Fields fields = read_fields(message);
  Tensor& tensor = fields.tensor;
  const auto fail = [&](const std::string& text) { message.fail(text, tensor.name); };
  if (tensor.data_type == DataType::undefined) fail("the tensor has no data type");
  const std::uint64_t bytes = check_dims(message, tensor.dims, tensor.data_type, tensor.name);
  if (fields.is_external) {
    refuse_second_data(message, fields, 0);
    map_external(message, fields, tensor, bytes, context);
    return std::move(tensor);
  }
  const std::uint32_t field = typed_field(tensor.data_type);
  if (fields.raw && fields.numbers[field] == 0) {
    refuse_second_data(message, fields, kRawData);
    if (tensor.data_type == DataType::string) fail("texts cannot stand in raw_data");
    if (fields.raw->size() != bytes)
      fail("the tensor has " + bytes_text(fields.raw->size()) + " of data, and its shape and type " +
           bytes_text(bytes));
    tensor.bytes = *fields.raw;
    tensor.owner = context.owner;
    return std::move(tensor);
  }
  refuse_second_data(message, fields, field);
  const std::uint64_t needed = numbers_needed(tensor.data_type, tensor.elements(), bytes);
  if (fields.numbers[field] != needed)
    fail("the tensor has " + std::to_string(fields.numbers[field]) + " numbers or texts, and its shape " +
         std::to_string(needed));
  if (field == kStringData)
    store_strings(message, tensor, needed);
  else if (field == kFloatData || field == kDoubleData)
    store_floats(message, tensor, bytes, context);
  else
    store_integers(message, tensor, bytes);
  return std::move(tensor);
}

SparseTensor read_sparse_tensor(WireMessage message, ReadContext& context) {
  SparseTensor sparse;
  while (message.next()) {
    if (message.field() == 1)
      sparse.values = read_tensor(message.message("a sparse tensor's values"), context);
    if (message.field() == 2)
      sparse.indices = read_tensor(message.message("a sparse tensor's indices"), context);
    if (message.field() == 3) message.append_integers(sparse.dims, "a sparse tensor's dims");
  }
  const std::string& name = sparse.values.name;
  check_dims(message, sparse.dims, sparse.values.data_type, name);
  const auto& positions = sparse.indices.dims;
  const auto rank = static_cast<std::int64_t>(sparse.dims.size());
  if (sparse.values.dims.size() != 1) message.fail("a sparse tensor's values are no list", name);
  const bool shaped = positions.size() == 1 || (positions.size() == 2 && positions[1] == rank);
  if (sparse.indices.data_type != DataType::int64 || !shaped || positions[0] != sparse.values.dims[0])
    message.fail("a sparse tensor's indices do not fit its values", name);
  return sparse;
}

}  // namespace lathe::onnx
