// One request in progress, as the engine's thread sees it.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <vector>

#include "engine/engine.h"
#include "engine/token_stream.h"
#include "sample/sampler.h"

namespace lathe {

struct Sequence {
  Sequence(GenerationRequest request, std::int32_t context_tokens);

  /// Tokens whose keys and values are still to be computed. When these run to the end, the next token can be
  /// sampled.
  std::int32_t pending() const { return static_cast<std::int32_t>(tokens.size()) - cached; }
  std::span<const TokenId> cached_tokens() const {
    return std::span(tokens).first(static_cast<std::size_t>(cached));
  }

  /// Takes the token that was sampled; the reason if it was the last.
  FinishReason accept(TokenId token);

  std::vector<TokenId> tokens;  // the prompt and what was generated
  std::int32_t prompt_tokens;
  std::int32_t limit;         // greatest number of tokens
  FinishReason limit_reason;  // what it means to reach it
  std::vector<TokenId> end_ids;
  Sampler sampler;
  SamplingNeeds needs;
  std::int32_t cached = 0;  // tokens at the front whose keys and values lie in `pages`
  std::vector<std::int32_t>
      pages;  // in order of position; each holds a multiple of kPageTokens and what follows
  bool admitted_before = false;  // and preempted since
  std::shared_ptr<TokenStream> stream;
  GenerationTimes times;
  std::chrono::steady_clock::time_point first_step;
  std::chrono::steady_clock::time_point first_token;
};

}  // namespace lathe
