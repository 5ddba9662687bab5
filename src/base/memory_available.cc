#include "base/memory_available.h"

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <fstream>
#include <limits>
#include <sstream>

#include "base/checked.h"
#include "base/error.h"

namespace lathe {
namespace {

namespace fs = std::filesystem;

std::optional<std::string> text_of(const fs::path& path) {
  std::ifstream file(path);
  if (!file) return std::nullopt;
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

std::optional<std::uint64_t> number_in(std::string_view text) {
  const auto first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) return std::nullopt;
  std::uint64_t value = 0;
  const auto result = std::from_chars(text.data() + first, text.data() + text.size(), value);
  if (result.ec != std::errc()) return std::nullopt;
  return value;
}

std::optional<std::uint64_t> number_of(const fs::path& path) {
  const auto text = text_of(path);
  return text ? number_in(*text) : std::nullopt;
}

/// The number behind `key` in lines of "key number".
std::optional<std::uint64_t> number_behind(const fs::path& path, std::string_view key) {
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);)
    if (line.starts_with(key)) return number_in(std::string_view(line).substr(key.size()));
  return std::nullopt;
}

std::uint64_t left(std::uint64_t limit, std::uint64_t used) { return limit - std::min(limit, used); }

std::optional<std::uint64_t> left_on_the_machine(const fs::path& root) {
  const auto kilobytes = number_behind(root / "proc/meminfo", "MemAvailable:");
  return kilobytes ? std::optional(*kilobytes * 1024) : std::nullopt;
}

std::optional<std::uint64_t> left_of_the_address_space(const fs::path& root) {
  rlimit limit{};
  if (::getrlimit(RLIMIT_AS, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) return std::nullopt;
  const auto pages = number_of(root / "proc/self/statm");
  if (!pages) return std::nullopt;
  return left(limit.rlim_cur, *pages * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE)));
}

/// Of one control group's folder; files are pages that can be given up.
std::optional<std::uint64_t> left_in_group(const fs::path& group, const char* limit_name,
                                           const char* used_name) {
  const auto limit = number_of(group / limit_name);
  const auto used = number_of(group / used_name);
  if (!limit || !used) return std::nullopt;  // "max" is no number: no limit
  const auto files = number_behind(group / "memory.stat", "inactive_file").value_or(0) +
                     number_behind(group / "memory.stat", "active_file").value_or(0);
  return left(*limit, left(*used, files));
}

/// Of the group and all that it lies in.
std::optional<std::uint64_t> left_up_to(const fs::path& top, const std::string& group, const char* limit_name,
                                        const char* used_name) {
  std::optional<std::uint64_t> least;
  fs::path folder = fs::path(group).relative_path();
  for (;;) {
    const auto bytes = left_in_group(top / folder, limit_name, used_name);
    if (bytes) least = std::min(least.value_or(*bytes), *bytes);
    if (folder.empty() || !folder.has_relative_path()) return least;
    folder = folder.has_parent_path() ? folder.parent_path() : fs::path();
  }
}

std::optional<std::uint64_t> left_in_control_groups(const fs::path& root) {
  std::ifstream file(root / "proc/self/cgroup");
  for (std::string line; std::getline(file, line);) {  // number:controllers:path
    const auto first = line.find(':');
    const auto second = first == std::string::npos ? first : line.find(':', first + 1);
    if (second == std::string::npos) continue;
    const std::string controllers = line.substr(first + 1, second - first - 1);
    const std::string path = line.substr(second + 1);
    std::optional<std::uint64_t> bytes;
    if (controllers.empty())
      bytes = left_up_to(root / "sys/fs/cgroup", path, "memory.max", "memory.current");
    else if (controllers == "memory")
      bytes =
          left_up_to(root / "sys/fs/cgroup/memory", path, "memory.limit_in_bytes", "memory.usage_in_bytes");
    if (bytes) return bytes;
  }
  return std::nullopt;
}

}  // namespace

std::optional<MemoryAvailable> memory_available(const fs::path& root) {
  std::optional<MemoryAvailable> least;
  const auto consider = [&](const std::optional<std::uint64_t>& bytes, const char* limit) {
    if (bytes && (!least || *bytes < least->bytes)) least = {*bytes, limit};
  };
  consider(left_on_the_machine(root), "the machine");
  consider(left_of_the_address_space(root), "the address space");
  consider(left_in_control_groups(root), "the control group");
  return least;
}

void require_memory(const MemoryNeeds& needs, const std::optional<MemoryAvailable>& available) {
  const auto tensors_and_cache = checked_add(needs.tensors, needs.cache);
  const auto sum = tensors_and_cache ? checked_add(*tensors_and_cache, needs.weights) : std::nullopt;
  if (sum && (!available || *sum <= available->bytes)) return;
  std::string parts;
  const auto add = [&parts](std::uint64_t bytes, const char* what) {
    if (bytes > 0) parts += (parts.empty() ? "" : ", ") + std::to_string(bytes) + " " + what;
  };
  add(needs.weights, "for weights");
  add(needs.cache, "for the cache");
  add(needs.tensors, "for a step's tensors");
  throw Error(ErrorCode::resource_limit,
              "the model needs " + std::to_string(sum.value_or(std::numeric_limits<std::uint64_t>::max())) +
                  " bytes of memory (" + parts + "), and " +
                  (available ? available->limit + " has " + std::to_string(available->bytes) + " left"
                             : std::string("none can have so many")),
              {{}, std::nullopt, "memory"});
}

}  // namespace lathe
