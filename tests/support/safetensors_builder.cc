#include "support/safetensors_builder.h"

namespace lathe::test {

std::string safetensors_file(std::string_view header, std::string_view data) {
  std::string bytes;
  for (int i = 0; i < 8; ++i)
    bytes += static_cast<char>((static_cast<std::uint64_t>(header.size()) >> (8 * i)) & 255);
  return bytes.append(header).append(data);
}

SafetensorsBuilder& SafetensorsBuilder::tensor(const std::string& name, const std::string& dtype,
                                               const std::vector<std::int64_t>& shape,
                                               std::string_view bytes) {
  std::string dimensions;
  for (const auto dimension : shape)
    dimensions += (dimensions.empty() ? "" : ",") + std::to_string(dimension);
  entries_ += (entries_.empty() ? "\"" : ",\"") + name + "\":{\"dtype\":\"" + dtype + "\",\"shape\":[" +
              dimensions + "],\"data_offsets\":[" + std::to_string(data_.size()) + "," +
              std::to_string(data_.size() + bytes.size()) + "]}";
  data_ += bytes;
  return *this;
}

SafetensorsBuilder& SafetensorsBuilder::floats(const std::string& name,
                                               const std::vector<std::int64_t>& shape,
                                               const std::vector<float>& values) {
  return tensor(name, "F32", shape,
                {reinterpret_cast<const char*>(values.data()), values.size() * sizeof(float)});
}

std::string SafetensorsBuilder::bytes() const {
  std::string padded = header();
  padded.append((8 - padded.size() % 8) % 8, ' ');
  return safetensors_file(padded, data_);
}

}  // namespace lathe::test
