// A regular file mapped read-only; pages are read when touched.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>

namespace lathe {

class MappedFile {
 public:
  /// Throws Error(not_found or io) for what is missing, unreadable or not a regular file; never blocks on a
  /// FIFO.
  static std::shared_ptr<const MappedFile> open(const std::string& path);
  /// The file behind an open descriptor, which stays the caller's; `path` is for messages.
  static std::shared_ptr<const MappedFile> of_descriptor(int descriptor, const std::string& path);
  ~MappedFile();
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;

  std::span<const std::byte> bytes() const { return bytes_; }
  const std::string& path() const { return path_; }

 private:
  MappedFile(std::string path, std::span<const std::byte> bytes) : path_(std::move(path)), bytes_(bytes) {}
  std::string path_;
  std::span<const std::byte> bytes_;
};

}  // namespace lathe
