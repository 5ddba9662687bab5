// A file that appears whole under its name, or not at all. Until then it has no name, where the filesystem
// allows that, so that even a killed program leaves nothing behind; elsewhere it has a name of its own beside
// the target. Only a regular file or nothing is replaced: symbolic links stay and their target is replaced,
// and FIFOs, devices and /dev/stdout are written in place.
#pragma once

#include <cstddef>
#include <cstdio>
#include <memory>
#include <string>

namespace lathe::apps {

class OutputFile {
 public:
  /// Throws Error(io), as all below do.
  explicit OutputFile(std::string path);
  ~OutputFile();
  OutputFile(const OutputFile&) = delete;
  OutputFile& operator=(const OutputFile&) = delete;

  void write(const void* data, std::size_t bytes);
  void flush();
  void finish();  // after flush(): gives it its name
  void discard() noexcept;

 private:
  [[noreturn]] void fail() const;
  int open_target();
  int open_unnamed(const std::string& folder);
  int open_temporary();
  void link_unnamed();

  struct Close {
    void operator()(std::FILE* file) const { std::fclose(file); }
  };
  std::string path_;
  std::string target_;     // that is replaced; empty: written in place
  std::string temporary_;  // empty: the file has no name, or already its own
  bool unnamed_ = false;
  std::unique_ptr<std::FILE, Close> file_;
};

}  // namespace lathe::apps
