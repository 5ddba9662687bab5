// Parts of the reading of tokenizer.json; see tokenizer_json.h.
#pragma once

#include <functional>
#include <initializer_list>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/folder.h"
#include "base/json_document.h"
#include "text/tokenizer_data.h"

namespace lathe {

struct TextHash {
  using is_transparent = void;
  std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>()(text); }
};
/// Ids by text.
using TokenIds = std::unordered_map<std::string, TokenId, TextHash, std::equal_to<>>;

/// Fails for members of `object` that are not among `known`: each could change the ids.
void require_known(const JsonView& object, std::initializer_list<std::string_view> known);

bool boolean_or(const JsonView& object, std::string_view name, bool fallback);
std::string text_or(const JsonView& object, std::string_view name, std::string_view fallback);

// tokenizer_json_model.cc: type, vocabulary, merges and switches of "model".
/// Fills tokens, kinds, scores and what the pipeline says of the model.
TokenIds read_model(const JsonView& model, TokenizerData& data);

// tokenizer_json_steps.cc. A missing or null value gives no steps.
void read_normalizers(const JsonView& root, TokenizerPipeline& pipeline);
void read_splits(const JsonView& root, TokenizerPipeline& pipeline);
void read_decoders(const JsonView& root, TokenizerPipeline& pipeline);

// tokenizer_json_processor.cc
/// What is put before and behind every text.
void read_post_processor(const JsonView& root, const TokenIds& ids, TokenizerPipeline& pipeline);

// tokenizer_json.cc
/// Makes `token` one that is found in text. Its text may be a token of the model already; then the ids must
/// be the same.
void add_token(AddedToken token, std::string_view text, bool special, const JsonView& place, TokenIds& ids,
               TokenizerData& data);
bool is_added(const TokenizerData& data, std::size_t id);

// tokenizer_config.cc
/// tokenizer_config.json and its companions, for what tokenizer.json gave.
void read_tokenizer_config(const Folder& folder, TokenIds& ids, TokenizerData& data);

}  // namespace lathe
