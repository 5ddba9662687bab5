// A file that appears whole under its name, or not at all: written elsewhere, synchronized, then renamed.
// Until then it has no name, where the filesystem allows that, so that even a killed program leaves nothing
// behind; elsewhere it is NAME.PID.N.partial beside its target, locked while its writer lives. The next
// writer of NAME removes what dead ones left. Only a regular file or nothing is replaced: symbolic links stay
// and their target is replaced, and FIFOs, devices and /dev/stdout are written in place.
#pragma once

#include <cstddef>
#include <cstdio>
#include <memory>
#include <span>
#include <string>

namespace lathe {

class AtomicFile {
 public:
  /// Throws Error(io), as all below do.
  explicit AtomicFile(std::string path);
  ~AtomicFile();
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;

  void write(std::span<const std::byte> bytes);
  void write(const void* data, std::size_t bytes) { write({static_cast<const std::byte*>(data), bytes}); }
  void flush();   // to the disk
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

}  // namespace lathe
