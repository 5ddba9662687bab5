// A Hugging Face folder as it lies on disk: its JSON files, and its tensors mapped and named as it names them
// (model.safetensors, or the shards of model.safetensors.index.json). What the names mean is models/'s word.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/folder.h"
#include "base/json.h"
#include "formats/safetensors.h"

namespace lathe {

struct ModelFolder {
  std::string path;
  std::shared_ptr<const Folder> files;  // for what is not read here: tokenizer.json and its companions
  Json config;                          // config.json, an object
  Json generation_config;               // null where the folder has none
  std::vector<StoredTensor> tensors;    // sorted by name, no name twice; they keep their mappings alive
  std::vector<std::string> warnings;    // one line each: what is odd but was accepted

  const StoredTensor* find_tensor(std::string_view name) const;
};

/// Reads nothing outside `path` (but see base/folder.h), and no pickled file. Throws Error(not_found, io,
/// invalid_file, unsupported).
std::shared_ptr<const ModelFolder> read_model_folder(const std::string& path);

/// A JSON object in a file of the folder; null where there is no such file.
Json read_folder_json(const Folder& folder, const std::string& name);

}  // namespace lathe
