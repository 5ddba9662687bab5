#include "base/atomic_file.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>
#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <optional>

#include "base/descriptor.h"
#include "base/error.h"

namespace lathe {
namespace {

constexpr int kMostLinks = 40;  // as the kernel follows
constexpr int kMostNames = 1000;
constexpr mode_t kMode = 0666;  // less the umask
constexpr std::string_view kSuffix = ".partial";

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
  return target + "." + std::to_string(::getpid()) + "." + std::to_string(number) + std::string(kSuffix);
}

/// NAME.PID.N.partial
bool is_name_beside(std::string_view name, std::string_view target) {
  if (!name.starts_with(target) || !name.ends_with(kSuffix)) return false;
  if (name.size() < target.size() + kSuffix.size() + 4) return false;
  const auto middle = name.substr(target.size(), name.size() - target.size() - kSuffix.size());
  return middle.front() == '.' && middle.back() != '.' && middle[1] != '.' &&
         std::ranges::count(middle, '.') == 2 &&
         std::ranges::all_of(middle, [](char c) { return c == '.' || (c >= '0' && c <= '9'); });
}

/// A lock ends with its process, so that a file that can be locked has no writer.
void remove_leftovers(const std::string& target) {
  const std::filesystem::path path(target);
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(folder_of(path), error)) {
    if (!is_name_beside(entry.path().filename().string(), path.filename().string())) continue;
    const Descriptor left(::open(entry.path().c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
    if (left.get() >= 0 && ::flock(left.get(), LOCK_EX | LOCK_NB) == 0) ::unlink(entry.path().c_str());
  }
}

/// False where it was removed as a leftover before it was locked.
bool lock(int descriptor) {
  struct stat status {};
  ::flock(descriptor, LOCK_EX | LOCK_NB);  // a filesystem without locks keeps its leftovers
  return ::fstat(descriptor, &status) == 0 && status.st_nlink > 0;
}

}  // namespace

AtomicFile::AtomicFile(std::string path) : path_(std::move(path)) {
  const int descriptor = open_target();
  if (descriptor < 0) fail();
  file_.reset(::fdopen(descriptor, "wb"));
  if (!file_) fail();
}

AtomicFile::~AtomicFile() { discard(); }

int AtomicFile::open_target() {
  struct stat status {};
  const bool exists = ::stat(path_.c_str(), &status) == 0;
  if (!exists && errno != ENOENT) return -1;
  const auto target =
      exists && !S_ISREG(status.st_mode) ? std::nullopt : behind_links(std::filesystem::path(path_));
  if (!target) return ::open(path_.c_str(), O_WRONLY | O_TRUNC | O_CLOEXEC);
  target_ = *target;
  remove_leftovers(target_);
  int descriptor = open_unnamed(folder_of(target_));
  unnamed_ = descriptor >= 0;
  if (!unnamed_) descriptor = open_temporary();
  if (descriptor >= 0 && exists) ::fchmod(descriptor, status.st_mode & 0777);
  return descriptor;
}

int AtomicFile::open_unnamed(const std::string& folder) {
  const int descriptor = ::open(folder.c_str(), O_TMPFILE | O_WRONLY | O_CLOEXEC, kMode);
  if (descriptor < 0) return -1;
  if (::access(descriptor_path(descriptor).c_str(), F_OK) == 0) {
    ::flock(descriptor, LOCK_EX | LOCK_NB);  // before it has a name
    return descriptor;
  }
  ::close(descriptor);  // it could not be named later
  return -1;
}

int AtomicFile::open_temporary() {
  for (int i = 0; i < kMostNames; ++i) {
    std::string name = name_beside(target_, i);
    const int descriptor = ::open(name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, kMode);
    if (descriptor < 0 && errno != EEXIST) return -1;
    if (descriptor < 0) continue;
    if (lock(descriptor)) {
      temporary_ = std::move(name);
      return descriptor;
    }
    ::close(descriptor);
  }
  errno = EEXIST;
  return -1;
}

void AtomicFile::link_unnamed() {
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

void AtomicFile::write(std::span<const std::byte> bytes) {
  if (std::fwrite(bytes.data(), 1, bytes.size(), file_.get()) != bytes.size()) fail();
}

void AtomicFile::flush() {
  if (std::fflush(file_.get()) != 0) fail();
  // A FIFO or device written in place has no disk behind it.
  if (!target_.empty() && ::fsync(::fileno(file_.get())) != 0) fail();
}

void AtomicFile::finish() {
  if (unnamed_) link_unnamed();
  if (!temporary_.empty() && std::rename(temporary_.c_str(), target_.c_str()) != 0) fail();
  temporary_.clear();
  if (target_.empty()) return;
  // The new name itself. A filesystem that cannot do this for folders says so with EINVAL.
  const Descriptor folder(::open(folder_of(target_).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (folder.get() >= 0 && ::fsync(folder.get()) != 0 && errno != EINVAL) fail();
}

void AtomicFile::discard() noexcept {
  if (!temporary_.empty()) ::unlink(temporary_.c_str());
}

void AtomicFile::fail() const { throw Error(ErrorCode::io, std::strerror(errno), {path_, {}, {}}); }

}  // namespace lathe
