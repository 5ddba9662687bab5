#include "engine/token_stream.h"

#include <utility>

namespace lathe {

void TokenStream::push(TokenId token, const GenerationTimes& times) {
  {
    const std::lock_guard lock(mutex_);
    tokens_.push_back(token);
    times_ = times;
  }
  changed_.notify_all();
}

void TokenStream::end(TokenId token, FinishReason reason, const GenerationTimes& times, std::string error) {
  {
    const std::lock_guard lock(mutex_);
    last_ = {token, reason, std::move(error)};
    times_ = times;
  }
  changed_.notify_all();
}

TokenEvent TokenStream::next() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return read_ < tokens_.size() || last_.finish != FinishReason::none; });
  if (read_ < tokens_.size()) return {tokens_[read_++], FinishReason::none, {}};
  TokenEvent event = last_;
  last_.id = -1;
  return event;
}

GenerationTimes TokenStream::times() const {
  const std::lock_guard lock(mutex_);
  return times_;
}

}  // namespace lathe
