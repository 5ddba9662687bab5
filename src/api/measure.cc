// Benchmarks of one shape, measured where the engine measures its requests.
#include <algorithm>
#include <chrono>
#include <string>
#include <vector>

#include "api/model_implementation.h"
#include "base/error.h"

namespace lathe {
namespace {

using Clock = std::chrono::steady_clock;

std::unique_ptr<Generation> start(Engine& engine, std::vector<TokenId> prompt, int max_tokens) {
  GenerationRequest request;
  request.prompt = std::move(prompt);
  request.max_tokens = max_tokens;
  return engine.submit(std::move(request));
}

GenerationTimes finish(Generation& generation) {
  for (;;) {
    const TokenEvent event = generation.next();
    if (event.finish == FinishReason::failed)
      throw Error(ErrorCode::internal, "a measured step failed: " + event.error);
    if (event.finish != FinishReason::none) return generation.times();
  }
}

/// All prompts at once; the times of each.
std::vector<GenerationTimes> run(Engine& engine, const std::vector<std::vector<TokenId>>& prompts,
                                 int max_tokens) {
  std::vector<std::unique_ptr<Generation>> generations;
  for (const auto& prompt : prompts) generations.push_back(start(engine, prompt, max_tokens));
  std::vector<GenerationTimes> times;
  for (const auto& generation : generations) times.push_back(finish(*generation));
  return times;
}

void require_fitting(const ModelImplementation& model, int prompt, int generate, int depth, int sequences) {
  if (prompt < 0 || generate < 0 || depth < 0 || (prompt == 0) == (generate == 0))
    throw Error(ErrorCode::invalid_argument,
                "measure takes either a prompt or a number of tokens to generate");
  if (sequences < 1 || sequences > model.options.sequences)
    throw Error(ErrorCode::invalid_argument,
                std::to_string(sequences) + " sequences at once, the model was loaded for " +
                    std::to_string(model.options.sequences),
                {{}, {}, "sequences"});
  const std::int64_t needed = std::int64_t{prompt} + generate + depth + 1;
  if (needed > model.options.context_tokens)
    throw Error(ErrorCode::context_length, "the measurement needs " + std::to_string(needed) +
                                               " tokens, the context has " +
                                               std::to_string(model.options.context_tokens));
}

}  // namespace

std::vector<TokenId> some_ids(std::int64_t vocabulary, int count, int sequence) {
  std::vector<TokenId> ids;
  std::uint64_t state = 0x9E3779B97F4A7C15u + static_cast<std::uint64_t>(sequence);
  for (int i = 0; i < count; ++i) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    ids.push_back(static_cast<TokenId>((state >> 33) % static_cast<std::uint64_t>(vocabulary)));
  }
  return ids;
}

Measurement measure(ModelImplementation& model, int prompt, int generate, int depth, int sequences) {
  require_fitting(model, prompt, generate, depth, sequences);
  Engine& engine = model.engine();
  engine.clear_kept_prefixes();
  std::vector<std::vector<TokenId>> prompts;
  for (int i = 0; i < sequences; ++i) {
    // To generate, one token is prefilled with the step that gives the first token; each other one is a step.
    prompts.push_back(some_ids(model.info.vocabulary, depth + (generate > 0 ? 1 : prompt), i));
    // What lies before is kept from here on, so that the sequences then start together.
    const bool prepare = depth > 0 && (generate == 0 || sequences > 1) && !engine.options().cache.off;
    if (prepare) finish(*start(engine, {prompts.back().begin(), prompts.back().begin() + depth}, 1));
  }
  const auto begin = Clock::now();
  const auto times = run(engine, prompts, generate + 1);
  const double seconds = std::chrono::duration<double>(Clock::now() - begin).count();
  engine.clear_kept_prefixes();

  Measurement result;
  for (const auto& sequence : times) {
    result.tokens +=
        generate > 0 ? sequence.generated_tokens - 1 : sequence.prompt_tokens - sequence.reused_tokens;
    result.seconds =
        std::max(result.seconds, generate > 0 ? sequence.decode_seconds : sequence.prefill_seconds);
  }
  if (generate == 0 && sequences > 1)
    result.seconds = seconds;  // from the first prompt to the last one's end
  return result;
}

}  // namespace lathe
