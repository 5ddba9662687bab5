#include "models/folder_embedding.h"

#include <optional>

#include "base/error.h"

namespace lathe {
namespace {

constexpr std::uint64_t kMaxJsonBytes = 1u << 20;
constexpr std::int64_t kMost = std::int64_t{1} << 31;

struct PoolingMode {
  std::string_view name;
  std::string_view key;
  std::optional<Pooling> pooling;  // of those that are computed
};

constexpr PoolingMode kModes[] = {
    {"mean", "pooling_mode_mean_tokens", Pooling::mean},
    {"cls", "pooling_mode_cls_token", Pooling::first},
    {"max", "pooling_mode_max_tokens", {}},
    {"mean_sqrt_len_tokens", "pooling_mode_mean_sqrt_len_tokens", {}},
    {"weightedmean", "pooling_mode_weightedmean_tokens", {}},
    {"lasttoken", "pooling_mode_lasttoken", {}},
};

class EmbeddingReader {
 public:
  EmbeddingReader(const ModelFolder& folder, FolderMetadata& metadata)
      : folder_(folder), metadata_(metadata) {}

  std::vector<std::string> read() {
    metadata_.set("pooling_type", static_cast<std::int64_t>(Pooling::mean));
    metadata_.set(kNormalizeKey, false);
    if (folder_.files->has("modules.json")) read_modules();
    read_companion(*folder_.files, "sentence_bert_config.json", [this](FolderConfig& config) {
      if (config.has("max_seq_length"))
        metadata_.set(kTextTokensKey, config.integer("max_seq_length", 3, kMost));
      if (config.boolean_or("do_lower_case", false)) metadata_.set(kLowerCaseKey, true);
    });
    read_companion(*folder_.files, "config_sentence_transformers.json", [](FolderConfig& config) {
      config.expect("default_prompt_name", {""});
      // Versions, prompts that are not the default, and how embeddings are best compared.
      config.ignore({"__version__", "prompts", "similarity_fn_name", "model_type"});
    });
    return std::move(unused_);
  }

 private:
  void note_unused(const FolderConfig& config, const std::string& file) {
    for (auto& key : config.finish()) unused_.push_back(std::move(key.insert(0, file + ": ")));
  }

  template <class Read>
  void read_companion(const Folder& folder, const std::string& name, Read read) {
    const Json json = read_folder_json(folder, name);
    if (json.is_null()) return;
    FolderConfig config(json, folder.path() + "/" + name);
    read(config);
    note_unused(config, name);
  }

  /// A transformer, a pooling, and perhaps a normalization, in this order.
  void read_modules() {
    const auto file = folder_.files->map("modules.json");
    const auto fail = [&](ErrorCode code, const std::string& message, const std::string& key) {
      throw Error(code, message, {file->path(), {}, key});
    };
    if (file->bytes().size() > kMaxJsonBytes) fail(ErrorCode::invalid_file, "the file is too long", "");
    Json modules;
    try {
      modules = parse_json({reinterpret_cast<const char*>(file->bytes().data()), file->bytes().size()},
                           "modules.json");
    } catch (const Error& error) {
      throw json_file_error(error, file->path());
    }
    if (!modules.is_array()) fail(ErrorCode::invalid_model, "must be a JSON array", "");
    constexpr std::string_view kOrder[] = {"Transformer", "Pooling", "Normalize"};
    for (std::size_t i = 0; i < modules.size(); ++i) {
      const std::string place = "[" + std::to_string(i) + "].";
      FolderConfig module(modules[i], file->path(), place);
      const std::string type = module.text("type");
      const std::string path = module.optional_text("path").value_or("");
      module.ignore({"idx", "name"});
      for (const auto& key : module.finish()) unused_.push_back("modules.json: " + key);
      const auto name = type.substr(type.rfind('.') + 1);
      if (!type.starts_with("sentence_transformers.") || i >= std::size(kOrder) || name != kOrder[i])
        module.refuse("the value \"" + printable(type, 100) + "\" asks for something that is not supported",
                      "type");
      if (i == 0 && !path.empty())
        module.refuse("the value \"" + printable(path, 100) + "\" is not supported: it must be empty",
                      "path");
      if (i == 1) read_pooling(*folder_.files->folder(path), path);
      if (i == 2) metadata_.set(kNormalizeKey, true);
    }
    if (modules.size() < 2) fail(ErrorCode::unsupported, "a model without pooling is not supported", "");
  }

  void read_pooling(const Folder& folder, const std::string& name) {
    const Json json = read_folder_json(folder, "config.json");
    if (json.is_null())
      throw Error(ErrorCode::not_found, "the folder has no config.json", {folder.path(), {}, {}});
    FolderConfig config(json, folder.path() + "/config.json");
    std::optional<Pooling> pooling;
    const auto choose = [&](const PoolingMode& mode, std::string_view key, const std::string& value) {
      if (!mode.pooling || pooling)
        config.refuse("the value " + value + " is not supported: texts are pooled by mean or cls alone", key);
      pooling = mode.pooling;
    };
    if (const auto name_of_mode = config.optional_text("pooling_mode")) {
      for (const PoolingMode& mode : kModes)
        if (mode.name == *name_of_mode) choose(mode, "pooling_mode", "\"" + *name_of_mode + "\"");
      if (!pooling) choose({}, "pooling_mode", "\"" + printable(*name_of_mode, 100) + "\"");
    }
    for (const PoolingMode& mode : kModes)
      if (config.boolean_or(mode.key, false)) choose(mode, mode.key, "true");
    if (!pooling) config.refuse("no pooling is chosen", "pooling_mode_mean_tokens");
    metadata_.set("pooling_type", static_cast<std::int64_t>(*pooling));
    const Json* width = folder_.config.contains("hidden_size") ? &folder_.config["hidden_size"] : nullptr;
    for (const char* key : {"word_embedding_dimension", "embedding_dimension"})
      if (width != nullptr) config.expect(key, {*width});
    config.ignore({"include_prompt"});  // without prompts there is nothing to leave out
    note_unused(config, name + "/config.json");
  }

  const ModelFolder& folder_;
  FolderMetadata& metadata_;
  std::vector<std::string> unused_;
};

}  // namespace

std::vector<std::string> read_folder_embedding(const ModelFolder& folder, FolderMetadata& metadata) {
  return EmbeddingReader(folder, metadata).read();
}

}  // namespace lathe
