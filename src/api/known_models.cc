#include "api/known_models.h"

#include <array>
#include <cstdlib>
#include <filesystem>
#include <string_view>
#include <vector>

#include "api/child_process.h"
#include "base/error.h"
#include "lathe/model.h"

namespace lathe {
namespace {

struct KnownModel {
  std::string_view name;
  std::string_view file;  // in the models' directory
  std::uintmax_t bytes;   // of the whole file
};

// tools/fetch_model.py has the same names, files and sizes, and does the rest; a test holds them together.
constexpr std::array<KnownModel, 2> kKnownModels = {{
    {"smollm2", "SmolLM2-135M-Instruct.Q4_1.gguf", 98362432},
    {"gemma3-270m", "gemma-3-270m-q4_k_m.gguf", 253113024},
}};

std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? std::string() : std::string(value);
}

std::filesystem::path models_directory() {
  if (const auto chosen = environment("LATHE_MODEL_DIR"); !chosen.empty()) return chosen;
  if (const auto cache = environment("XDG_CACHE_HOME"); !cache.empty())
    return std::filesystem::path(cache) / "lathe" / "models";
  const auto home = environment("HOME");
  if (home.empty())
    throw Error(ErrorCode::not_found,
                "the directory of models is unknown: set LATHE_MODEL_DIR, XDG_CACHE_HOME or HOME");
  return std::filesystem::path(home) / ".cache" / "lathe" / "models";
}

void fetch(const KnownModel& model, const std::filesystem::path& directory, bool show) {
  std::string tool = environment("LATHE_FETCH_TOOL");
  if (tool.empty()) tool = LATHE_FETCH_TOOL;
  const auto result =
      run_process({"python3", tool, std::string(model.name), "--dir", directory.string()}, show);
  if (result.status == 0) return;
  throw Error(ErrorCode::network, "could not fetch the model " + std::string(model.name) +
                                      (result.output.empty() ? "" : ": " + printable(result.output, 2000)));
}

}  // namespace

std::vector<std::string> known_models() {
  std::vector<std::string> names;
  for (const auto& model : kKnownModels) names.emplace_back(model.name);
  return names;
}

std::string resolve_model(const std::string& name_or_path, const ModelOptions& options) {
  for (const auto& model : kKnownModels) {
    if (model.name != name_or_path) continue;
    const auto directory = models_directory();
    const auto path = directory / model.file;
    std::error_code missing;
    const auto bytes = std::filesystem::file_size(path, missing);
    if (missing || bytes != model.bytes) {
      if (!options.fetch)
        throw Error(ErrorCode::not_found,
                    "the model " + name_or_path +
                        (missing ? " has not been fetched"
                                 : " has " + std::to_string(bytes) + " bytes instead of " +
                                       std::to_string(model.bytes)),
                    {path.string(), {}, {}});
      fetch(model, directory, options.show_fetch);
    }
    return path.string();
  }
  std::error_code ignored;
  if (!std::filesystem::exists(name_or_path, ignored)) {
    std::string names;
    for (const auto& name : known_models()) names += (names.empty() ? "" : ", ") + name;
    throw Error(ErrorCode::not_found, "there is no such file, and the known models are " + names,
                {name_or_path, {}, {}});
  }
  return name_or_path;
}

}  // namespace lathe
