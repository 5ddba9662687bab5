#include "apps/output_file.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <optional>

#include "lathe/lathe.h"

namespace lathe::apps {
namespace {

constexpr int kMostLinks = 40;  // as the kernel follows
constexpr int kMostNames = 1000;
constexpr mode_t kMode = 0666;  // less the umask

std::string folder_of(const std::filesystem::path& path) {
  return path.has_parent_path() ? path.parent_path().string() : ".";
}

/// Links there, such as /dev/stdout in the end, stand for what a process has open and have no path to
/// replace.
bool in_process_files(const std::filesystem::path& path) {
  struct statfs status {};
  return ::statfs(folder_of(path).c_str(), &status) == 0 && status.f_type == PROC_SUPER_MAGIC;
}

/// What `path` leads to, which need not exist.
std::optional<std::string> behind_links(std::filesystem::path path) {
  for (int i = 0; i < kMostLinks; ++i) {
    std::error_code error;
    if (!std::filesystem::is_symlink(path, error)) return path.string();
    if (in_process_files(path)) return std::nullopt;
    const auto next = std::filesystem::read_symlink(path, error);
    if (error) return std::nullopt;
    path = next.is_absolute() ? next : path.parent_path() / next;
  }
  return std::nullopt;
}

std::string descriptor_path(int descriptor) { return "/proc/self/fd/" + std::to_string(descriptor); }

std::string name_beside(const std::string& target, int number) {
  return target + "." + std::to_string(::getpid()) + "." + std::to_string(number);
}

}  // namespace

OutputFile::OutputFile(std::string path) : path_(std::move(path)) {
  const int descriptor = open_target();
  if (descriptor < 0) fail();
  file_.reset(::fdopen(descriptor, "wb"));
  if (!file_) fail();
}

OutputFile::~OutputFile() { discard(); }

int OutputFile::open_target() {
  struct stat status {};
  const bool exists = ::stat(path_.c_str(), &status) == 0;
  if (!exists && errno != ENOENT) return -1;
  const auto target =
      exists && !S_ISREG(status.st_mode) ? std::nullopt : behind_links(std::filesystem::path(path_));
  if (!target) return ::open(path_.c_str(), O_WRONLY | O_TRUNC | O_CLOEXEC);
  target_ = *target;
  int descriptor = open_unnamed(folder_of(target_));
  unnamed_ = descriptor >= 0;
  if (!unnamed_) descriptor = open_temporary();
  if (descriptor >= 0 && exists) ::fchmod(descriptor, status.st_mode & 0777);
  return descriptor;
}

int OutputFile::open_unnamed(const std::string& folder) {
  const int descriptor = ::open(folder.c_str(), O_TMPFILE | O_WRONLY | O_CLOEXEC, kMode);
  if (descriptor < 0 || ::access(descriptor_path(descriptor).c_str(), F_OK) == 0) return descriptor;
  ::close(descriptor);  // it could not be named later
  return -1;
}

int OutputFile::open_temporary() {
  for (int i = 0; i < kMostNames; ++i) {
    std::string name = name_beside(target_, i);
    const int descriptor = ::open(name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, kMode);
    if (descriptor >= 0) temporary_ = std::move(name);
    if (descriptor >= 0 || errno != EEXIST) return descriptor;
  }
  return -1;
}

void OutputFile::link_unnamed() {
  const std::string source = descriptor_path(::fileno(file_.get()));
  const auto link_as = [&](const std::string& name) {
    return ::linkat(AT_FDCWD, source.c_str(), AT_FDCWD, name.c_str(), AT_SYMLINK_FOLLOW) == 0;
  };
  if (link_as(target_)) return;
  for (int i = 0; errno == EEXIST && i < kMostNames; ++i) {
    std::string name = name_beside(target_, i);
    if (!link_as(name)) continue;
    temporary_ = std::move(name);
    return;
  }
  fail();
}

void OutputFile::write(const void* data, std::size_t bytes) {
  if (std::fwrite(data, 1, bytes, file_.get()) != bytes) fail();
}

void OutputFile::flush() {
  if (std::fflush(file_.get()) != 0) fail();
}

void OutputFile::finish() {
  if (unnamed_) link_unnamed();
  if (!temporary_.empty() && std::rename(temporary_.c_str(), target_.c_str()) != 0) fail();
  temporary_.clear();
}

void OutputFile::discard() noexcept {
  if (!temporary_.empty()) ::unlink(temporary_.c_str());
}

void OutputFile::fail() const { throw Error(ErrorCode::io, std::strerror(errno), {path_, {}, {}}); }

}  // namespace lathe::apps
