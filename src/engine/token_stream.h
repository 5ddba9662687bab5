// The tokens of one answer on their way from the engine's thread to the consumer, and the consumer's wish to
// stop on its way back. The one object that both sides of a generation touch.
#pragma once

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <string>
#include <vector>

#include "engine/engine.h"

namespace lathe {

class TokenStream {
 public:
  explicit TokenStream(std::size_t expected_tokens) { tokens_.reserve(expected_tokens); }

  // The engine's side.
  void push(TokenId token, const GenerationTimes& times);
  /// The last event: `token` may be -1.
  void end(TokenId token, FinishReason reason, const GenerationTimes& times, std::string error = {});
  bool cancelled() const { return cancelled_.load(std::memory_order_relaxed); }

  // The consumer's side.
  TokenEvent next();  // blocks; after the last event, that one without its token again
  void cancel() { cancelled_.store(true, std::memory_order_relaxed); }
  GenerationTimes times() const;

 private:
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<TokenId> tokens_;  // all so far, so that steps need not allocate
  std::size_t read_ = 0;
  TokenEvent last_;  // its finish is none until the end
  GenerationTimes times_;
  std::atomic<bool> cancelled_{false};
};

}  // namespace lathe
