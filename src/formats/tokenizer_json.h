// The tokenizer of a Hugging Face folder.
//   tokenizer.json           vocabulary, added tokens, and the steps from text to ids and back
//   tokenizer_config.json    chat template, names of special tokens, whether BOS and EOS are added
//   chat_template.jinja      the template, where it is a file of its own
//   special_tokens_map.json  names of special tokens, in older folders
//   generation_config.json, config.json   end tokens
#pragma once

#include <string>
#include <string_view>

#include "base/folder.h"
#include "text/tokenizer_data.h"

namespace lathe {

/// Throws Error(not_found) where there is no tokenizer.json, Error(unsupported) naming what no step knows,
/// Error(invalid_file) for what contradicts itself; all with file and field.
TokenizerData read_folder_tokenizer(const Folder& folder);

/// tokenizer.json alone; `file` is for messages.
TokenizerData read_tokenizer_json(std::string_view text, const std::string& file);

}  // namespace lathe
