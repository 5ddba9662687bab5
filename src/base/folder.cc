#include "base/folder.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>

#include "base/error.h"

namespace lathe {
namespace {

[[noreturn]] void fail(const std::string& path, int error) {
  throw Error(error == ENOENT ? ErrorCode::not_found : ErrorCode::io,
              std::string("cannot be opened: ") + std::strerror(error), {path, {}, {}});
}

[[noreturn]] void refuse(const std::string& message, const std::string& path) {
  throw Error(ErrorCode::invalid_file, message, {path, {}, {}});
}

bool is_plain_name(std::string_view name) {
  return !name.empty() && name.size() <= NAME_MAX && name != "." && name != ".." &&
         name.find_first_of(std::string_view("/\\\0", 3)) == std::string_view::npos;
}

/// Where the cache keeps contents, seen from a folder so far below the snapshot.
std::string blobs_from(int depth) {
  std::string path = "../../blobs";
  for (int i = 0; i < depth; ++i) path.insert(0, "../");
  return path;
}

/// The hash in <blobs>/<hash>, 40 or 64 hexadecimal digits; empty for any other target.
std::string blob_name(int folder, const std::string& blobs, const std::string& name) {
  std::array<char, 256> target{};
  const auto length = ::readlinkat(folder, name.c_str(), target.data(), target.size());
  if (length <= 0) return {};
  const std::string_view text(target.data(), static_cast<std::size_t>(length));
  if (!text.starts_with(blobs) || text.substr(blobs.size(), 1) != "/") return {};
  const std::string_view hash = text.substr(blobs.size() + 1);
  const bool digits = std::all_of(hash.begin(), hash.end(),
                                  [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
  return digits && (hash.size() == 40 || hash.size() == 64) ? std::string(hash) : std::string();
}

Descriptor open_in(int folder, const std::string& name) {
  return Descriptor(::openat(folder, name.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOFOLLOW));
}

}  // namespace

std::shared_ptr<const Folder> Folder::open(const std::string& path) {
  if (path.find('\0') != std::string::npos)  // the system would open what stands before it
    throw Error(ErrorCode::not_found, "a path cannot hold a zero byte", {path, {}, {}});
  Descriptor descriptor(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (descriptor.get() < 0) fail(path, errno);
  std::string shown = path;
  while (shown.size() > 1 && shown.back() == '/') shown.pop_back();
  return std::shared_ptr<const Folder>(new Folder(std::move(shown), std::move(descriptor), 0));
}

std::vector<std::string> Folder::names() const {
  std::vector<std::string> names;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(path_, error))
    names.push_back(entry.path().filename().string());
  std::sort(names.begin(), names.end());
  return names;
}

bool Folder::has(std::string_view name) const {
  struct stat status {};
  return is_plain_name(name) &&
         ::fstatat(descriptor_.get(), std::string(name).c_str(), &status, AT_SYMLINK_NOFOLLOW) == 0;
}

std::shared_ptr<const MappedFile> Folder::map(const std::string& name) const {
  if (!is_plain_name(name))
    refuse("'" + printable(name) + "' is not the name of a file in the folder", path_);
  const Descriptor file = open_in(descriptor_.get(), name);
  if (file.get() >= 0) return MappedFile::of_descriptor(file.get(), path_of(name));
  if (errno != ELOOP) fail(path_of(name), errno);
  const std::string blobs_path = blobs_from(depth_);
  const std::string blob = blob_name(descriptor_.get(), blobs_path, name);
  std::error_code failed;
  auto snapshot = std::filesystem::canonical(path_, failed);
  for (int i = 0; i < depth_; ++i) snapshot = snapshot.parent_path();
  if (blob.empty() || snapshot.parent_path().filename() != "snapshots")
    refuse("is a symbolic link; a model's files must lie in its folder", path_of(name));
  const Descriptor blobs(
      ::openat(descriptor_.get(), blobs_path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW));
  if (blobs.get() < 0) fail(path_of(name), errno);
  const Descriptor target = open_in(blobs.get(), blob);
  if (target.get() < 0) fail(path_of(name), errno);
  return MappedFile::of_descriptor(target.get(), path_of(name));
}

std::shared_ptr<const Folder> Folder::folder(const std::string& name) const {
  if (!is_plain_name(name))
    refuse("'" + printable(name) + "' is not the name of a folder in the folder", path_);
  Descriptor descriptor(
      ::openat(descriptor_.get(), name.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW));
  if (descriptor.get() < 0) fail(path_of(name), errno);
  return std::shared_ptr<const Folder>(new Folder(path_of(name), std::move(descriptor), depth_ + 1));
}

}  // namespace lathe
