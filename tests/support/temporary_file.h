// A file of its own for one test, gone with the object.
#pragma once

#include <string>
#include <string_view>

namespace lathe::test {

class TemporaryFile {
 public:
  explicit TemporaryFile(std::string_view bytes = {}, std::string_view suffix = ".gguf");
  ~TemporaryFile();
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;

  const std::string& path() const { return path_; }
  void write(std::string_view bytes) const;

 private:
  std::string path_;
};

}  // namespace lathe::test
