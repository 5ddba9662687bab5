// "model" of tokenizer.json:
//   BPE        {"vocab": {"text": id, ...}, "merges": ["left right", ...] or [["left", "right"], ...], ...}
//   Unigram    {"vocab": [["text", score], ...], "unk_id": id, ...}
//   WordPiece  {"vocab": {"text": id, ...}, "unk_token": "[UNK]", ...}
#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "formats/tokenizer_json_reader.h"

namespace lathe {
namespace {

constexpr std::int64_t kMostTokens = std::int64_t{1} << 24;
/// Ids may leave holes, but no more than this beside the tokens that there are.
constexpr std::int64_t kMostHoles = 1 << 16;

/// Files of early versions do not say.
std::string model_type(const JsonView& model) {
  if (const auto type = model.find("type")) return std::string(type->text());
  if (model.find("merges")) return "BPE";
  if (model.find("max_input_chars_per_word")) return "WordPiece";
  if (const auto vocabulary = model.find("vocab"); vocabulary && vocabulary->is(JsonView::Kind::array))
    return "Unigram";
  model.refuse("the model has no type");
}

TokenIds read_vocabulary(const JsonView& vocabulary, TokenizerData& data) {
  vocabulary.require(JsonView::Kind::object);
  const auto count = static_cast<std::int64_t>(vocabulary.size());
  if (count == 0) vocabulary.fail("is empty");
  std::int64_t largest = 0;
  for (const JsonView entry : vocabulary) largest = std::max(largest, entry.integer(0, kMostTokens - 1));
  if (largest >= 2 * count + kMostHoles)
    vocabulary.fail("has " + std::to_string(count) + " tokens, but one with id " + std::to_string(largest));
  data.tokens.resize(static_cast<std::size_t>(largest) + 1);
  data.kinds.assign(data.tokens.size(), TokenKind::unused);
  TokenIds ids;
  ids.reserve(vocabulary.size());
  for (const JsonView entry : vocabulary) {
    const auto id = static_cast<std::size_t>(entry.integer(0, largest));
    if (data.kinds[id] != TokenKind::unused) entry.fail("has the id of '" + printable(data.tokens[id]) + "'");
    data.tokens[id] = entry.key();
    data.kinds[id] = TokenKind::normal;
    ids.emplace(entry.key(), static_cast<TokenId>(id));
  }
  return ids;
}

void read_unknown(const JsonView& model, const TokenIds& ids, TokenizerPipeline& pipeline) {
  pipeline.unknown_text = text_or(model, "unk_token", "");
  if (const auto found = ids.find(pipeline.unknown_text); found != ids.end())
    pipeline.unknown = found->second;
}

/// Cuts "left right" at its one space.
std::pair<std::string_view, std::string_view> parts_of(const JsonView& merge) {
  if (merge.is(JsonView::Kind::array)) {
    if (merge.size() != 2) merge.fail("must have two parts");
    auto part = merge.begin();
    const std::string_view left = (*part).text();
    return {left, (*++part).text()};
  }
  const std::string_view text = merge.text();
  const std::size_t space = text.find(' ');
  if (space == std::string_view::npos || text.find(' ', space + 1) != std::string_view::npos)
    merge.fail("must be two parts with one space between them, not '" + printable(text, 64) + "'");
  return {text.substr(0, space), text.substr(space + 1)};
}

void read_merges(const JsonView& merges, const TokenIds& ids, TokenizerPipeline& pipeline) {
  merges.require(JsonView::Kind::array);
  pipeline.merges.reserve(merges.size());
  std::string joined;
  const auto find = [&](const JsonView& merge, std::string_view text) {
    const auto found = ids.find(text);
    if (found == ids.end()) merge.fail("names '" + printable(text, 64) + "', which is no token");
    return found->second;
  };
  const std::string_view prefix = pipeline.continuing_prefix;
  for (const JsonView merge : merges) {
    if (merge.is(JsonView::Kind::text) && merge.text().starts_with("#version")) continue;
    const auto [left, right] = parts_of(merge);
    if (right.size() < prefix.size()) merge.fail("has a right part without '" + std::string(prefix) + "'");
    joined.assign(left).append(right.substr(prefix.size()));
    pipeline.merges.push_back({find(merge, left), find(merge, right), find(merge, joined)});
  }
}

TokenIds read_bpe(const JsonView& model, TokenizerData& data) {
  require_known(model, {"type", "dropout", "unk_token", "continuing_subword_prefix", "end_of_word_suffix",
                        "fuse_unk", "byte_fallback", "ignore_merges", "vocab", "merges"});
  if (const auto dropout = model.find("dropout"); dropout && dropout->real() != 0)
    dropout->refuse("dropout is for training: ids would change from call to call");
  TokenizerPipeline& pipeline = data.pipeline;
  data.model = TokenizerModel::bpe;
  TokenIds ids = read_vocabulary(model.at("vocab"), data);
  read_unknown(model, ids, pipeline);
  pipeline.continuing_prefix = text_or(model, "continuing_subword_prefix", "");
  pipeline.word_suffix = text_or(model, "end_of_word_suffix", "");
  pipeline.fuse_unknown = boolean_or(model, "fuse_unk", false);
  pipeline.byte_fallback = boolean_or(model, "byte_fallback", false);
  pipeline.ignore_merges = boolean_or(model, "ignore_merges", false);
  read_merges(model.at("merges"), ids, pipeline);
  return ids;
}

TokenIds read_word_piece(const JsonView& model, TokenizerData& data) {
  require_known(model,
                {"type", "unk_token", "continuing_subword_prefix", "max_input_chars_per_word", "vocab"});
  data.model = TokenizerModel::word_piece;
  TokenIds ids = read_vocabulary(model.at("vocab"), data);
  read_unknown(model, ids, data.pipeline);
  if (!data.pipeline.unknown)
    model.fail("has no unknown token '" + data.pipeline.unknown_text + "' in its vocabulary");
  data.pipeline.continuing_prefix = text_or(model, "continuing_subword_prefix", "##");
  if (const auto longest = model.find("max_input_chars_per_word"))
    data.pipeline.longest_word = static_cast<std::size_t>(longest->integer(0, 1 << 20));
  return ids;
}

TokenIds read_unigram(const JsonView& model, TokenizerData& data) {
  require_known(model, {"type", "unk_id", "vocab", "byte_fallback"});
  data.model = TokenizerModel::unigram;
  const JsonView vocabulary = model.at("vocab");
  vocabulary.require(JsonView::Kind::array);
  if (vocabulary.size() == 0) vocabulary.fail("is empty");
  if (vocabulary.size() > static_cast<std::size_t>(kMostTokens)) vocabulary.fail("is over 2^24 tokens");
  for (const JsonView entry : vocabulary) {
    entry.require(JsonView::Kind::array);
    if (entry.size() != 2) entry.fail("must be a text and its score");
    auto part = entry.begin();
    data.tokens.emplace_back((*part).text());
    data.scores.push_back((*++part).real());
    if (!std::isfinite(data.scores.back())) entry.fail("has no finite score");
  }
  data.kinds.assign(data.tokens.size(), TokenKind::normal);
  data.pipeline.byte_fallback = boolean_or(model, "byte_fallback", false);
  data.pipeline.unknown_text = "<unk>";
  if (const auto unknown = model.find("unk_id")) {
    data.pipeline.unknown =
        static_cast<TokenId>(unknown->integer(0, static_cast<std::int64_t>(data.tokens.size()) - 1));
    data.pipeline.unknown_text = data.tokens[static_cast<std::size_t>(*data.pipeline.unknown)];
  }
  TokenIds ids;
  ids.reserve(data.tokens.size());
  // Of equal texts the last one counts.
  for (std::size_t i = data.tokens.size(); i-- > 0;) ids.emplace(data.tokens[i], static_cast<TokenId>(i));
  return ids;
}

}  // namespace

void require_known(const JsonView& object, std::initializer_list<std::string_view> known) {
  object.require(JsonView::Kind::object);
  for (const JsonView member : object)
    if (std::find(known.begin(), known.end(), member.key()) == known.end())
      member.refuse("the setting '" + printable(member.key(), 64) + "' is not known");
}

bool boolean_or(const JsonView& object, std::string_view name, bool fallback) {
  const auto member = object.find(name);
  return member ? member->boolean() : fallback;
}

std::string text_or(const JsonView& object, std::string_view name, std::string_view fallback) {
  const auto member = object.find(name);
  return std::string(member ? member->text() : fallback);
}

TokenIds read_model(const JsonView& model, TokenizerData& data) {
  const std::string type = model_type(model);
  if (type == "BPE") return read_bpe(model, data);
  if (type == "WordPiece") return read_word_piece(model, data);
  if (type == "Unigram") return read_unigram(model, data);
  model.refuse("the model '" + printable(type, 64) + "' is not supported");
}

}  // namespace lathe
