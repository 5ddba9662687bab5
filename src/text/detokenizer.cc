#include "text/detokenizer.h"

#include <algorithm>
#include <utility>

#include "base/error.h"
#include "text/utf8.h"

namespace lathe {
namespace {

constexpr std::size_t kMostStops = 16;
constexpr std::size_t kLongestStop = 256;

/// Bytes at the end of `text` that are the beginning of `stop`.
std::size_t overlap(std::string_view text, std::string_view stop) {
  for (std::size_t length = std::min(text.size(), stop.size() - 1); length > 0; --length) {
    if (text.substr(text.size() - length) == stop.substr(0, length)) return length;
  }
  return 0;
}

}  // namespace

Detokenizer::Detokenizer(const Tokenizer& tokenizer, DetokenizerOptions options)
    : options_(std::move(options)), decoder_(tokenizer.make_decoder(options_.special, options_.continues)) {
  if (options_.stops.size() > kMostStops)
    throw Error(ErrorCode::invalid_argument, "more than 16 stop texts",
                {.file = {}, .offset = {}, .field = "stop"});
  for (const std::string& stop : options_.stops) {
    if (stop.empty() || stop.size() > kLongestStop) {
      throw Error(ErrorCode::invalid_argument, "a stop text has 1 to 256 bytes",
                  {.file = {}, .offset = {}, .field = "stop"});
    }
  }
}

std::string Detokenizer::push(TokenId id) {
  if (stopped_) return {};
  decoder_->push(id, decoded_);
  take_decoded();
  take_characters(false);
  return release(false);
}

std::string Detokenizer::finish() {
  if (stopped_) return {};
  decoder_->finish(decoded_);
  take_decoded();
  take_characters(true);
  return release(true);
}

std::vector<TokenId> Detokenizer::take_ids() {
  std::vector<TokenId> ids;
  for (; placed_ > 0; --placed_) {
    const PendingId& first = pending_.front();
    if (first.has_text ? first.text_before >= text_done_ : first.text_before > text_done_) break;
    ids.push_back(first.id);
    pending_.pop_front();
  }
  return ids;
}

void Detokenizer::take_decoded() {
  for (const DecodedToken& token : decoded_) {
    pending_.push_back({token.id, !token.bytes.empty(), bytes_done_ + bytes_.size(), 0});
    bytes_ += token.bytes;
  }
  decoded_.clear();
}

/// Of tokens that start before `bytes_end` of the stream, text_before is the end of the text.
void Detokenizer::place_ids(std::size_t bytes_end) {
  for (; placed_ < pending_.size() && pending_[placed_].bytes_before < bytes_end; ++placed_)
    pending_[placed_].text_before = text_done_ + text_.size();
}

void Detokenizer::take_characters(bool last) {
  std::size_t at = 0;
  while (at < bytes_.size()) {
    const Rune rune = rune_at(bytes_, at);
    if (rune.cut && !last) break;
    place_ids(bytes_done_ + at + rune.length);
    if (rune.valid) {
      text_.append(bytes_, at, rune.length);
    } else {
      append_rune(text_, kReplacement);
    }
    at += rune.length;
  }
  bytes_.erase(0, at);
  bytes_done_ += at;
  if (bytes_.empty()) place_ids(bytes_done_ + 1);
}

std::string Detokenizer::release(bool last) {
  // The stop that is complete first wins, as if characters came one by one; of several the one that began
  // first.
  std::size_t begin = std::string::npos;
  std::size_t end = std::string::npos;
  std::size_t held = 0;
  for (const std::string& stop : options_.stops) {
    const std::size_t found = text_.find(stop);
    if (found != std::string::npos) {
      if (found + stop.size() < end || (found + stop.size() == end && found < begin)) {
        begin = found;
        end = found + stop.size();
      }
    } else if (!last) {
      held = std::max(held, overlap(text_, stop));
    }
  }
  if (begin != std::string::npos) {
    stopped_ = true;
    std::string out = text_.substr(0, begin);
    text_done_ += begin;
    text_.clear();
    bytes_.clear();
    return out;
  }
  std::string out = text_.substr(0, text_.size() - held);
  text_.erase(0, out.size());
  text_done_ += out.size();
  return out;
}

}  // namespace lathe
