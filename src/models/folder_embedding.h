// What the files of sentence-transformers in a folder say of how texts become embeddings:
//   modules.json                    [{"type": "sentence_transformers.models.Transformer", "path": ""}, ...]
//   sentence_bert_config.json       {"max_seq_length": 256, "do_lower_case": false}
//   <path of Pooling>/config.json   {"pooling_mode_mean_tokens": true, ...}
//   config_sentence_transformers.json
#pragma once

#include <string>
#include <vector>

#include "models/folder_translation.h"

namespace lathe {

/// As in GGUF's "<architecture>.pooling_type".
enum class Pooling : std::int64_t { mean = 1, first = 2 };

/// Ours: GGUF says nothing of them.
inline constexpr std::string_view kNormalizeKey = "embedding.normalize";  // to length 1; true where missing
inline constexpr std::string_view kTextTokensKey = "embedding.text_tokens";  // longer texts are cut off
inline constexpr std::string_view kLowerCaseKey = "embedding.lower_case";    // of texts, before all else

/// Sets pooling_type and these keys; FolderDialect::companions of encoders. A folder without modules.json is
/// taken as sentence-transformers takes it: the mean, as long as it is. Error(unsupported) with key and value
/// for modules, poolings and settings that are not computed.
std::vector<std::string> read_folder_embedding(const ModelFolder& folder, FolderMetadata& metadata);

}  // namespace lathe
