// A folder whose files are opened by their names inside it, and nothing else: names that lead elsewhere and
// symbolic links are refused. One link is known and followed: the one that Hugging Face's download cache
// makes, ../../blobs/<hash> in a folder below "snapshots" (and one "../" more in a folder of that folder).
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/descriptor.h"
#include "base/mapped_file.h"

namespace lathe {

class Folder {
 public:
  /// Throws Error(not_found or io) for what is missing, unreadable or no folder.
  static std::shared_ptr<const Folder> open(const std::string& path);

  const std::string& path() const { return path_; }
  std::vector<std::string> names() const;  // sorted; without "." and ".."
  bool has(std::string_view name) const;
  /// Throws Error(invalid_file) for a name that leads out of the folder and for a link, and what
  /// MappedFile::open throws.
  std::shared_ptr<const MappedFile> map(const std::string& name) const;
  /// A folder in it, under the same rules; throws like map().
  std::shared_ptr<const Folder> folder(const std::string& name) const;

 private:
  Folder(std::string path, Descriptor descriptor, int depth)
      : path_(std::move(path)), descriptor_(std::move(descriptor)), depth_(depth) {}
  std::string path_of(const std::string& name) const { return path_ + "/" + name; }

  std::string path_;
  Descriptor descriptor_;
  int depth_;  // below the folder that open() was asked for
};

}  // namespace lathe
