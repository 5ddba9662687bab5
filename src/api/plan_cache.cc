#include "api/plan_cache.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <string_view>
#include <vector>

#include "api/engine_version.h"
#include "api/plan_cache_key.h"
#include "base/atomic_file.h"
#include "base/descriptor.h"
#include "base/error.h"

namespace lathe {
namespace {

namespace files = std::filesystem;

constexpr std::uint64_t kMostBytes = std::uint64_t{8} << 30;
constexpr std::size_t kMostPlans = 64;
constexpr std::uint64_t kFreePart = 10;  // the cache may have one of so many
constexpr std::size_t kKeyDigits = 32;
constexpr std::uint64_t kFlushBytes = std::uint64_t{64} << 20;  // so that no single one takes long
constexpr std::string_view kSuffix = ".plan";
constexpr std::string_view kPartialSuffix = ".partial";

std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? std::string() : std::string(value);
}

std::uint64_t chosen_bytes() {
  const std::string text = environment("LATHE_PLAN_CACHE_BYTES");
  if (text.empty()) return kMostBytes;
  std::uint64_t bytes = 0;
  const auto [rest, error] = std::from_chars(text.data(), text.data() + text.size(), bytes);
  if (error != std::errc() || rest != text.data() + text.size())
    throw Error(ErrorCode::invalid_argument,
                "LATHE_PLAN_CACHE_BYTES is \"" + printable(text) + "\", not a number of bytes",
                {{}, {}, "LATHE_PLAN_CACHE_BYTES"});
  return bytes;
}

std::string folder_path() {
  if (auto chosen = environment("LATHE_PLAN_CACHE_DIR"); !chosen.empty()) return chosen;
  if (const auto cache = environment("XDG_CACHE_HOME"); !cache.empty()) return cache + "/lathe/plans";
  const auto home = environment("HOME");
  return home.empty() ? home : home + "/.cache/lathe/plans";
}

/// Of the cache: a key, then the engine's version or more.
bool has_key(std::string_view name) {
  return name.size() > kKeyDigits + 1 && name[kKeyDigits] == '.' &&
         name.substr(0, kKeyDigits).find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

struct StoredPlan {
  files::path path;
  std::uint64_t bytes = 0;
  files::file_time_type used;
};

/// A file that can be locked has no writer: it was killed.
void remove_leftover(const files::path& path) {
  const Descriptor left(::open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  if (left.get() >= 0 && ::flock(left.get(), LOCK_EX | LOCK_NB) == 0) ::unlink(path.c_str());
}

/// Those used last come last. Leftovers of killed writers go.
std::vector<StoredPlan> stored_plans(const std::string& folder) {
  std::vector<StoredPlan> plans;
  std::error_code error;
  for (files::directory_iterator at(folder, error), end; !error && at != end; at.increment(error)) {
    const std::string name = at->path().filename().string();
    std::error_code gone;
    if (!has_key(name) || at->is_symlink(gone) || !at->is_regular_file(gone)) continue;
    if (name.ends_with(kPartialSuffix)) remove_leftover(at->path());
    if (!name.ends_with(kSuffix)) continue;
    StoredPlan plan{at->path(), at->file_size(gone), {}};
    if (!gone) plan.used = at->last_write_time(gone);
    if (!gone) plans.push_back(std::move(plan));
  }
  std::ranges::sort(plans, {}, &StoredPlan::used);
  return plans;
}

void make_folder(const files::path& folder) {
  if (folder.has_parent_path()) files::create_directories(folder.parent_path());
  ::mkdir(folder.c_str(), 0700);  // where it cannot be made, nothing can be written
}

}  // namespace

std::optional<PlanCacheFolder> plan_cache_folder() {
  PlanCacheFolder folder{folder_path(), chosen_bytes()};
  if (folder.path.empty() || folder.most_bytes == 0) return std::nullopt;
  return folder;
}

std::optional<PlanCacheEntry> PlanCacheEntry::of(const PlanCacheFolder& folder, const std::string& model,
                                                 const ModelOptions& options) {
  // A timing cache is to be read and added to.
  if (!options.weights || !options.timing_cache.empty()) return std::nullopt;
  const auto key = plan_cache_key(model, options);
  if (!key) return std::nullopt;
  return PlanCacheEntry(folder, model, options,
                        to_string(*key) + "." + engine_version() + std::string(kSuffix));
}

std::shared_ptr<const PlanFile> PlanCacheEntry::find() const {
  std::error_code error;
  if (!files::exists(path(), error)) return nullptr;
  try {
    auto plan = PlanFile::open(path());
    if (plan->stripped()) throw Error(ErrorCode::invalid_file, "the plan has no weights", {path(), {}, {}});
    files::last_write_time(path(), files::file_time_type::clock::now(), error);
    return plan;
  } catch (const Error&) {
    remove();
    return nullptr;
  }
}

void PlanCacheEntry::remove() const {
  std::error_code error;
  files::remove(path(), error);
}

/// Throws Error(resource_limit) where so many bytes have no place at all.
void PlanCacheEntry::make_room(std::uint64_t bytes) const {
  auto plans = stored_plans(folder_.path);
  std::erase_if(plans, [&](const StoredPlan& plan) { return plan.path == path(); });  // it is replaced
  std::uint64_t held = 0;
  for (const auto& plan : plans) held += plan.bytes;
  std::error_code error;
  const auto space = files::space(folder_.path, error);
  if (error) throw Error(ErrorCode::io, error.message(), {folder_.path, {}, {}});
  const std::uint64_t most = std::min(folder_.most_bytes, (space.available + held) / kFreePart);
  if (bytes > most)
    throw Error(ErrorCode::resource_limit, "the plan is larger than the cache", {path(), {}, {}});
  std::size_t count = plans.size();
  for (const auto& plan : plans) {
    if (held <= most - bytes && count < kMostPlans) return;
    if (!files::remove(plan.path, error) && error) continue;
    held -= plan.bytes;
    --count;
  }
  if (held > most - bytes || count >= kMostPlans)
    throw Error(ErrorCode::io, "the cache has plans that cannot be removed", {folder_.path, {}, {}});
}

void PlanCacheEntry::store(const std::function<void(const Write&)>& make) const {
  std::unique_ptr<AtomicFile> file;
  std::uint64_t expected = 0;
  std::uint64_t written = 0;
  std::uint64_t flushed = 0;
  const auto take = [&](std::span<const std::byte> bytes, std::uint64_t total) {
    if (file == nullptr) {
      make_folder(folder_.path);
      make_room(total);
      file = std::make_unique<AtomicFile>(path());
      expected = total;
    }
    file->write(bytes);
    written += bytes.size();
    if (written - flushed < kFlushBytes) return;
    file->flush();
    flushed = written;
  };
  bool failed = false;
  try {
    make([&](std::span<const std::byte> bytes, std::uint64_t total) {
      if (failed) return;
      try {
        take(bytes, total);
      } catch (const std::exception&) {
        failed = true;
      }
    });
    if (failed || file == nullptr || written != expected) return;
    const auto key = plan_cache_key(model_, options_);
    if (!key || !name_.starts_with(to_string(*key))) return;
    file->flush();
    file->finish();
  } catch (const std::exception&) {
    return;  // the model runs without
  }
}

}  // namespace lathe
