// Benchmarks of one shape, measured where the engine measures its requests.
#include <string>
#include <vector>

#include "api/model_implementation.h"
#include "base/error.h"

namespace lathe {
namespace {

/// Ids that are spread over the vocabulary, the same ones at every call.
std::vector<TokenId> some_ids(std::int64_t vocabulary, int count) {
  std::vector<TokenId> ids;
  std::uint64_t state = 0x9E3779B97F4A7C15u;
  for (int i = 0; i < count; ++i) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    ids.push_back(static_cast<TokenId>((state >> 33) % static_cast<std::uint64_t>(vocabulary)));
  }
  return ids;
}

GenerationTimes run(Engine& engine, std::vector<TokenId> prompt, int max_tokens) {
  GenerationRequest request;
  request.prompt = std::move(prompt);
  request.max_tokens = max_tokens;
  const auto generation = engine.submit(std::move(request));
  for (;;) {
    const TokenEvent event = generation->next();
    if (event.finish == FinishReason::failed)
      throw Error(ErrorCode::internal, "a measured step failed: " + event.error);
    if (event.finish != FinishReason::none) return generation->times();
  }
}

}  // namespace

Measurement measure(ModelImplementation& model, int prompt, int generate, int depth) {
  if (prompt < 0 || generate < 0 || depth < 0 || (prompt == 0) == (generate == 0))
    throw Error(ErrorCode::invalid_argument,
                "measure takes either a prompt or a number of tokens to generate");
  Engine& engine = model.engine();
  const std::int64_t needed = std::int64_t{prompt} + generate + depth + 1;
  if (needed > model.options.context_tokens)
    throw Error(ErrorCode::context_length, "the measurement needs " + std::to_string(needed) +
                                               " tokens, the context has " +
                                               std::to_string(model.options.context_tokens));
  engine.clear_kept_prefixes();
  const auto ids = some_ids(model.info.vocabulary, depth + prompt);
  if (generate > 0) {
    // The first token comes from the prefill; each of the others is one step.
    const auto start = depth > 0 ? ids : std::vector<TokenId>{some_ids(model.info.vocabulary, 1)};
    const GenerationTimes times = run(engine, start, generate + 1);
    return {times.decode_seconds, times.generated_tokens - 1};
  }
  if (depth > 0) run(engine, {ids.begin(), ids.begin() + depth}, 1);
  const GenerationTimes times = run(engine, ids, 1);
  engine.clear_kept_prefixes();
  return {times.prefill_seconds, times.prompt_tokens - times.reused_tokens};
}

}  // namespace lathe
