#include "text/decoder_stages.h"

#include <functional>
#include <utility>

#include "base/error.h"
#include "text/byte_letters.h"
#include "text/pattern.h"
#include "text/utf8.h"
#include "text/vocabulary.h"

namespace lathe {
namespace {

using Stage = DecoderFactory::Stage;
using Stages = std::vector<std::unique_ptr<const Stage>>;

void replace_all(std::string& text, std::string_view old, std::string_view with) {
  std::string out;
  std::size_t done = 0;
  for (std::size_t at = text.find(old); at != std::string::npos; at = text.find(old, done)) {
    out.append(text, done, at - done).append(with);
    done = at + old.size();
  }
  if (done == 0) return;
  text = out.append(text, done);
}

/// English as it is written: no space before punctuation and contractions.
void clean_up(std::string& text) {
  constexpr std::pair<std::string_view, std::string_view> kRules[] = {
      {" .", "."},   {" ?", "?"},           {" !", "!"},   {" ,", ","},     {" ' ", "'"},   {" n't", "n't"},
      {" 'm", "'m"}, {" do not", " don't"}, {" 's", "'s"}, {" 've", "'ve"}, {" 're", "'re"}};
  for (const auto& [old, with] : kRules) replace_all(text, old, with);
}

/// Changes each token for itself, but may ask whether it is the first.
class MapStage final : public Stage {
 public:
  using Change = std::function<void(std::string& text, bool first)>;
  explicit MapStage(Change change) : change_(std::move(change)) {}

  std::unique_ptr<Stage> start(bool continues) const override {
    auto copy = std::make_unique<MapStage>(change_);
    copy->first_ = !continues;
    return copy;
  }
  void push(DecoderItem item, DecoderItems& out) override {
    if (!item.silent) change_(item.token.bytes, std::exchange(first_, false));
    out.push_back(std::move(item));
  }

 private:
  Change change_;
  bool first_ = true;
};

/// Tokens <0xNN> are bytes. A run of them is text only if all of it is UTF-8; otherwise each is U+FFFD.
class ByteFallbackStage final : public Stage {
 public:
  std::unique_ptr<Stage> start(bool) const override { return std::make_unique<ByteFallbackStage>(); }

  void push(DecoderItem item, DecoderItems& out) override {
    if (item.silent) {
      (bytes_.empty() ? out : held_).push_back(std::move(item));
    } else if (const auto byte = byte_of_token(item.token.bytes)) {
      bytes_ += static_cast<char>(*byte);
      item.token.bytes.clear();
      held_.push_back(std::move(item));
    } else {
      finish(out);
      out.push_back(std::move(item));
    }
  }

  void finish(DecoderItems& out) override {
    const bool whole = is_utf8(bytes_);
    for (DecoderItem& item : held_) {
      if (!item.silent && !whole) append_rune(item.token.bytes, kReplacement);
      if (!item.silent && whole) {
        // The first has the text of all: they are sent together.
        item.token.bytes = std::exchange(bytes_, {});
        item.silent = item.token.bytes.empty();
      }
      out.push_back(std::move(item));
    }
    held_.clear();
    bytes_.clear();
  }

 private:
  std::string bytes_;
  DecoderItems held_;
};

/// Cuts up to `count` characters `content` from the start of the text.
class StripStartStage final : public Stage {
 public:
  StripStartStage(std::string content, std::size_t count) : content_(std::move(content)), left_(count) {}

  std::unique_ptr<Stage> start(bool continues) const override {
    return std::make_unique<StripStartStage>(content_, continues ? 0 : left_);
  }
  void push(DecoderItem item, DecoderItems& out) override {
    std::string& text = item.token.bytes;
    std::size_t cut = 0;
    while (left_ > 0 && cut < text.size()) {
      if (!std::string_view(text).substr(cut).starts_with(content_)) {
        left_ = 0;
      } else {
        cut += content_.size();
        --left_;
      }
    }
    text.erase(0, cut);
    out.push_back(std::move(item));
  }

 private:
  std::string content_;
  std::size_t left_;
};

/// The suffix that ends a word is a space, but nothing behind the last token: one token waits.
class WordSuffixStage final : public Stage {
 public:
  explicit WordSuffixStage(std::string suffix) : suffix_(std::move(suffix)) {}

  std::unique_ptr<Stage> start(bool) const override { return std::make_unique<WordSuffixStage>(suffix_); }

  void push(DecoderItem item, DecoderItems& out) override {
    if (!item.silent) release(" ", out);
    held_.push_back(std::move(item));
  }
  void finish(DecoderItems& out) override { release("", out); }

 private:
  void release(std::string_view with, DecoderItems& out) {
    for (DecoderItem& item : held_) {
      if (!item.silent) replace_all(item.token.bytes, suffix_, with);
      out.push_back(std::move(item));
    }
    held_.clear();
  }

  std::string suffix_;
  DecoderItems held_;
};

std::string strip(std::string_view text, const decode::Strip& step) {
  for (std::size_t i = 0; i < step.start && text.starts_with(step.content); ++i)
    text.remove_prefix(step.content.size());
  for (std::size_t i = 0; i < step.stop && text.ends_with(step.content); ++i)
    text.remove_suffix(step.content.size());
  return std::string(text);
}

std::unique_ptr<const Stage> make_map(MapStage::Change change) {
  return std::make_unique<const MapStage>(std::move(change));
}

/// A letter that is none leaves the whole token as it is.
void from_byte_letters(const ByteLetters& letters, std::string& text) {
  std::string bytes;
  for (std::size_t i = 0; i < text.size();) {
    const Rune rune = rune_at(text, i);
    const auto byte = letters.byte(rune.value);
    if (!byte) return;
    bytes += static_cast<char>(*byte);
    i += rune.length;
  }
  text = std::move(bytes);
}

struct AddStage {
  Stages& stages;
  bool& fused;  // the steps from here on see one text

  void refuse_fused(const char* name) const {
    if (fused)
      throw Error(ErrorCode::unsupported,
                  "the decoder " + std::string(name) + " behind one that joins all tokens is not supported");
  }
  void operator()(const decode::ByteLevel&) const {
    refuse_fused("ByteLevel");
    stages.push_back(
        make_map([letters = ByteLetters()](std::string& text, bool) { from_byte_letters(letters, text); }));
    fused = true;
  }
  void operator()(const decode::ByteFallback&) const {
    refuse_fused("ByteFallback");
    stages.push_back(std::make_unique<const ByteFallbackStage>());
  }
  void operator()(const decode::Fuse&) const { fused = true; }
  void operator()(const decode::Metaspace& step) const {
    refuse_fused("Metaspace");
    stages.push_back(make_map([step](std::string& text, bool first) {
      replace_all(text, step.replacement, first && step.drop_first ? "" : " ");
    }));
  }
  void operator()(const decode::WordPiece& step) const {
    refuse_fused("WordPiece");
    stages.push_back(make_map([step](std::string& text, bool first) {
      if (!first) {
        if (text.starts_with(step.prefix)) {
          text.erase(0, step.prefix.size());
        } else {
          text.insert(0, " ");
        }
      }
      if (step.cleanup) clean_up(text);
    }));
  }
  void operator()(const decode::Strip& step) const {
    if (!fused) {
      stages.push_back(make_map([step](std::string& text, bool) { text = strip(text, step); }));
      return;
    }
    if (step.stop > 0)
      throw Error(ErrorCode::unsupported, "the decoder Strip at the end of the whole text is not supported");
    stages.push_back(std::make_unique<const StripStartStage>(step.content, step.start));
  }
  void operator()(const decode::Replace& step) const {
    refuse_fused("Replace");
    const auto pattern = std::make_shared<const Pattern>(step.pattern);
    stages.push_back(make_map([pattern, content = step.content](std::string& text, bool) {
      text = pattern->replace(text, content);
    }));
  }
  void operator()(const decode::WordSuffix& step) const {
    refuse_fused("BPEDecoder");
    stages.push_back(std::make_unique<const WordSuffixStage>(step.suffix));
  }
};

}  // namespace

Stages make_decoder_stages(const TokenizerPipeline& pipeline) {
  Stages stages;
  bool fused = false;
  for (const decode::Step& step : pipeline.decoders) std::visit(AddStage{stages, fused}, step);
  if (pipeline.join_with_spaces) {
    stages.push_back(make_map([](std::string& text, bool first) {
      if (!first) text.insert(0, " ");
    }));
  }
  return stages;
}

}  // namespace lathe
