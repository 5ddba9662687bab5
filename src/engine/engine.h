// Runs sequences of token ids on a plan: no text, no JSON. Owns the cache, the scheduler and the one thread
// that changes them; that thread is worker 0 of the kernels' pool.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "backend/backend.h"
#include "sample/sampler.h"

namespace lathe {

using TokenId = std::int32_t;

/// The shape of the cache of one model.
struct CacheGeometry {
  std::int32_t layers = 0;
  std::int32_t kv_heads = 0;
  std::int32_t head_dim = 0;
  Dtype dtype = Dtype::bf16;
  bool off = false;  // --kv off: no pages; every step computes its sequences from their first token

  std::uint64_t page_bytes() const;  // one page of all layers
};

struct EngineOptions {
  std::int32_t vocabulary = 0;
  std::int32_t context_tokens = 0;  // greatest length of a sequence
  std::int32_t cache_tokens =
      0;  // pages for this many tokens; 0: as the context. Fewer also shorten the context
  std::int32_t step_tokens =
      512;  // greatest T: prompts are cut into chunks of it (without a cache: the whole context)
  std::int32_t sequences = 8;  // greatest Q
  std::int32_t out_rows = 64;  // greatest S
  CacheGeometry cache;
};

enum class FinishReason : std::uint8_t { none, end_token, length, context_full, cancelled, failed };

struct GenerationRequest {
  std::vector<TokenId> prompt;  // not empty, every id in the vocabulary
  SamplingParameters sampling;
  std::int32_t max_tokens = 0;   // 0: until the context is full
  std::vector<TokenId> end_ids;  // any of them ends the answer
};

/// What one sequence cost, measured.
struct GenerationTimes {
  std::int32_t prompt_tokens = 0;
  std::int32_t reused_tokens = 0;  // of the prompt, already in the cache
  std::int32_t generated_tokens = 0;
  double prefill_seconds = 0;         // from the first step to the first token
  double decode_seconds = 0;          // from the first token to the last
  std::uint64_t bytes_to_device = 0;  // in all steps, its own: ids and tables
  std::uint64_t bytes_to_host = 0;
};

struct TokenEvent {
  TokenId id = -1;  // the last event may have one, too; -1: none, the sequence has ended
  FinishReason finish = FinishReason::none;
  std::string error;  // failed alone
};

struct CacheStatistics {
  std::int32_t pages = 0;
  std::int32_t pages_in_use = 0;     // by running sequences and by kept prefixes
  std::int32_t pages_ever_used = 0;  // the most at once; 0 without a cache
};

/// What a step computes of one sequence.
struct SequencePart {
  std::int32_t past = 0;  // tokens in the cache before
  std::int32_t tokens = 0;
};

/// One run of the plan with a clock around every step of it.
struct StepReport {
  std::span<const std::int64_t> symbols;  // in the plan's order
  std::span<const SequencePart> parts;
  std::span<const double> seconds;  // of each of the plan's steps; 0: it did not run
  double whole_seconds = 0;
};
using StepObserver = std::function<void(const StepReport&)>;

/// One request in progress. The consumer calls next() until an event with a finish reason; destroying it
/// cancels.
class Generation {
 public:
  virtual ~Generation() = default;
  virtual TokenEvent next() = 0;  // blocks
  virtual void cancel() = 0;      // from any thread; the sequence ends at the next step
  virtual GenerationTimes times() const = 0;
};

class Engine {
 public:
  /// `plan` has the inputs of cache_layout.h, the state "cache" (unless off), and the outputs "logits",
  /// "arg_max", "top_values", "top_ids", "log_sum_exp" (one row per out_row).
  Engine(EngineOptions options, std::shared_ptr<const Plan> plan, std::shared_ptr<Backend> backend);
  ~Engine();  // cancels and joins

  /// Throws Error(invalid_argument) for a bad field, Error(context_length) with both numbers for a long
  /// prompt. The last token comes with the finish reason: an end token with end_token, and likewise with
  /// length and context_full. A prompt as long as the context ends with context_full and no token.
  std::unique_ptr<Generation> submit(GenerationRequest request);

  /// Logits at every position of `ids` from `first` on, in steps of `chunk` tokens (0: out_rows, or
  /// step_tokens if these are fewer, and step_tokens before `first`), in order; all at once where the cache
  /// is off. A step of more than out_rows wanted tokens is run once for each out_rows of them. Nothing is
  /// reused and nothing kept; sequences in progress wait, and lose pages if there are not enough. `row` gets
  /// the position and vocabulary floats on the engine's thread; what it throws ends the evaluation.
  void evaluate(std::span<const TokenId> ids, std::int32_t chunk,
                const std::function<void(std::int32_t position, std::span<const float> logits)>& row,
                std::int32_t first = 0);

  CacheStatistics cache_statistics() const;
  /// Forgets kept prefixes, so that the next prompt is computed whole.
  void clear_kept_prefixes();
  /// From the next step on the plan's steps are timed one by one, which costs time, and shown to `observer`
  /// on the engine's thread; nullptr: no more.
  void observe(StepObserver observer);
  const EngineOptions& options() const;  // with defaults filled in

 private:
  class Implementation;
  std::unique_ptr<Implementation> implementation_;
};

}  // namespace lathe
