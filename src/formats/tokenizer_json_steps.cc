// "normalizer", "pre_tokenizer" and "decoder" of tokenizer.json: one step {"type": name, ...}, or a Sequence
// of them.
#include <array>
#include <utility>

#include "base/base64.h"
#include "base/error.h"
#include "formats/tokenizer_json_reader.h"
#include "text/utf8.h"

namespace lathe {
namespace {

/// Calls read(step, type) for `value`, or for each of a Sequence's `list`; nesting is bounded by the
/// document.
template <class Read>
void for_each_step(const JsonView& value, std::string_view list, const Read& read) {
  const std::string type(value.at("type").text());
  if (type != "Sequence") return read(value, type);
  require_known(value, {"type", list});
  const JsonView steps = value.at(list);
  steps.require(JsonView::Kind::array);
  for (const JsonView step : steps) for_each_step(step, list, read);
}

std::string one_character(const JsonView& value) {
  const std::string_view text = value.text();
  if (text.empty() || rune_at(text, 0).length != text.size()) value.fail("must be one character");
  return std::string(text);
}

TextPattern read_pattern(const JsonView& step) {
  const JsonView pattern = step.at("pattern");
  require_known(pattern, {"String", "Regex"});
  if (pattern.size() != 1) pattern.fail("must be one String or Regex");
  const JsonView value = *pattern.begin();
  if (value.text().empty()) value.refuse("an empty pattern is not supported");
  return {std::string(value.text()), value.key() == "Regex"};
}

split::Behavior read_behavior(const JsonView& step, split::Behavior fallback) {
  using split::Behavior;
  constexpr std::array<std::pair<std::string_view, Behavior>, 5> kNames = {
      {{"Removed", Behavior::removed},
       {"Isolated", Behavior::isolated},
       {"MergedWithPrevious", Behavior::merged_with_previous},
       {"MergedWithNext", Behavior::merged_with_next},
       {"Contiguous", Behavior::contiguous}}};
  const auto value = step.find("behavior");
  if (!value) return fallback;
  for (const auto& [name, behavior] : kNames)
    if (value->text() == name) return behavior;
  value->refuse("the behavior '" + printable(value->text(), 64) + "' is not known");
}

normalize::Bert read_bert(const JsonView& step) {
  require_known(step, {"type", "clean_text", "handle_chinese_chars", "strip_accents", "lowercase"});
  normalize::Bert bert;
  bert.clean_text = step.at("clean_text").boolean();
  bert.split_chinese = step.at("handle_chinese_chars").boolean();
  bert.lowercase = step.at("lowercase").boolean();
  bert.strip_accents = boolean_or(step, "strip_accents", bert.lowercase);
  return bert;
}

normalize::Step read_normalizer(const JsonView& step, const std::string& type) {
  constexpr std::array<std::pair<std::string_view, normalize::Form>, 4> kForms = {
      {{"NFC", normalize::Form::nfc},
       {"NFD", normalize::Form::nfd},
       {"NFKC", normalize::Form::nfkc},
       {"NFKD", normalize::Form::nfkd}}};
  if (type == "BertNormalizer") return read_bert(step);
  if (type == "Strip") {
    require_known(step, {"type", "strip_left", "strip_right"});
    return normalize::Strip{step.at("strip_left").boolean(), step.at("strip_right").boolean()};
  }
  if (type == "Replace") {
    require_known(step, {"type", "pattern", "content"});
    return normalize::Replace{read_pattern(step), std::string(step.at("content").text())};
  }
  if (type == "Prepend") {
    require_known(step, {"type", "prepend"});
    return normalize::Prepend{std::string(step.at("prepend").text())};
  }
  if (type == "Precompiled") {
    require_known(step, {"type", "precompiled_charsmap"});
    const JsonView map = step.at("precompiled_charsmap");
    auto bytes = from_base64(map.text());
    if (!bytes) map.fail("is not base64");
    return normalize::CharacterMap{std::move(*bytes)};
  }
  require_known(step, {"type"});
  for (const auto& [name, form] : kForms)
    if (type == name) return normalize::Unicode{form};
  if (type == "Lowercase") return normalize::Lowercase{};
  if (type == "StripAccents") return normalize::StripAccents{};
  if (type == "Nmt") return normalize::Nmt{};
  if (type == "ByteLevel") return normalize::ByteLevel{};
  step.refuse("the normalizer '" + printable(type, 64) + "' is not supported");
}

/// Also the decoder's. Older files say only whether a space is put before the text.
split::Metaspace read_metaspace(const JsonView& step) {
  require_known(step, {"type", "replacement", "str_rep", "add_prefix_space", "prepend_scheme", "split"});
  split::Metaspace metaspace;
  metaspace.replacement = one_character(step.at("replacement"));
  metaspace.split = boolean_or(step, "split", true);
  const bool add = boolean_or(step, "add_prefix_space", true);
  const auto scheme = step.find("prepend_scheme");
  if (!scheme) {
    metaspace.prepend = add ? split::Prepend::always : split::Prepend::never;
  } else if (scheme->text() == "always") {
    metaspace.prepend = split::Prepend::always;
  } else if (scheme->text() == "first") {
    metaspace.prepend = split::Prepend::first;
  } else if (scheme->text() == "never") {
    metaspace.prepend = split::Prepend::never;
  } else {
    scheme->refuse("'" + printable(scheme->text(), 64) + "' is not known");
  }
  if (!add && metaspace.prepend != split::Prepend::never)
    step.fail("contradicts itself about its first space");
  return metaspace;
}

split::Step read_split(const JsonView& step, const std::string& type) {
  if (type == "ByteLevel") {
    require_known(step, {"type", "add_prefix_space", "trim_offsets", "use_regex"});
    return split::ByteLevel{step.at("add_prefix_space").boolean(), boolean_or(step, "use_regex", true)};
  }
  if (type == "Split") {
    require_known(step, {"type", "pattern", "behavior", "invert"});
    step.at("behavior");
    return split::Pattern{read_pattern(step), read_behavior(step, {}), step.at("invert").boolean()};
  }
  if (type == "Metaspace") return read_metaspace(step);
  if (type == "Digits") {
    require_known(step, {"type", "individual_digits"});
    return split::Digits{step.at("individual_digits").boolean()};
  }
  if (type == "Punctuation") {
    require_known(step, {"type", "behavior"});
    return split::Punctuation{read_behavior(step, split::Behavior::isolated)};
  }
  if (type == "CharDelimiterSplit") {
    require_known(step, {"type", "delimiter"});
    return split::Pattern{{one_character(step.at("delimiter")), false}, split::Behavior::removed, false};
  }
  const auto plain = [&](split::Step made) {
    require_known(step, {"type"});
    return made;
  };
  if (type == "BertPreTokenizer") return plain(split::Bert{});
  if (type == "Whitespace") return plain(split::Whitespace{});
  if (type == "WhitespaceSplit") return plain(split::WhitespaceSplit{});
  step.refuse("the pre-tokenizer '" + printable(type, 64) + "' is not supported");
}

decode::Step read_decoder(const JsonView& step, const std::string& type) {
  if (type == "ByteLevel") {
    require_known(step, {"type", "add_prefix_space", "trim_offsets", "use_regex"});
    return decode::ByteLevel{};
  }
  if (type == "Metaspace") {
    const split::Metaspace metaspace = read_metaspace(step);
    return decode::Metaspace{metaspace.replacement, metaspace.prepend != split::Prepend::never};
  }
  if (type == "WordPiece") {
    require_known(step, {"type", "prefix", "cleanup"});
    return decode::WordPiece{std::string(step.at("prefix").text()), step.at("cleanup").boolean()};
  }
  if (type == "Strip") {
    require_known(step, {"type", "content", "start", "stop"});
    const auto count = [&](std::string_view name) {
      return static_cast<std::size_t>(step.at(name).integer(0, 1 << 20));
    };
    return decode::Strip{one_character(step.at("content")), count("start"), count("stop")};
  }
  if (type == "Replace") {
    require_known(step, {"type", "pattern", "content"});
    return decode::Replace{read_pattern(step), std::string(step.at("content").text())};
  }
  if (type == "BPEDecoder") {
    require_known(step, {"type", "suffix"});
    const std::string_view suffix = step.at("suffix").text();
    if (suffix.empty()) step.refuse("an empty suffix is not supported");
    return decode::WordSuffix{std::string(suffix)};
  }
  const auto plain = [&](decode::Step made) {
    require_known(step, {"type"});
    return made;
  };
  if (type == "ByteFallback") return plain(decode::ByteFallback{});
  if (type == "Fuse") return plain(decode::Fuse{});
  step.refuse("the decoder '" + printable(type, 64) + "' is not supported");
}

}  // namespace

void read_normalizers(const JsonView& root, TokenizerPipeline& pipeline) {
  const auto value = root.find("normalizer");
  if (!value) return;
  for_each_step(*value, "normalizers", [&](const JsonView& step, const std::string& type) {
    pipeline.normalizers.push_back(read_normalizer(step, type));
  });
}

void read_splits(const JsonView& root, TokenizerPipeline& pipeline) {
  const auto value = root.find("pre_tokenizer");
  if (!value) return;
  for_each_step(*value, "pretokenizers", [&](const JsonView& step, const std::string& type) {
    pipeline.splits.push_back(read_split(step, type));
  });
}

void read_decoders(const JsonView& root, TokenizerPipeline& pipeline) {
  const auto value = root.find("decoder");
  pipeline.join_with_spaces = !value;
  if (!value) return;
  for_each_step(*value, "decoders", [&](const JsonView& step, const std::string& type) {
    pipeline.decoders.push_back(read_decoder(step, type));
  });
}

}  // namespace lathe
