// What the files beside tokenizer.json say:
//   {"bos_token": "<s>" or {"content": "<s>", ...}, "add_bos_token": true,
//    "added_tokens_decoder": {"0": {"content": "<unk>", ...}, ...},
//    "chat_template": "..." or [{"name": "default", "template": "..."}, ...], ...}
// Most of the rest is for Python's classes.
#include <algorithm>
#include <charconv>
#include <memory>

#include "base/error.h"
#include "formats/tokenizer_json_reader.h"

namespace lathe {
namespace {

constexpr std::size_t kMostTemplateBytes = 1u << 20;

std::string_view bytes_of(const MappedFile& file) {
  return {reinterpret_cast<const char*>(file.bytes().data()), file.bytes().size()};
}

/// Null where the folder has no such file.
std::unique_ptr<const JsonDocument> open(const Folder& folder, const std::string& name) {
  if (!folder.has(name)) return nullptr;
  const auto file = folder.map(name);
  auto document = std::make_unique<const JsonDocument>(bytes_of(*file), file->path());
  document->root().require(JsonView::Kind::object);
  return document;
}

class ConfigReader {
 public:
  ConfigReader(const Folder& folder, TokenIds& ids, TokenizerData& data)
      : folder_(folder),
        ids_(ids),
        data_(data),
        config_(open(folder, "tokenizer_config.json")),
        special_(open(folder, "special_tokens_map.json")) {}

  void read() {
    read_added_tokens();
    data_.bos = read_named("bos_token");
    data_.eos = read_named("eos_token");
    data_.padding = read_named("pad_token");
    if (const auto unknown = read_named("unk_token")) data_.unknown = unknown;
    for (const char* name : {"cls_token", "sep_token", "mask_token"}) read_named(name);
    for (const char* name : {"additional_special_tokens", "extra_special_tokens"}) read_list(name);
    read_affixes();
    read_template();
    read_end_ids();
    warn_of_contradictions();
  }

 private:
  std::optional<JsonView> find(std::string_view name) const {
    if (config_)
      if (auto value = config_->root().find(name)) return value;
    return special_ ? special_->root().find(name) : std::nullopt;
  }

  void read_added_tokens() {
    const auto list = config_ ? config_->root().find("added_tokens_decoder") : std::nullopt;
    if (!list) return;
    list->require(JsonView::Kind::object);
    for (const JsonView entry : *list) {
      const std::string_view key = entry.key();
      AddedToken token = flags_of(entry);
      const auto [end, error] = std::from_chars(key.data(), key.data() + key.size(), token.id);
      if (error != std::errc() || end != key.data() + key.size() || token.id < 0 || token.id >= 1 << 24)
        entry.fail("is not under the id of a token");
      const std::string_view text = entry.at("content").text();
      if (text.empty()) continue;
      const auto id = static_cast<std::size_t>(token.id);
      const bool known = id < data_.tokens.size() && data_.tokens[id] == text && is_added(data_, id);
      if (!known) add_token(token, text, boolean_or(entry, "special", false), entry, ids_, data_);
    }
  }

  static AddedToken flags_of(const JsonView& entry) {
    AddedToken token;
    token.single_word = boolean_or(entry, "single_word", false);
    token.strip_left = boolean_or(entry, "lstrip", false);
    token.strip_right = boolean_or(entry, "rstrip", false);
    token.normalized = boolean_or(entry, "normalized", false);
    return token;
  }

  std::optional<TokenId> read_named(std::string_view name) {
    const auto value = find(name);
    // Some folders write false for none.
    if (!value || value->is(JsonView::Kind::boolean)) return std::nullopt;
    return read_special(*value, name);
  }

  void read_list(std::string_view name) {
    const auto list = find(name);
    if (!list) return;
    for (const JsonView entry : *list) read_special(entry, name);
  }

  /// A text, or an object with its content. Makes the token a control token.
  std::optional<TokenId> read_special(const JsonView& value, std::string_view name) {
    const bool object = value.is(JsonView::Kind::object);
    const std::string text(object ? value.at("content").text() : value.text());
    const auto found = ids_.find(text);
    if (found == ids_.end()) {
      if (!text.empty())
        data_.warnings.push_back(std::string(name) + " '" + printable(text, 64) +
                                 "' is not in the vocabulary, and is ignored");
      return std::nullopt;
    }
    const auto id = static_cast<std::size_t>(found->second);
    if (is_added(data_, id)) {
      data_.kinds[id] = TokenKind::control;
    } else {
      AddedToken token = object ? flags_of(value) : AddedToken();
      token.id = found->second;
      add_token(token, text, true, value, ids_, data_);
    }
    return found->second;
  }

  /// Where one of the switches is set, both replace what tokenizer.json puts around texts.
  void read_affixes() {
    const auto add_bos = config_ ? config_->root().find("add_bos_token") : std::nullopt;
    const auto add_eos = config_ ? config_->root().find("add_eos_token") : std::nullopt;
    if (!add_bos && !add_eos) {
      data_.add_bos = data_.bos && data_.pipeline.before == std::vector{*data_.bos};
      data_.add_eos = data_.eos && data_.pipeline.after == std::vector{*data_.eos};
      return;
    }
    data_.pipeline.before.clear();
    data_.pipeline.after.clear();
    data_.add_bos = add_bos && add_bos->boolean() && data_.bos;
    data_.add_eos = add_eos && add_eos->boolean() && data_.eos;
    if (data_.add_bos) data_.pipeline.before = {*data_.bos};
    if (data_.add_eos) data_.pipeline.after = {*data_.eos};
  }

  void read_template() {
    if (folder_.has("chat_template.jinja")) {
      const auto file = folder_.map("chat_template.jinja");
      if (file->bytes().size() > kMostTemplateBytes)
        throw Error(ErrorCode::resource_limit,
                    "the template has " + std::to_string(file->bytes().size()) + " bytes; at most " +
                        std::to_string(kMostTemplateBytes) + " are read",
                    {file->path(), {}, {}});
      data_.chat_template = bytes_of(*file);
      return;
    }
    const auto value = config_ ? config_->root().find("chat_template") : std::nullopt;
    if (!value) return;
    if (!value->is(JsonView::Kind::array)) {
      data_.chat_template = value->text();
      return;
    }
    std::string names;
    for (const JsonView entry : *value) {
      const std::string_view name = entry.at("name").text();
      if (name == "default") {
        data_.chat_template = entry.at("template").text();
      } else {
        names += (names.empty() ? "'" : ", '") + printable(name, 64) + "'";
      }
    }
    if (!names.empty())
      data_.warnings.push_back("of the chat templates only 'default' is used, not " + names);
  }

  /// What generation_config.json says, otherwise config.json; and EOS.
  void read_end_ids() {
    for (const char* name : {"generation_config.json", "config.json"}) {
      const auto document = open(folder_, name);
      const auto value = document ? document->root().find("eos_token_id") : std::nullopt;
      if (!value) continue;
      if (value->is(JsonView::Kind::array)) {
        for (const JsonView id : *value) add_end(checked_id(id));
      } else {
        add_end(checked_id(*value));
      }
      break;
    }
    if (data_.eos) add_end(*data_.eos);
  }

  TokenId checked_id(const JsonView& value) const {
    return static_cast<TokenId>(value.integer(0, static_cast<std::int64_t>(data_.tokens.size()) - 1));
  }

  void add_end(TokenId id) {
    if (std::find(data_.end_ids.begin(), data_.end_ids.end(), id) == data_.end_ids.end())
      data_.end_ids.push_back(id);
  }

  /// Python's classes let some settings here change steps of tokenizer.json; files in circulation agree.
  void warn_of_contradictions() {
    if (!config_) return;
    const JsonView root = config_->root();
    const auto warn = [&](const char* name, bool step) {
      const auto value = root.find(name);
      if (value && value->is(JsonView::Kind::boolean) && value->boolean() != step)
        data_.warnings.push_back("tokenizer_config.json contradicts tokenizer.json in " + std::string(name) +
                                 "; the latter is followed");
    };
    for (const normalize::Step& step : data_.pipeline.normalizers)
      if (const auto* bert = std::get_if<normalize::Bert>(&step)) {
        warn("do_lower_case", bert->lowercase);
        warn("tokenize_chinese_chars", bert->split_chinese);
        warn("strip_accents", bert->strip_accents);
      }
    for (const split::Step& step : data_.pipeline.splits)
      if (const auto* bytes = std::get_if<split::ByteLevel>(&step))
        warn("add_prefix_space", bytes->add_prefix_space);
  }

  const Folder& folder_;
  TokenIds& ids_;
  TokenizerData& data_;
  std::unique_ptr<const JsonDocument> config_, special_;
};

}  // namespace

void read_tokenizer_config(const Folder& folder, TokenIds& ids, TokenizerData& data) {
  ConfigReader(folder, ids, data).read();
}

}  // namespace lathe
