// Keys and values of GGUF:
//   key    u64 length | bytes
//   u32    value type, a row of kValueTypes
//   value  number: little-endian | bool: one byte, 0 or 1 | string: u64 length | bytes
//          array: u32 element type (no array) | u64 count | elements
#include <array>
#include <limits>

#include "base/error.h"
#include "formats/gguf_reader.h"
#include "text/utf8.h"

namespace lathe {
namespace {

constexpr std::uint64_t kMaxKeys = 65'536;
constexpr std::uint64_t kMaxKeyBytes = 1024;
constexpr std::uint64_t kMaxStringBytes = 16u << 20;
constexpr std::uint64_t kMaxElements = 16u << 20;
constexpr std::uint64_t kMaxMetadataBytes = 512u << 20;
constexpr std::uint64_t kLeastEntryBytes = 8 + 1 + 4 + 1;

std::string read_text(CheckedReader& reader) {
  return std::string(read_gguf_string(reader, kMaxStringBytes, "a string value"));
}

bool read_bool(CheckedReader& reader) {
  const auto value = reader.read<std::uint8_t>("a boolean");
  if (value > 1) reader.fail("a boolean is " + std::to_string(value));
  return value == 1;
}

template <class Stored, class Kept>
Kept read_number(CheckedReader& reader) {
  return static_cast<Kept>(reader.read<Stored>("a number"));
}

template <class Stored>
std::int64_t read_integer_element(CheckedReader& reader) {
  const auto value = reader.read<Stored>("an array element");
  if constexpr (std::is_same_v<Stored, std::uint64_t>) {
    if (value > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()))
      reader.fail("the array element " + std::to_string(value) + " is over 2^63 - 1");
  }
  return static_cast<std::int64_t>(value);
}

template <auto Read>
MetadataValue scalar(CheckedReader& reader) {
  return MetadataValue(Read(reader));
}

// `count` is known to fit the bytes that are left.
template <auto Read>
MetadataValue array(CheckedReader& reader, std::size_t count) {
  std::vector<decltype(Read(reader))> values;
  values.reserve(count);
  for (std::size_t i = 0; i < count; ++i) values.push_back(Read(reader));
  return values;
}

struct ValueType {
  std::string_view name;
  std::uint32_t least_bytes;  // of one value
  MetadataValue (*read)(CheckedReader& reader);
  MetadataValue (*read_array)(CheckedReader& reader, std::size_t count);
};

template <class Stored>
constexpr ValueType integer_type(std::string_view name) {
  using Kept = std::conditional_t<std::is_signed_v<Stored>, std::int64_t, std::uint64_t>;
  return {name, sizeof(Stored), scalar<read_number<Stored, Kept>>, array<read_integer_element<Stored>>};
}

template <class Stored>
constexpr ValueType real_type(std::string_view name) {
  return {name, sizeof(Stored), scalar<read_number<Stored, double>>, array<read_number<Stored, double>>};
}

constexpr std::uint32_t kArray = 9;
constexpr std::array kValueTypes = {
    integer_type<std::uint8_t>("u8"),
    integer_type<std::int8_t>("i8"),
    integer_type<std::uint16_t>("u16"),
    integer_type<std::int16_t>("i16"),
    integer_type<std::uint32_t>("u32"),
    integer_type<std::int32_t>("i32"),
    real_type<float>("f32"),
    ValueType{"bool", 1, scalar<read_bool>, array<read_bool>},
    ValueType{"string", 8, scalar<read_text>, array<read_text>},
    ValueType{"array", 12, nullptr, nullptr},
    integer_type<std::uint64_t>("u64"),
    integer_type<std::int64_t>("i64"),
    real_type<double>("f64"),
};

// Keys whose type the format fixes, because what reads them relies on it.
struct KnownKey {
  std::string_view key;
  bool is_array;
  std::string_view type;
};
constexpr KnownKey kKnownKeys[] = {
    {"general.architecture", false, "string"},  {"general.alignment", false, "u32"},
    {"tokenizer.ggml.model", false, "string"},  {"tokenizer.ggml.pre", false, "string"},
    {"tokenizer.ggml.tokens", true, "string"},  {"tokenizer.ggml.scores", true, "f32"},
    {"tokenizer.ggml.token_type", true, "i32"}, {"tokenizer.ggml.merges", true, "string"},
};

void check_known(const CheckedReader& reader, std::string_view key, bool is_array, std::string_view type) {
  for (const KnownKey& known : kKnownKeys) {
    if (known.key != key || (known.is_array == is_array && known.type == type)) continue;
    reader.fail(std::string("the value must be ") + (known.is_array ? "an array of " : "of type ") +
                std::string(known.type) + ", not " + (is_array ? "an array of " : "") + std::string(type));
  }
}

const ValueType& read_type(CheckedReader& reader, bool inside_array) {
  const auto number = reader.read<std::uint32_t>("a value type");
  if (number >= kValueTypes.size()) reader.fail("value type " + std::to_string(number) + " is not known");
  if (inside_array && number == kArray) reader.fail("arrays of arrays are not supported");
  return kValueTypes[number];
}

MetadataValue read_value(CheckedReader& reader, std::string_view key) {
  const ValueType& type = read_type(reader, false);
  if (type.read != nullptr) {
    check_known(reader, key, false, type.name);
    return type.read(reader);
  }
  const ValueType& element = read_type(reader, true);
  check_known(reader, key, true, element.name);
  const auto count = reader.read<std::uint64_t>("an array length");
  const std::size_t fitting = reader.require_records(count, element.least_bytes, "array elements");
  if (count > kMaxElements) reader.fail("an array of " + std::to_string(count) + " elements is too long");
  return element.read_array(reader, fitting);
}

// Not empty, UTF-8, and nothing in it that a terminal or a C string could trip over.
bool is_clean_key(std::string_view key) {
  for (const char c : key)
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) return false;
  return !key.empty() && is_utf8(key);
}

}  // namespace

std::string_view read_gguf_string(CheckedReader& reader, std::uint64_t limit, const std::string& what) {
  const auto length = reader.read<std::uint64_t>(what);
  if (length > limit)
    reader.fail(what + " of " + std::to_string(length) + " bytes is over the limit of " +
                std::to_string(limit));
  const auto bytes = reader.take(length, what);
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

Metadata read_gguf_metadata(CheckedReader& reader, std::uint64_t count) {
  reader.require_records(count, kLeastEntryBytes, "metadata keys");
  if (count > kMaxKeys) reader.fail(std::to_string(count) + " metadata keys are too many");
  Metadata metadata;
  for (std::uint64_t i = 0; i < count; ++i) {
    reader.set_field("key " + std::to_string(i));
    const std::string key(read_gguf_string(reader, kMaxKeyBytes, "a key"));
    if (!is_clean_key(key)) reader.fail("'" + printable(key) + "' is not a valid key");
    reader.set_field(key);
    if (metadata.contains(key)) reader.fail("the key occurs twice");
    metadata.emplace(key, read_value(reader, key));
    if (reader.offset() > kMaxMetadataBytes) reader.fail("the metadata is too long");
  }
  reader.set_field({});
  return metadata;
}

}  // namespace lathe
