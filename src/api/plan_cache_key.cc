#include "api/plan_cache_key.h"

#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <thread>
#include <vector>

#include "api/engine_version.h"
#include "api/plan_package.h"
#include "backend/plan_file.h"
#include "base/byte_archive.h"
#include "base/cpu_features.h"
#include "base/error.h"
#include "base/mapped_file.h"

namespace lathe {
namespace {

constexpr std::size_t kFirstBytes = 65'536;  // of a GGUF file
constexpr std::size_t kLastBytes = 4'096;
constexpr int kMostDepth = 2;  // of a folder's folders
constexpr std::size_t kMostFiles = 4'096;

bool add_status(ArchiveWriter& key, const std::filesystem::path& path) {
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0) return false;
  key.number(std::uint64_t{status.st_mode}, "type");
  key.number(static_cast<std::uint64_t>(status.st_size), "size");
  key.number(std::int64_t{status.st_mtim.tv_sec}, "seconds");
  key.number(std::int64_t{status.st_mtim.tv_nsec}, "nanoseconds");
  return true;
}

bool add_file(ArchiveWriter& key, const std::string& path) {
  if (!add_status(key, path)) return false;
  const auto file = MappedFile::open(path);
  const auto bytes = file->bytes();
  key.number(hash64(bytes.first(std::min(kFirstBytes, bytes.size()))), "first bytes");
  key.number(hash64(bytes.last(std::min(kLastBytes, bytes.size()))), "last bytes");
  return true;
}

/// Hidden files are no part of a model. False where the folder is too large to be one.
bool list_folder(const std::filesystem::path& folder, std::vector<std::filesystem::path>& files) {
  for (std::filesystem::recursive_directory_iterator at(folder), end; at != end; ++at) {
    if (at->path().filename().native().starts_with(".")) {
      at.disable_recursion_pending();
      continue;
    }
    if (at.depth() + 1 >= kMostDepth) at.disable_recursion_pending();
    if (files.size() == kMostFiles) return false;
    files.push_back(at->path());
  }
  std::ranges::sort(files);
  return true;
}

bool add_folder(ArchiveWriter& key, const std::string& path) {
  std::vector<std::filesystem::path> files;
  if (!list_folder(path, files)) return false;
  for (const auto& file : files) {
    key.text(file.lexically_relative(path).native(), "name");
    if (!add_status(key, file)) return false;
    if (file.extension() == ".json" && std::filesystem::is_regular_file(file))
      key.number(hash64(MappedFile::open(file.native())->bytes()), "contents");
  }
  return true;
}

/// An .onnx file with what lies beside it: its tokenizer, its configuration and its weights.
bool add_network(ArchiveWriter& key, const std::string& path) {
  const std::string folder = std::filesystem::path(path).parent_path().native();
  return add_file(key, path) && add_folder(key, folder.empty() ? "." : folder);
}

bool add_model(ArchiveWriter& key, const std::string& path) {
  if (std::filesystem::is_directory(path)) return add_folder(key, path);
  return path.ends_with(".onnx") ? add_network(key, path) : add_file(key, path);
}

void add_program(ArchiveWriter& key, const ModelOptions& options) {
  key.text(engine_version(), "engine");
  key.number(kPlanFormat, "format");
  key.number(static_cast<std::uint32_t>(chosen_isa()), "isa");
  key.text(options_section(options), "options");
  const int cores = static_cast<int>(std::thread::hardware_concurrency());
  key.number(options.threads == 0 ? cores : options.threads, "threads");
  // What a stored plan is no longer looked at for.
  key.flag(options.strict, "strict");
  key.flag(options.check_weights, "check_weights");
}

}  // namespace

std::optional<Hash128> plan_cache_key(const std::string& model, const ModelOptions& options) {
  ArchiveWriter key;
  add_program(key, options);
  try {
    if (!add_model(key, model)) return std::nullopt;
  } catch (const Error&) {
    return std::nullopt;
  } catch (const std::filesystem::filesystem_error&) {
    return std::nullopt;
  }
  return hash128(key.take());
}

}  // namespace lathe
