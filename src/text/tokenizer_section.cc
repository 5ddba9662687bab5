// The section, of values as base/byte_archive.h writes them:
//   model, texts and numbers of TokenizerData | the pipeline | the tokens' lengths and bytes, kinds, scores
//   | zeros to a multiple of 64 | the tables, each at a multiple of 64
// docs/plan-format.md lists the fields.
#include "text/tokenizer_section.h"

#include <algorithm>
#include <bit>
#include <numeric>

#include "base/byte_archive.h"
#include "base/checked.h"
#include "text/pipeline_section.h"

namespace lathe {
namespace {

constexpr std::size_t kTableAlignment = 64;
constexpr std::size_t kKinds = 6;
constexpr std::size_t kModels = 5;

template <class Archive>
void describe_id(Archive& archive, auto& id, std::string_view what) {
  TokenId value = id.value_or(-1);
  archive.number(value, what);
  if constexpr (Archive::kReads) {
    if (value >= 0) id = value;
  }
}

template <class Archive>
void describe_fields(Archive& archive, auto& data) {
  archive.choice(data.model, kModels, "the kind of tokenizer");
  archive.text(data.pre_tokenizer, "the pre-tokenizer");
  archive.flag(data.add_bos, "add_bos");
  archive.flag(data.add_eos, "add_eos");
  archive.flag(data.add_space_prefix, "add_space_prefix");
  describe_id(archive, data.bos, "the BOS token");
  describe_id(archive, data.eos, "the EOS token");
  describe_id(archive, data.unknown, "the unknown token");
  describe_id(archive, data.padding, "the padding token");
  archive.numbers(data.end_ids, "end tokens");
  archive.text(data.chat_template, "the chat template");
}

void write_tokens(ArchiveWriter& archive, const TokenizerData& data) {
  archive.number(static_cast<std::uint32_t>(data.tokens.size()), "tokens");
  std::uint64_t bytes = 0;
  for (const auto& token : data.tokens) bytes += token.size();
  archive.number(bytes, "bytes of tokens");
  archive.align(sizeof(std::uint32_t));
  for (const auto& token : data.tokens) archive.number(static_cast<std::uint32_t>(token.size()), "a length");
  for (const auto& token : data.tokens) archive.raw(std::as_bytes(std::span(token.data(), token.size())));
  archive.raw(std::as_bytes(std::span(data.kinds)));
  archive.numbers(data.scores, "scores");
}

void read_tokens(ArchiveReader& archive, TokenizerData& data) {
  std::uint32_t count = 0;
  std::uint64_t bytes = 0;
  archive.number(count, "tokens");
  archive.number(bytes, "bytes of tokens");
  archive.align(sizeof(std::uint32_t));
  const auto lengths = archive.view_numbers<std::uint32_t>(count, "lengths of tokens");
  const auto texts = archive.view_numbers<char>(bytes, "texts of tokens");
  data.tokens.reserve(count);
  std::size_t at = 0;
  for (const auto length : lengths) {
    if (length > texts.size() - at) archive.fail("a token ends behind the texts of all");
    data.tokens.emplace_back(texts.data() + at, length);
    at += length;
  }
  if (at != texts.size()) archive.fail("the tokens' texts are longer than they are together");
  const auto kinds = archive.view_numbers<std::uint8_t>(count, "kinds of tokens");
  data.kinds.reserve(count);
  for (const auto kind : kinds) {
    if (kind >= kKinds) archive.fail("a token's kind is " + std::to_string(kind) + ", which is not known");
    data.kinds.push_back(static_cast<TokenKind>(kind));
  }
  archive.numbers(data.scores, "scores");
}

template <class Slot>
void write_table(ArchiveWriter& archive, std::span<const Slot> slots) {
  archive.number(static_cast<std::uint32_t>(slots.size()), "slots");
  archive.align(kTableAlignment);
  archive.raw(std::as_bytes(slots));
}

template <class Slot, class IsFree, class IsValid>
std::span<const Slot> read_table(ArchiveReader& archive, std::string_view what, IsFree is_free,
                                 IsValid is_valid) {
  std::uint32_t count = 0;
  archive.number(count, what);
  archive.align(kTableAlignment);
  const auto slots = archive.view_numbers<Slot>(count, what);
  if (slots.empty()) return slots;
  if (!std::has_single_bit(slots.size()) || std::ranges::none_of(slots, is_free))
    archive.fail(std::string(what) + " of " + std::to_string(count) + " slots can be searched for ever");
  if (!std::ranges::all_of(slots, is_valid))
    archive.fail(std::string(what) + " name a token that there is not");
  return slots;
}

}  // namespace

std::string write_tokenizer_section(const Tokenizer& tokenizer) {
  const TokenizerData& data = tokenizer.data();
  const TokenizerTables tables = tokenizer.tables();
  ArchiveWriter archive;
  describe_fields(archive, data);
  archive.list(tokenizer.warnings(), 4, "warnings",
               [&](auto& warning) { archive.text(warning, "a warning"); });
  describe_pipeline(archive, data.pipeline, tables.merges.empty());
  write_tokens(archive, data);
  archive.number(tables.longest, "the longest token");
  write_table(archive, tables.vocabulary);
  write_table(archive, tables.merges);
  return archive.take();
}

TokenizerData read_tokenizer_section(std::span<const std::byte> bytes, std::shared_ptr<const void> owner,
                                     const std::string& file) {
  ArchiveReader archive(bytes, file, "tokenizer");
  TokenizerData data;
  describe_fields(archive, data);
  archive.list(data.warnings, 4, "warnings", [&](auto& warning) { archive.text(warning, "a warning"); });
  describe_pipeline(archive, data.pipeline, true);
  read_tokens(archive, data);
  const auto tables = std::make_shared<TokenizerTables>();
  const auto count = static_cast<std::int64_t>(data.tokens.size());
  const auto known = [count](TokenId id) { return id >= 0 && id < count; };
  // Of the others the tokenizer takes care itself.
  if (data.pipeline.unknown && !known(*data.pipeline.unknown))
    archive.fail("the model's unknown token is none of the vocabulary");
  for (const MergeRule& rule : data.pipeline.merges)
    if (!known(rule.result)) archive.fail("a merge gives a token that there is not");
  archive.number(tables->longest, "the longest token");
  tables->vocabulary = read_table<VocabularySlot>(
      archive, "the vocabulary", [](const VocabularySlot& slot) { return slot.id < 0; },
      [&](const VocabularySlot& slot) { return slot.id < 0 || known(slot.id); });
  tables->merges = read_table<MergeSlot>(
      archive, "the merges", [](const MergeSlot& slot) { return slot.left < 0; },
      [&](const MergeSlot& slot) { return slot.left < 0 || (known(slot.left) && known(slot.result)); });
  archive.end();
  data.tables = std::shared_ptr<const TokenizerTables>(
      tables.get(), [tables, kept = std::move(owner)](const TokenizerTables*) {});
  return data;
}

}  // namespace lathe
