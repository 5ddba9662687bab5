// safetensors, little-endian:
//
//   0    u64 length of the header, at most 100,000,000
//   8    header: a JSON object, padded with spaces
//          "name": {"dtype": "F32", "shape": [rows, columns], "data_offsets": [first, end]}
//          "__metadata__": an object of strings
//   8+n  data section: the tensors, where their offsets say. They cover it without gap or overlap, to the
//        end of the file, so that no byte of the file can mean something else to another reader.
//
// The file is mapped. The header is read event by event, since a tree of it would take many times its size.
#include "formats/safetensors.h"

#include <algorithm>
#include <array>
#include <deque>
#include <limits>
#include <numeric>
#include <optional>

#include "base/checked.h"
#include "base/checked_reader.h"
#include "base/json.h"

namespace lathe {
namespace {

constexpr std::uint64_t kMaxHeaderBytes = 100'000'000;
constexpr std::size_t kMaxTensors = 262'144;
constexpr std::size_t kMaxNameBytes = 1024;
constexpr std::size_t kMaxDimensions = 16;
constexpr std::uint64_t kMaxInteger = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());

struct TypeRow {
  std::string_view name;
  std::uint32_t bits;
};

constexpr std::array kTypes = {
    TypeRow{"F32", 32},        TypeRow{"F16", 16},    TypeRow{"BF16", 16},   TypeRow{"F64", 64},
    TypeRow{"F8_E4M3", 8},     TypeRow{"F8_E5M2", 8}, TypeRow{"BOOL", 8},    TypeRow{"I8", 8},
    TypeRow{"U8", 8},          TypeRow{"I16", 16},    TypeRow{"U16", 16},    TypeRow{"I32", 32},
    TypeRow{"U32", 32},        TypeRow{"I64", 64},    TypeRow{"U64", 64},    TypeRow{"F8_E4M3FNUZ", 8},
    TypeRow{"F8_E5M2FNUZ", 8}, TypeRow{"F8_E8M0", 8}, TypeRow{"F6_E2M3", 6}, TypeRow{"F6_E3M2", 6},
    TypeRow{"F4", 4},          TypeRow{"C64", 64},
};
static_assert(kTypes.size() == static_cast<std::size_t>(StoredType::c64) + 1);

/// One entry of the header.
struct Entry {
  std::string name;
  std::optional<StoredType> type;
  std::optional<Shape> shape;
  std::uint64_t first = 0;  // in the data section
  std::uint64_t end = 0;
  bool has_offsets = false;
};

// Grows without ever holding its elements twice.
using Entries = std::deque<Entry>;

/// Follows the header's JSON: which key of which entry it is in, and nothing else is allowed.
class HeaderEvents final : public JsonEvents {
 public:
  explicit HeaderEvents(const std::string& file) : file_(file) {}
  Entries take() { return std::move(entries_); }

  bool null() override { refuse("null"); }
  bool boolean(bool) override { refuse("a boolean"); }
  bool binary(binary_t&) override { refuse("bytes"); }
  bool number_integer(number_integer_t) override { refuse("a negative number"); }
  bool number_float(number_float_t, const string_t&) override {
    refuse("a number that is no integer or over 2^64");
  }
  bool number_unsigned(number_unsigned_t value) override {
    if (place_ == Place::shape) {
      if (entries_.back().shape->size() == kMaxDimensions) fail("a tensor has too many dimensions");
      if (value > kMaxInteger) fail("a dimension is over 2^63 - 1");
      entries_.back().shape->push_back(static_cast<std::int64_t>(value));
    } else if (place_ == Place::offsets) {
      if (++offsets_ > 2) fail("data_offsets has more than two numbers");
      (offsets_ == 1 ? entries_.back().first : entries_.back().end) = value;
    } else {
      refuse("a number");
    }
    return true;
  }
  bool string(string_t& value) override {
    if (place_ == Place::type) {
      entries_.back().type = find_type(value);
      place_ = Place::tensor;
    } else if (place_ != Place::metadata) {
      refuse("a string");
    }
    return true;
  }
  bool start_object(std::size_t) override {
    if (place_ == Place::outside) {
      place_ = Place::header;
    } else if (place_ == Place::entry) {
      place_ = in_metadata_ ? Place::metadata : Place::tensor;
    } else {
      refuse("an object");
    }
    return true;
  }
  bool end_object() override {
    if (place_ == Place::tensor) {
      const Entry& entry = entries_.back();
      if (!entry.type) fail("the tensor has no dtype");
      if (!entry.shape) fail("the tensor has no shape");
      if (!entry.has_offsets) fail("the tensor has no data_offsets");
    }
    place_ = place_ == Place::header ? Place::outside : Place::header;
    return true;
  }
  bool key(string_t& name) override {
    if (place_ == Place::header) {
      begin_entry(name);
    } else if (place_ == Place::tensor) {
      begin_field(name);
    }
    return true;
  }
  bool start_array(std::size_t) override {
    if (place_ == Place::before_shape) {
      entries_.back().shape.emplace();
      place_ = Place::shape;
    } else if (place_ == Place::before_offsets) {
      offsets_ = 0;
      place_ = Place::offsets;
    } else {
      refuse("an array");
    }
    return true;
  }
  bool end_array() override {
    if (place_ == Place::offsets) {
      if (offsets_ != 2) fail("data_offsets has fewer than two numbers");
      entries_.back().has_offsets = true;
    }
    place_ = Place::tensor;
    return true;
  }
  bool parse_error(std::size_t, const std::string&, const Json::exception&) override { return false; }

 private:
  enum class Place {
    outside,
    header,
    entry,
    metadata,
    tensor,
    type,
    before_shape,
    shape,
    before_offsets,
    offsets
  };

  void begin_entry(std::string& name) {
    in_metadata_ = name == "__metadata__";
    place_ = Place::entry;
    if (in_metadata_) {
      if (metadata_seen_) fail("the key __metadata__ occurs twice");
      metadata_seen_ = true;
      return;
    }
    if (entries_.size() == kMaxTensors) fail("the header has too many tensors");
    if (name.empty() || name.size() > kMaxNameBytes) fail("a tensor name is empty or too long");
    entries_.push_back({});
    entries_.back().name = std::move(name);
  }

  void begin_field(const std::string& name) {
    const Entry& entry = entries_.back();
    const bool again = (name == "dtype" && entry.type) || (name == "shape" && entry.shape) ||
                       (name == "data_offsets" && entry.has_offsets);
    if (again) fail("the key " + name + " occurs twice");
    if (name == "dtype")
      place_ = Place::type;
    else if (name == "shape")
      place_ = Place::before_shape;
    else if (name == "data_offsets")
      place_ = Place::before_offsets;
    else
      fail("the key '" + printable(name, 64) + "' is not known");
  }

  StoredType find_type(const std::string& name) const {
    for (std::size_t i = 0; i < kTypes.size(); ++i)
      if (kTypes[i].name == name) return static_cast<StoredType>(i);
    fail("dtype '" + printable(name, 64) + "' is not known");
  }

  [[noreturn]] void refuse(const std::string& found) const {
    switch (place_) {
      case Place::metadata:
        fail("a value of __metadata__ is " + found + " and not a string");
      case Place::shape:
      case Place::before_shape:
        fail("the shape holds " + found + "; it must be a list of whole numbers");
      case Place::offsets:
      case Place::before_offsets:
        fail("data_offsets holds " + found + "; it must be two whole numbers");
      case Place::type:
        fail("the dtype is " + found + " and not a string");
      default:
        fail("the header holds " + found + " where it must have an object");
    }
  }

  [[noreturn]] void fail(const std::string& message) const {
    const bool in_tensor = place_ != Place::outside && place_ != Place::header && !in_metadata_;
    const std::string field = in_metadata_                     ? "__metadata__"
                              : in_tensor && !entries_.empty() ? entries_.back().name
                                                               : "";
    throw Error(ErrorCode::invalid_file, message, {file_, 8, printable(field)});
  }

  const std::string& file_;
  Entries entries_;
  Place place_ = Place::outside;
  bool in_metadata_ = false;
  bool metadata_seen_ = false;
  int offsets_ = 0;
};

Entries read_header(CheckedReader& reader) {
  const auto length = reader.read<std::uint64_t>("the header's length");
  if (length > kMaxHeaderBytes)
    reader.fail("a header of " + std::to_string(length) + " bytes is over the limit of " +
                std::to_string(kMaxHeaderBytes));
  const std::uint64_t start = reader.offset();
  const auto bytes = reader.take(length, "the header");
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  constexpr int kDepth = 4;  // header, tensor, shape; one more finds its place in the error
  HeaderEvents events(reader.file());
  try {
    read_json(text, "the header", events, kDepth);
  } catch (const Error& error) {
    if (error.code() != ErrorCode::invalid_argument) throw;
    throw json_file_error(error, reader.file(), start);
  }
  return events.take();
}

void refuse_repeated_names(const Entries& entries, const std::string& file) {
  std::vector<std::string_view> names;
  names.reserve(entries.size());
  for (const Entry& entry : entries) names.push_back(entry.name);
  std::sort(names.begin(), names.end());
  const auto twice = std::adjacent_find(names.begin(), names.end());
  if (twice != names.end())
    throw Error(ErrorCode::invalid_file, "the tensor occurs twice", {file, 8, printable(*twice)});
}

/// Bytes that the shape and type ask for; nothing where they are no whole bytes or over 2^63.
std::uint64_t required_bytes(const Entry& entry, const std::string& file) {
  const auto fail = [&](const std::string& message) {
    throw Error(ErrorCode::invalid_file, message, {file, 8, printable(entry.name)});
  };
  std::uint64_t elements = 1;
  bool empty = false;
  for (const std::int64_t dimension : *entry.shape) {
    empty |= dimension == 0;
    // A zero must not hide an overflow of the others: strides are products of them too.
    const auto product =
        checked_multiply(elements, static_cast<std::uint64_t>(std::max<std::int64_t>(dimension, 1)));
    if (!product || *product > kMaxInteger) fail("a tensor has more than 2^63 - 1 elements");
    elements = *product;
  }
  const auto bits =
      checked_multiply(empty ? 0 : elements, kTypes[static_cast<std::size_t>(*entry.type)].bits);
  if (!bits) fail("a tensor has more than 2^64 bits");
  if (*bits % 8 != 0) fail("the tensor's last byte is not whole");
  return *bits / 8;
}

/// In the order of their offsets the entries must follow each other to the end of the file.
void check_layout(const Entries& entries, std::uint64_t data_start, std::uint64_t data_bytes,
                  const std::string& file) {
  std::vector<std::uint32_t> order(entries.size());
  std::iota(order.begin(), order.end(), 0);
  std::sort(order.begin(), order.end(), [&](std::uint32_t a, std::uint32_t b) {
    const Entry &left = entries[a], &right = entries[b];
    return left.first != right.first ? left.first < right.first : left.end < right.end;
  });
  std::uint64_t expected = 0;
  for (const std::uint32_t index : order) {
    const Entry& entry = entries[index];
    const auto fail = [&](const std::string& message) {
      throw Error(ErrorCode::invalid_file, message, {file, 8, printable(entry.name)});
    };
    const std::uint64_t bytes = required_bytes(entry, file);
    if (entry.end < entry.first) fail("the tensor's offsets descend");
    if (entry.end > data_bytes)
      fail("the tensor ends at " + std::to_string(entry.end) + " of " + std::to_string(data_bytes) +
           " bytes of data");
    if (entry.end - entry.first != bytes)
      fail("the tensor has " + std::to_string(entry.end - entry.first) + " bytes, and its shape and type " +
           std::to_string(bytes));
    if (entry.first != expected)
      fail(std::string("the tensor starts at ") + std::to_string(entry.first) +
           (entry.first < expected ? ", inside the one before it, which ends at "
                                   : ", behind a gap that begins at ") +
           std::to_string(expected));
    expected = entry.end;
  }
  if (expected != data_bytes)
    throw Error(ErrorCode::invalid_file,
                std::to_string(data_bytes - expected) + " bytes follow the last tensor",
                {file, data_start + expected, {}});
}

}  // namespace

std::string_view stored_type_name(StoredType type) { return kTypes[static_cast<std::size_t>(type)].name; }

std::vector<StoredTensor> read_safetensors(const std::shared_ptr<const MappedFile>& file) {
  CheckedReader reader(file->bytes(), file->path());
  Entries entries = read_header(reader);
  refuse_repeated_names(entries, file->path());
  const auto data = file->bytes().subspan(reader.offset());
  check_layout(entries, reader.offset(), data.size(), file->path());
  std::vector<StoredTensor> tensors;
  tensors.reserve(entries.size());
  for (Entry& entry : entries)
    tensors.push_back({std::move(entry.name), *entry.type, *std::move(entry.shape),
                       data.subspan(entry.first, entry.end - entry.first), file});
  return tensors;
}

}  // namespace lathe
