#include "formats/tokenizer_json.h"

#include <algorithm>

#include "base/error.h"
#include "formats/tokenizer_json_reader.h"

namespace lathe {
namespace {

constexpr std::int64_t kMostTokens = std::int64_t{1} << 24;
constexpr std::size_t kMostHoles = 1 << 16;

AddedToken read_added_token(const JsonView& entry) {
  require_known(entry,
                {"id", "content", "single_word", "lstrip", "rstrip", "normalized", "special", "__type"});
  AddedToken token;
  token.id = static_cast<TokenId>(entry.at("id").integer(0, kMostTokens - 1));
  token.single_word = boolean_or(entry, "single_word", false);
  token.strip_left = boolean_or(entry, "lstrip", false);
  token.strip_right = boolean_or(entry, "rstrip", false);
  token.normalized = boolean_or(entry, "normalized", true);
  return token;
}

void read_added_tokens(const JsonView& root, TokenIds& ids, TokenizerData& data) {
  const auto list = root.find("added_tokens");
  if (!list) return;
  list->require(JsonView::Kind::array);
  for (const JsonView entry : *list) {
    const std::string_view text = entry.at("content").text();
    if (text.empty()) {
      data.warnings.push_back("an added token without text is ignored");
      continue;
    }
    add_token(read_added_token(entry), text, boolean_or(entry, "special", false), entry, ids, data);
  }
}

}  // namespace

void add_token(AddedToken token, std::string_view text, bool special, const JsonView& place, TokenIds& ids,
               TokenizerData& data) {
  const auto id = static_cast<std::size_t>(token.id);
  const auto found = ids.find(text);
  if (found != ids.end() && found->second != token.id)
    place.fail("has id " + std::to_string(token.id) + ", but '" + printable(text, 64) + "' is token " +
               std::to_string(found->second));
  if (found == ids.end()) {
    if (id < data.tokens.size() && data.kinds[id] != TokenKind::unused)
      place.fail("has the id of '" + printable(data.tokens[id], 64) + "'");
    if (id >= ids.size() * 2 + kMostHoles)
      place.fail("has id " + std::to_string(id) + ", far behind the other " + std::to_string(ids.size()));
    if (id >= data.tokens.size()) {
      data.tokens.resize(id + 1);
      data.kinds.resize(id + 1, TokenKind::unused);
      if (data.model == TokenizerModel::unigram) data.scores.resize(id + 1);
    }
    data.tokens[id] = text;
    token.in_model = false;
    ids.emplace(std::string(text), token.id);
  }
  if (is_added(data, id)) place.fail("comes twice");
  data.kinds[id] = special ? TokenKind::control : TokenKind::user_defined;
  data.pipeline.added.push_back(token);
}

bool is_added(const TokenizerData& data, std::size_t id) {
  return data.kinds[id] == TokenKind::control || data.kinds[id] == TokenKind::user_defined;
}

namespace {

TokenizerData read(std::string_view text, const std::string& file, TokenIds& ids) {
  const JsonDocument document(text, file);
  const JsonView root = document.root();
  // Truncation and padding are for batches of training: whoever asks for ids says how many fit.
  require_known(root, {"version", "truncation", "padding", "added_tokens", "normalizer", "pre_tokenizer",
                       "post_processor", "decoder", "model"});
  TokenizerData data;
  ids = read_model(root.at("model"), data);
  data.unknown = data.pipeline.unknown;
  read_added_tokens(root, ids, data);
  read_post_processor(root, ids, data.pipeline);
  read_normalizers(root, data.pipeline);
  read_splits(root, data.pipeline);
  read_decoders(root, data.pipeline);
  return data;
}

}  // namespace

TokenizerData read_tokenizer_json(std::string_view text, const std::string& file) {
  TokenIds ids;
  return read(text, file, ids);
}

TokenizerData read_folder_tokenizer(const Folder& folder) {
  const auto file = folder.map("tokenizer.json");
  const std::string_view text(reinterpret_cast<const char*>(file->bytes().data()), file->bytes().size());
  TokenIds ids;
  TokenizerData data = read(text, file->path(), ids);
  read_tokenizer_config(folder, ids, data);
  return data;
}

}  // namespace lathe
