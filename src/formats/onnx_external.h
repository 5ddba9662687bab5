// Data of tensors in files beside the model:
//
//   location   names in the model's folder, apart with "/"; nothing that leads out of it, no link
//   offset     decimal, a multiple of the element's bytes; default 0
//   length     decimal; default: what the tensor needs
//   checksum   SHA-1 of the whole file, 40 hexadecimal digits: not computed, since it would read all of it
#pragma once

#include <map>
#include <memory>
#include <string>

#include "base/folder.h"
#include "base/mapped_file.h"

namespace lathe::onnx {

/// The files of one folder, mapped once each.
class ExternalFiles {
 public:
  explicit ExternalFiles(std::string folder) : path_(std::move(folder)) {}

  /// Throws Error(invalid_file) for a location that leads out of the folder, for links and for files that
  /// have a second name, and what Folder::map throws.
  std::shared_ptr<const MappedFile> map(const std::string& location);

 private:
  std::string path_;
  std::shared_ptr<const Folder> folder_;
  std::map<std::string, std::shared_ptr<const MappedFile>, std::less<>> files_;
};

}  // namespace lathe::onnx
