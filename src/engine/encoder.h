// Runs texts of token ids through an encoder's plan. Nothing is kept from one step to the next: keys and
// values live in the step alone, and so does the order of the texts.
//
// A step takes as many texts as fit, one behind the other, without padding; a text is never cut. What a text
// gets does not depend on the others in its step.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <span>
#include <vector>

#include "backend/backend.h"
#include "engine/engine.h"
#include "engine/step_builder.h"

namespace lathe {

struct EncoderOptions {
  std::int32_t vocabulary = 0;
  std::int32_t dimensions = 0;   // of an embedding
  std::int32_t text_tokens = 0;  // greatest length of a text
  std::int32_t step_tokens = 0;  // greatest T: at least text_tokens
  std::int32_t texts = 64;       // greatest Q

  /// Pages that the texts of a step can take: each has a last one of its own.
  std::int64_t step_pages() const;
};

/// One for each symbol of an encoder's graph.
std::vector<SymbolLimit> symbol_limits(const EncoderOptions& options);

class Encoder {
 public:
  /// `plan` has the inputs of cache_layout.h, no state, and the output "embeddings" f32[Q, dimensions]
  /// or f32[S, dimensions]: the wanted rows are each text's first. Throws Error(invalid_argument) naming what
  /// does not fit.
  Encoder(const EncoderOptions& options, std::shared_ptr<const Plan> plan, std::shared_ptr<Backend> backend);

  /// [texts, dimensions], in the texts' order. From any thread; calls wait for each other, and the caller is
  /// worker 0 of the kernels' pool. Throws Error(invalid_argument) for an empty text or an id outside the
  /// vocabulary, Error(context_length) with both numbers for a long text, before anything is computed.
  std::vector<float> run(std::span<const std::vector<TokenId>> texts);

  /// As Engine::observe, on the thread that calls run().
  void observe(StepObserver observer);

  const EncoderOptions& options() const { return options_; }

 private:
  /// The texts from `first` on that one step takes, at least one, computed into their rows of `embeddings`.
  std::size_t run_step(std::span<const std::vector<TokenId>> texts, std::size_t first,
                       std::vector<float>& embeddings);

  const EncoderOptions options_;
  std::shared_ptr<const Plan> plan_;
  std::shared_ptr<Backend> backend_;
  const int output_;
  std::vector<std::int32_t> pages_;  // 0, 1, ...: the step's

  std::mutex mutex_;  // guards what follows
  std::unique_ptr<ExecutionContext> context_;
  StepBuilder builder_;
  StepObserver observer_;
};

}  // namespace lathe
