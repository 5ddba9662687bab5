// Writes a float32 array row by row:
//   \x93NUMPY 1 0 | u16 header length | {'descr': '<f4', ...} padded with spaces to a multiple of 64, \n |
//   rows
// The file appears whole under its name, or not at all.
#pragma once

#include <cstdint>
#include <cstdio>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace lathe::apps {

class NpyWriter {
 public:
  /// Throws Error(io).
  NpyWriter(std::string path, const std::vector<std::int64_t>& shape);
  ~NpyWriter();
  NpyWriter(const NpyWriter&) = delete;
  NpyWriter& operator=(const NpyWriter&) = delete;

  void write(std::span<const float> row);
  void finish();

 private:
  [[noreturn]] void fail() const;
  void write_bytes(const void* data, std::size_t bytes);

  struct Close {
    void operator()(std::FILE* file) const { std::fclose(file); }
  };
  std::string path_;
  std::string temporary_;  // beside it; empty once it has its name
  std::unique_ptr<std::FILE, Close> file_;
};

}  // namespace lathe::apps
