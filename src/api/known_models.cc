#include "api/known_models.h"

#include <array>
#include <cstdlib>
#include <filesystem>
#include <span>
#include <string_view>
#include <vector>

#include "api/child_process.h"
#include "base/error.h"
#include "lathe/model.h"

namespace lathe {
namespace {

struct KnownFile {
  std::string_view path;
  std::uintmax_t bytes;  // of the whole file
};

struct KnownModel {
  std::string_view name;
  KnownFile file;  // in the models' directory; of a folder, whose bytes are not counted, its name
  std::span<const KnownFile> folder = {};
};

constexpr KnownFile kMiniLm[] = {
    {"config.json", 612},
    {"config_sentence_transformers.json", 116},
    {"modules.json", 349},
    {"1_Pooling/config.json", 190},
    {"sentence_bert_config.json", 53},
    {"special_tokens_map.json", 112},
    {"tokenizer_config.json", 350},
    {"tokenizer.json", 466247},
    {"vocab.txt", 231508},
    {"model.safetensors", 90868376},
    {"README.md", 10454},
    {"LICENSE", 1061},
};

// tools/fetch_model.py has the same names, files and sizes, and does the rest; a test holds them together.
constexpr std::array<KnownModel, 3> kKnownModels = {{
    {"smollm2", {"SmolLM2-135M-Instruct.Q4_1.gguf", 98362432}},
    {"gemma3-270m", {"gemma-3-270m-q4_k_m.gguf", 253113024}},
    {"minilm", {"all-MiniLM-L6-v2", 0}, kMiniLm},
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

/// What a file lacks, in words; empty where it is complete.
std::string problem(const std::filesystem::path& path, std::uintmax_t expected) {
  std::error_code missing;
  const auto bytes = std::filesystem::file_size(path, missing);
  if (missing) return "has not been fetched";
  if (bytes == expected) return {};
  return "has " + std::to_string(bytes) + " bytes instead of " + std::to_string(expected);
}

/// Throws Error(not_found) that names the file where a part of the model is missing or has another size.
void require_complete(const KnownModel& model, const std::filesystem::path& path) {
  const auto require = [&](const std::filesystem::path& file, std::uintmax_t bytes) {
    const std::string lack = problem(file, bytes);
    if (!lack.empty())
      throw Error(ErrorCode::not_found, "the model " + std::string(model.name) + " " + lack,
                  {file.string(), {}, {}});
  };
  if (model.folder.empty()) return require(path, model.file.bytes);
  for (const auto& file : model.folder) require(path / file.path, file.bytes);
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
    const auto path = directory / model.file.path;
    try {
      require_complete(model, path);
    } catch (const Error&) {
      if (!options.fetch) throw;
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
