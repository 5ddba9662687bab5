#include "formats/gguf_writer.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <limits>

#include "base/error.h"
#include "formats/gguf_types.h"

namespace lathe {
namespace {

static_assert(std::endian::native == std::endian::little, "numbers are written as they lie in memory");

constexpr std::uint64_t kAlignment = 32;
constexpr std::size_t kPieceBytes = 4u << 20;
constexpr std::size_t kMostNameBytes = 63;
constexpr std::size_t kMostDimensions = 4;

// Numbers of value types, rows of gguf_metadata.cc.
enum ValueType : std::uint32_t {
  kU8 = 0,
  kU32 = 4,
  kI32 = 5,
  kF32 = 6,
  kBool = 7,
  kString = 8,
  kArray = 9,
  kU64 = 10,
  kI64 = 11,
};

constexpr std::string_view kArchitecture = "general.architecture";
/// Arrays of bytes.
constexpr std::string_view kCharacterMap = "tokenizer.ggml.precompiled_charsmap";

std::uint64_t aligned(std::uint64_t bytes) { return (bytes + kAlignment - 1) / kAlignment * kAlignment; }

/// The keys, or nothing but their bytes.
class Head {
 public:
  explicit Head(const Checkpoint& checkpoint) : checkpoint_(checkpoint) {}

  template <class Number>
  void number(Number value) {
    bytes_.append(reinterpret_cast<const char*>(&value), sizeof(value));
  }

  void text(std::string_view value) {
    number<std::uint64_t>(value.size());
    bytes_ += value;
  }

  void entry(std::string_view key, const MetadataValue& value) {
    key_ = key;
    text(key);
    std::visit([this](const auto& kind) { put(kind); }, value);
  }

  std::string take() {
    bytes_.resize(aligned(bytes_.size()));
    return std::move(bytes_);
  }

 private:
  void put(std::int64_t value) {
    if (value >= 0) return put(static_cast<std::uint64_t>(value));
    const bool fits = value >= std::numeric_limits<std::int32_t>::min();
    number<std::uint32_t>(fits ? kI32 : kI64);
    fits ? number(static_cast<std::int32_t>(value)) : number(value);
  }
  void put(std::uint64_t value) {
    const bool fits = value <= std::numeric_limits<std::uint32_t>::max();
    number<std::uint32_t>(fits ? kU32 : kU64);
    fits ? number(static_cast<std::uint32_t>(value)) : number(value);
  }
  void put(double value) {
    number<std::uint32_t>(kF32);
    number(to_float(value));
  }
  void put(bool value) {
    number<std::uint32_t>(kBool);
    number<std::uint8_t>(value);
  }
  void put(const std::string& value) {
    number<std::uint32_t>(kString);
    text(value);
  }
  void put(const std::vector<std::int64_t>& values) {
    const bool fits = std::all_of(values.begin(), values.end(), [](std::int64_t value) {
      return value >= std::numeric_limits<std::int32_t>::min() &&
             value <= std::numeric_limits<std::int32_t>::max();
    });
    if (key_ == kCharacterMap) {
      array(kU8, values, [this](std::int64_t value) { number(static_cast<std::uint8_t>(value)); });
    } else if (fits) {
      array(kI32, values, [this](std::int64_t value) { number(static_cast<std::int32_t>(value)); });
    } else {
      array(kI64, values, [this](std::int64_t value) { number(value); });
    }
  }
  void put(const std::vector<double>& values) {
    array(kF32, values, [this](double value) { number(to_float(value)); });
  }
  void put(const std::vector<bool>& values) {
    array(kBool, values, [this](bool value) { number<std::uint8_t>(value); });
  }
  void put(const std::vector<std::string>& values) {
    array(kString, values, [this](const std::string& value) { text(value); });
  }

  template <class Values, class PutOne>
  void array(ValueType type, const Values& values, const PutOne& put_one) {
    number<std::uint32_t>(kArray);
    number<std::uint32_t>(type);
    number<std::uint64_t>(values.size());
    for (const auto& value : values) put_one(value);
  }

  float to_float(double value) const {
    const auto narrow = static_cast<float>(value);
    if (std::isfinite(value) && !std::isfinite(narrow))
      throw Error(ErrorCode::unsupported, std::to_string(value) + " is no float32, which GGUF has for it",
                  {checkpoint_.file, {}, std::string(key_)});
    return narrow;
  }

  const Checkpoint& checkpoint_;
  std::string_view key_;
  std::string bytes_;
};

bool is_written(std::string_view key) { return key != kArchitecture && key != "general.alignment"; }

std::uint32_t type_of(const Checkpoint& checkpoint, const std::string& name, const TensorView& tensor) {
  const auto fail = [&](const std::string& message) {
    throw Error(ErrorCode::unsupported, message, {checkpoint.file, {}, printable(name)});
  };
  if (name.empty() || name.size() > kMostNameBytes)
    fail("GGUF has no place for a tensor's name of " + std::to_string(name.size()) + " bytes");
  if (tensor.shape.size() > kMostDimensions)
    fail("GGUF has no place for a tensor of " + std::to_string(tensor.shape.size()) + " dimensions");
  const auto number = gguf_type_number(tensor.dtype);
  if (!number) fail("GGUF has no type for " + std::string(info(tensor.dtype).name));
  return *number;
}

}  // namespace

GgufWriter::GgufWriter(const Checkpoint& checkpoint) : checkpoint_(checkpoint) {
  Head head(checkpoint);
  const auto keys = std::count_if(checkpoint.metadata.begin(), checkpoint.metadata.end(),
                                  [](const auto& entry) { return is_written(entry.first); });
  head.number<std::uint32_t>(std::bit_cast<std::uint32_t>(std::array{'G', 'G', 'U', 'F'}));
  head.number<std::uint32_t>(3);
  head.number<std::uint64_t>(checkpoint.tensor_names.size());
  head.number<std::uint64_t>(static_cast<std::uint64_t>(keys) + (checkpoint.architecture.empty() ? 0 : 1));
  if (!checkpoint.architecture.empty()) head.entry(kArchitecture, checkpoint.architecture);
  for (const auto& [key, value] : checkpoint.metadata)
    if (is_written(key)) head.entry(key, value);

  std::uint64_t offset = 0;
  for (const std::string& name : checkpoint.tensor_names) {
    const TensorView& tensor = checkpoint.tensors.at(name);
    const std::uint32_t type = type_of(checkpoint, name, tensor);
    head.text(name);
    // A scalar has no dimensions in Lathe; GGUF has at least one.
    head.number(static_cast<std::uint32_t>(std::max<std::size_t>(1, tensor.shape.size())));
    if (tensor.shape.empty()) head.number<std::uint64_t>(1);
    for (auto size = tensor.shape.rbegin(); size != tensor.shape.rend(); ++size)
      head.number(static_cast<std::uint64_t>(*size));
    head.number(type);
    head.number(offset);
    offset += aligned(tensor.bytes());
  }
  head_ = head.take();
  file_bytes_ = head_.size() + offset;
}

void GgufWriter::write(const WriteBytes& write, const ProduceTensor& produce) const {
  write(std::as_bytes(std::span(head_)));
  constexpr std::array<std::byte, kAlignment> kZeros = {};
  for (const std::string& name : checkpoint_.tensor_names) {
    const TensorView& tensor = checkpoint_.tensors.at(name);
    std::uint64_t written = 0;
    produce(name, tensor, [&](std::span<const std::byte> bytes) {
      written += bytes.size();
      write(bytes);
    });
    CHECK(written == tensor.bytes());
    const std::uint64_t padding = aligned(written) - written;
    if (padding > 0) write(std::span(kZeros).first(padding));
  }
}

void GgufWriter::write(const WriteBytes& write) const {
  this->write(write, [](const std::string&, const TensorView& tensor, const WriteBytes& write_piece) {
    std::span<const std::byte> left(tensor.data, tensor.bytes());
    while (!left.empty()) {
      const std::size_t piece = std::min(left.size(), kPieceBytes);
      write_piece(left.first(piece));
      left = left.subspan(piece);
    }
  });
}

}  // namespace lathe
