#include "models/registry.h"

#include "base/error.h"

namespace lathe {
namespace {

// clang-format off
const Architecture* const kAll[] = {
    &kLlama,
    &kMistral,
    &kMixtral,
    &kQwen2,
    &kQwen3,
    &kQwen3Moe,
    &kGemma2,
    &kGemma3,
    &kPhi3,
    &kGpt2,
    &kGptNeox,
    &kOlmo2,
    &kGranite,
    &kCohere,
    &kBert,
    &kOnnx,
};
// clang-format on

}  // namespace

std::span<const Architecture* const> all_architectures() { return kAll; }

const Architecture& find_architecture(std::string_view name) {
  std::string known;
  for (const Architecture* architecture : kAll) {
    if (architecture->name.empty()) continue;
    if (architecture->name == name) return *architecture;
    known += (known.empty() ? "" : ", ") + std::string(architecture->name);
  }
  throw Error(ErrorCode::unsupported,
              "architecture \"" + printable(name) + "\" is not supported; these are: " + known,
              {{}, std::nullopt, "general.architecture"});
}

const FolderDialect& find_folder_dialect(std::string_view model_type, const std::string& file) {
  std::string known;
  for (const Architecture* architecture : kAll) {
    const FolderDialect& dialect = architecture->folder;
    if (dialect.model_type.empty()) continue;
    if (dialect.model_type == model_type) return dialect;
    known += (known.empty() ? "" : ", ") + std::string(dialect.model_type);
  }
  throw Error(ErrorCode::unsupported,
              "model type \"" + printable(model_type) + "\" is not supported; these are: " + known,
              {file, std::nullopt, "model_type"});
}

}  // namespace lathe
