// Writes safetensors files, whole ones and ones that no writer would write.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace lathe::test {

/// Length, header, data.
std::string safetensors_file(std::string_view header, std::string_view data);

class SafetensorsBuilder {
 public:
  /// `bytes` are the tensor's, as its type stores them.
  SafetensorsBuilder& tensor(const std::string& name, const std::string& dtype,
                             const std::vector<std::int64_t>& shape, std::string_view bytes);
  SafetensorsBuilder& floats(const std::string& name, const std::vector<std::int64_t>& shape,
                             const std::vector<float>& values);
  std::string header() const { return "{" + entries_ + "}"; }
  /// With the data aligned to 8 bytes, as writers do it.
  std::string bytes() const;

 private:
  std::string entries_;
  std::string data_;
};

}  // namespace lathe::test
