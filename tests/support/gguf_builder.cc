#include "support/gguf_builder.h"

namespace lathe::test {
namespace {

void pad(std::string& bytes, std::uint64_t alignment) {
  if (alignment == 0) return;
  while (bytes.size() % alignment != 0) bytes += '\0';
}

template <class T>
std::string array_bytes(const std::vector<T>& values) {
  return {reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T)};
}

}  // namespace

std::string string_bytes(std::string_view text) {
  return number_bytes(static_cast<std::uint64_t>(text.size())) + std::string(text);
}

GgufBuilder& GgufBuilder::raw(std::string_view key, std::uint32_t type, std::string_view value) {
  keys_ += string_bytes(key) + number_bytes(type) + std::string(value);
  ++keys_added_;
  return *this;
}

GgufBuilder& GgufBuilder::u32(std::string_view key, std::uint32_t value) {
  return raw(key, static_cast<std::uint32_t>(GgufType::u32), number_bytes(value));
}

GgufBuilder& GgufBuilder::f32(std::string_view key, float value) {
  return raw(key, static_cast<std::uint32_t>(GgufType::f32), number_bytes(value));
}

GgufBuilder& GgufBuilder::boolean(std::string_view key, bool value) {
  return raw(key, static_cast<std::uint32_t>(GgufType::boolean), std::string(1, value ? '\1' : '\0'));
}

GgufBuilder& GgufBuilder::text(std::string_view key, std::string_view value) {
  return raw(key, static_cast<std::uint32_t>(GgufType::string), string_bytes(value));
}

GgufBuilder& GgufBuilder::texts(std::string_view key, const std::vector<std::string>& values) {
  std::string elements;
  for (const auto& value : values) elements += string_bytes(value);
  return raw_array(key, GgufType::string, values.size(), elements);
}

GgufBuilder& GgufBuilder::i32s(std::string_view key, const std::vector<std::int32_t>& values) {
  return raw_array(key, GgufType::i32, values.size(), array_bytes(values));
}

GgufBuilder& GgufBuilder::f32s(std::string_view key, const std::vector<float>& values) {
  return raw_array(key, GgufType::f32, values.size(), array_bytes(values));
}

GgufBuilder& GgufBuilder::raw_array(std::string_view key, GgufType element, std::uint64_t count,
                                    std::string_view elements) {
  return raw(key, static_cast<std::uint32_t>(GgufType::array),
             number_bytes(static_cast<std::uint32_t>(element)) + number_bytes(count) + std::string(elements));
}

GgufBuilder& GgufBuilder::tensor(std::string name, std::vector<std::uint64_t> dims, std::uint32_t type,
                                 std::string data) {
  tensors.push_back({std::move(name), std::move(dims), type, std::move(data), std::nullopt});
  return *this;
}

std::string GgufBuilder::table() const {
  std::string rows;
  std::string data;  // only its length matters here
  for (const auto& tensor : tensors) {
    rows += string_bytes(tensor.name) + number_bytes(static_cast<std::uint32_t>(tensor.dims.size()));
    for (const auto dim : tensor.dims) rows += number_bytes(dim);
    rows += number_bytes(tensor.type) + number_bytes(tensor.offset.value_or(data.size()));
    data += tensor.data;
    pad(data, alignment);
  }
  return rows;
}

std::size_t GgufBuilder::data_start() const {
  const std::size_t end = table_start() + table().size();
  return alignment == 0 ? end : (end + alignment - 1) / alignment * alignment;
}

std::string GgufBuilder::bytes() const {
  std::string out = magic + number_bytes(version) + number_bytes(tensor_count.value_or(tensors.size())) +
                    number_bytes(key_count.value_or(keys_added_)) + keys_ + table();
  pad(out, alignment);
  for (const auto& tensor : tensors) {
    out += tensor.data;
    pad(out, alignment);
  }
  return out;
}

}  // namespace lathe::test
