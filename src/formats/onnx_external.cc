#include "formats/onnx_external.h"

#include <sys/stat.h>

#include "base/error.h"

namespace lathe::onnx {
namespace {

constexpr int kMaxFolders = 32;

}  // namespace

std::shared_ptr<const MappedFile> ExternalFiles::map(const std::string& location) {
  if (const auto found = files_.find(location); found != files_.end()) return found->second;
  if (location.empty() || location.front() == '/')
    throw Error(ErrorCode::invalid_file,
                "the location '" + printable(location) + "' is not the name of a file in the folder",
                {path_, std::nullopt, {}});
  if (folder_ == nullptr) folder_ = Folder::open(path_);
  auto folder = folder_;
  std::string rest = location;
  for (int depth = 0; depth < kMaxFolders; ++depth) {
    const std::size_t slash = rest.find('/');
    if (slash == std::string::npos) break;
    const std::string name = rest.substr(0, slash);
    if (name != ".") folder = folder->folder(name);
    rest.erase(0, slash + 1);
  }
  auto file = folder->map(rest);
  // Another name of the same file can lie anywhere.
  struct stat status {};
  if (::stat(file->path().c_str(), &status) != 0 || status.st_nlink > 1)
    throw Error(ErrorCode::invalid_file, "is a hard link; a model's files must lie in its folder alone",
                {file->path(), std::nullopt, {}});
  files_.emplace(location, file);
  return file;
}

}  // namespace lathe::onnx
