#include "base/mapped_file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstring>

#include "base/descriptor.h"
#include "base/error.h"

namespace lathe {
namespace {

[[noreturn]] void fail(const std::string& path, const std::string& what, int error) {
  const auto code = error == ENOENT ? ErrorCode::not_found : ErrorCode::io;
  throw Error(code, what + ": " + std::strerror(error), {path, std::nullopt, {}});
}

}  // namespace

std::shared_ptr<const MappedFile> MappedFile::open(const std::string& path) {
  if (path.find('\0') != std::string::npos)  // the system would open what stands before it
    throw Error(ErrorCode::not_found, "a path cannot hold a zero byte", {path, std::nullopt, {}});
  const Descriptor descriptor(::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
  if (descriptor.get() < 0) fail(path, "cannot be opened", errno);
  return of_descriptor(descriptor.get(), path);
}

std::shared_ptr<const MappedFile> MappedFile::of_descriptor(int descriptor, const std::string& path) {
  struct stat status {};
  if (::fstat(descriptor, &status) != 0) fail(path, "cannot be examined", errno);
  if (!S_ISREG(status.st_mode)) throw Error(ErrorCode::io, "is not a regular file", {path, std::nullopt, {}});
  const auto size = static_cast<std::size_t>(status.st_size);
  if (size == 0) return std::shared_ptr<const MappedFile>(new MappedFile(path, {}));
  void* address = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, descriptor, 0);
  if (address == MAP_FAILED) fail(path, "cannot be mapped", errno);
  return std::shared_ptr<const MappedFile>(
      new MappedFile(path, {static_cast<const std::byte*>(address), size}));
}

MappedFile::~MappedFile() {
  if (!bytes_.empty()) ::munmap(const_cast<std::byte*>(bytes_.data()), bytes_.size());
}

}  // namespace lathe
