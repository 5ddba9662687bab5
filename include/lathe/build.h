// Files that are written for later.
#pragma once

#include <cstddef>
#include <memory>
#include <string>

namespace lathe {

/// A file that appears whole under its name, or not at all: until finish() what was there before stays, even
/// where the program is killed or the disk is full. Symbolic links stay and their target is replaced; FIFOs,
/// devices and /dev/stdout are written in place. Every function throws Error(io).
class OutputFile {
 public:
  explicit OutputFile(const std::string& path);
  ~OutputFile();
  OutputFile(const OutputFile&) = delete;
  OutputFile& operator=(const OutputFile&) = delete;

  void write(const void* data, std::size_t bytes);
  void flush();   // to the disk
  void finish();  // after flush(): gives it its name
  void discard() noexcept;

 private:
  std::unique_ptr<class AtomicFile> file_;
};

}  // namespace lathe
