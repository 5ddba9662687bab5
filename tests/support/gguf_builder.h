// Builds GGUF files in memory, right ones and deliberately wrong ones.
#pragma once

#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace lathe::test {

/// A number as its little-endian bytes.
template <class T>
std::string number_bytes(T value) {
  std::string bytes(sizeof value, '\0');
  std::memcpy(bytes.data(), &value, sizeof value);
  return bytes;
}

/// u64 length, then the bytes.
std::string string_bytes(std::string_view text);

/// GGUF's value types.
enum class GgufType : std::uint32_t {
  u8,
  i8,
  u16,
  i16,
  u32,
  i32,
  f32,
  boolean,
  string,
  array,
  u64,
  i64,
  f64
};

struct GgufTensorSpec {
  std::string name;
  std::vector<std::uint64_t> dims;  // innermost first, as in the file
  std::uint32_t type = 0;           // ggml's number: 0 f32, 2 q4_0, 8 q8_0, ...
  std::string data;
  std::optional<std::uint64_t> offset;  // instead of the right one
};

class GgufBuilder {
 public:
  std::string magic = "GGUF";
  std::uint32_t version = 3;
  std::uint64_t alignment = 32;               // of the layout; the key is added separately
  std::optional<std::uint64_t> tensor_count;  // instead of the right ones
  std::optional<std::uint64_t> key_count;
  std::vector<GgufTensorSpec> tensors;

  /// A key with its value's type and bytes as given.
  GgufBuilder& raw(std::string_view key, std::uint32_t type, std::string_view value);

  GgufBuilder& u32(std::string_view key, std::uint32_t value);
  GgufBuilder& f32(std::string_view key, float value);
  GgufBuilder& boolean(std::string_view key, bool value);
  GgufBuilder& text(std::string_view key, std::string_view value);
  GgufBuilder& texts(std::string_view key, const std::vector<std::string>& values);
  GgufBuilder& i32s(std::string_view key, const std::vector<std::int32_t>& values);
  GgufBuilder& f32s(std::string_view key, const std::vector<float>& values);
  GgufBuilder& raw_array(std::string_view key, GgufType element, std::uint64_t count,
                         std::string_view elements);

  GgufBuilder& tensor(std::string name, std::vector<std::uint64_t> dims, std::uint32_t type,
                      std::string data);

  std::string bytes() const;
  /// Where the tensor table and the data section of bytes() start.
  std::size_t table_start() const { return 24 + keys_.size(); }
  std::size_t data_start() const;

 private:
  std::string table() const;

  std::string keys_;
  std::uint64_t keys_added_ = 0;
};

}  // namespace lathe::test
