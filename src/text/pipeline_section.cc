// A step is u8, its place in the variant, then its fields in the order of tokenizer_pipeline.h.
#include "text/pipeline_section.h"

#include <utility>

namespace lathe {
namespace {

template <class Archive>
class Fields {
 public:
  explicit Fields(Archive& archive) : archive_(archive) {}

  template <class Step>
  void operator()(Step& step) {
    if constexpr (!std::is_empty_v<Step>) describe(step);
  }

  template <class... Steps>
  void operator()(std::variant<Steps...>& step) {
    auto index = static_cast<std::uint8_t>(step.index());
    archive_.choice(index, sizeof...(Steps), "a step");
    if constexpr (Archive::kReads) emplace(step, index, std::index_sequence_for<Steps...>());
    std::visit(*this, step);
  }

 private:
  template <class Variant, std::size_t... Index>
  static void emplace(Variant& step, std::size_t index, std::index_sequence<Index...>) {
    (void)((Index == index && (step.template emplace<Index>(), true)) || ...);
  }

  void describe(TextPattern& pattern) {
    archive_.text(pattern.text, "a pattern");
    archive_.flag(pattern.regex, "a pattern's kind");
  }
  void describe(normalize::Unicode& step) { archive_.choice(step.form, 4, "a form"); }
  void describe(normalize::Strip& step) {
    archive_.flag(step.left, "left");
    archive_.flag(step.right, "right");
  }
  void describe(normalize::Replace& step) {
    describe(step.pattern);
    archive_.text(step.content, "content");
  }
  void describe(normalize::Prepend& step) { archive_.text(step.text, "text"); }
  void describe(normalize::Bert& step) {
    archive_.flag(step.clean_text, "clean_text");
    archive_.flag(step.split_chinese, "split_chinese");
    archive_.flag(step.strip_accents, "strip_accents");
    archive_.flag(step.lowercase, "lowercase");
  }
  void describe(normalize::CharacterMap& step) { archive_.text(step.bytes, "a character map"); }

  void describe(split::Pattern& step) {
    describe(step.pattern);
    archive_.choice(step.behavior, 5, "behavior");
    archive_.flag(step.invert, "invert");
  }
  void describe(split::ByteLevel& step) {
    archive_.flag(step.add_prefix_space, "add_prefix_space");
    archive_.flag(step.use_pattern, "use_pattern");
  }
  void describe(split::Metaspace& step) {
    archive_.text(step.replacement, "replacement");
    archive_.choice(step.prepend, 3, "prepend");
    archive_.flag(step.split, "split");
  }
  void describe(split::Digits& step) { archive_.flag(step.individual, "individual"); }
  void describe(split::Punctuation& step) { archive_.choice(step.behavior, 5, "behavior"); }

  void describe(decode::Metaspace& step) {
    archive_.text(step.replacement, "replacement");
    archive_.flag(step.drop_first, "drop_first");
  }
  void describe(decode::WordPiece& step) {
    archive_.text(step.prefix, "prefix");
    archive_.flag(step.cleanup, "cleanup");
  }
  void describe(decode::Strip& step) {
    archive_.text(step.content, "content");
    archive_.number(step.start, "start");
    archive_.number(step.stop, "stop");
  }
  void describe(decode::Replace& step) {
    describe(step.pattern);
    archive_.text(step.content, "content");
  }
  void describe(decode::WordSuffix& step) { archive_.text(step.suffix, "suffix"); }

  Archive& archive_;
};

template <class Archive>
void describe_all(Archive& archive, TokenizerPipeline& pipeline, bool merges) {
  Fields<Archive> fields(archive);
  archive.list(pipeline.normalizers, 1, "normalizers", fields);
  archive.list(pipeline.splits, 1, "splits", fields);
  archive.list(pipeline.decoders, 1, "decoders", fields);
  archive.flag(pipeline.join_with_spaces, "join_with_spaces");
  archive.list(pipeline.added, 9, "added tokens", [&](AddedToken& token) {
    archive.number(token.id, "an added token");
    archive.flag(token.in_model, "in_model");
    archive.flag(token.single_word, "single_word");
    archive.flag(token.strip_left, "strip_left");
    archive.flag(token.strip_right, "strip_right");
    archive.flag(token.normalized, "normalized");
  });
  archive.numbers(pipeline.before, "tokens before");
  archive.numbers(pipeline.after, "tokens after");
  std::vector<MergeRule> none;
  archive.list(merges ? pipeline.merges : none, 12, "merges", [&](MergeRule& rule) {
    archive.number(rule.left, "a merge");
    archive.number(rule.right, "a merge");
    archive.number(rule.result, "a merge");
  });
  archive.text(pipeline.continuing_prefix, "continuing_prefix");
  archive.text(pipeline.word_suffix, "word_suffix");
  TokenId unknown = pipeline.unknown.value_or(-1);
  archive.number(unknown, "unknown");
  if (Archive::kReads && unknown >= 0) pipeline.unknown = unknown;
  archive.text(pipeline.unknown_text, "unknown_text");
  archive.flag(pipeline.fuse_unknown, "fuse_unknown");
  archive.flag(pipeline.byte_fallback, "byte_fallback");
  archive.flag(pipeline.ignore_merges, "ignore_merges");
  archive.number(pipeline.longest_word, "longest_word");
}

}  // namespace

void describe_pipeline(ArchiveWriter& archive, const TokenizerPipeline& pipeline, bool merges) {
  // Writing changes nothing.
  describe_all(archive, const_cast<TokenizerPipeline&>(pipeline), merges);
}

void describe_pipeline(ArchiveReader& archive, TokenizerPipeline& pipeline, bool merges) {
  describe_all(archive, pipeline, merges);
}

}  // namespace lathe
