#include "engine/sequence.h"

#include <algorithm>

#include "backend/cache_layout.h"

namespace lathe {

Sequence::Sequence(GenerationRequest request, std::int32_t context_tokens)
    : tokens(std::move(request.prompt)),
      prompt_tokens(static_cast<std::int32_t>(tokens.size())),
      limit(context_tokens),
      limit_reason(FinishReason::context_full),
      end_ids(std::move(request.end_ids)),
      sampler(request.sampling),
      needs(sampler.needs()) {
  if (request.max_tokens > 0 && request.max_tokens <= limit - prompt_tokens) {
    limit = prompt_tokens + request.max_tokens;
    limit_reason = FinishReason::length;
  }
  // So that decoding allocates nothing.
  tokens.reserve(static_cast<std::size_t>(limit));
  pages.reserve(static_cast<std::size_t>(limit) / kPageTokens + 1);
  stream = std::make_shared<TokenStream>(static_cast<std::size_t>(limit) -
                                         static_cast<std::size_t>(prompt_tokens));
  times.prompt_tokens = prompt_tokens;
}

FinishReason Sequence::accept(TokenId token) {
  tokens.push_back(token);
  const auto now = std::chrono::steady_clock::now();
  if (times.generated_tokens++ == 0) {
    first_token = now;
    times.prefill_seconds = std::chrono::duration<double>(now - first_step).count();
  }
  times.decode_seconds = std::chrono::duration<double>(now - first_token).count();
  if (std::find(end_ids.begin(), end_ids.end(), token) != end_ids.end()) return FinishReason::end_token;
  return static_cast<std::int32_t>(tokens.size()) == limit ? limit_reason : FinishReason::none;
}

}  // namespace lathe
