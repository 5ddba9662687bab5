// A device whose model is a hash: the logits behind a token are a function of the whole history of tokens,
// which it reads back through the block tables from the cache that steps have written. A page that is lost,
// shared and overwritten, or numbered wrongly changes the next token.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <span>
#include <vector>

#include "backend/backend.h"
#include "engine/engine.h"

namespace lathe::toy {

inline constexpr std::int32_t kVocabulary = 300;
inline constexpr TokenId kFailingToken = 298;  // a step with it throws
inline constexpr TokenId kNanToken = 299;      // the logits behind it are NaN

/// The model: logits behind the last token of `history`. Tokens from 290 on are never the greatest.
std::vector<float> logits_behind(std::span<const TokenId> history);

/// What the engine must answer, computed without one.
struct Answer {
  std::vector<TokenId> tokens;
  FinishReason finish = FinishReason::none;
  bool operator==(const Answer&) const = default;
};
Answer answer_alone(const GenerationRequest& request, std::int32_t context);

/// The consumer's loop.
Answer collect(Generation& generation);

struct StepRecord {
  std::int64_t tokens = 0;
  std::int64_t sequences = 0;
  std::int64_t rows = 0;
  std::int64_t pages = 0;
  std::uint32_t wanted = 0;
  std::uint64_t allocations_before = 0;  // on the engine's thread since the step before
  std::uint64_t bytes_read = 0;          // of outputs, behind the step
};

class Device final : public Backend {
 public:
  std::string_view name() const override { return "toy"; }
  Buffer allocate(std::size_t bytes) override;
  std::optional<Buffer> share(std::span<const std::byte>, std::shared_ptr<const void>) override { return {}; }
  void write(const Buffer& buffer, std::uint64_t offset, std::span<const std::byte> host) override;
  void read(const Buffer& buffer, std::uint64_t offset, std::span<std::byte> host) override;
  Traffic traffic() const override { return traffic_; }
  std::span<const Kernel> kernels() const override { return {}; }
  std::unique_ptr<ExecutionContext> create_context(std::shared_ptr<const Plan> plan, ContextOptions) override;

  std::vector<StepRecord> steps() const;
  void record(const StepRecord& step);
  void record_read(std::uint64_t bytes);

 private:
  Traffic traffic_;
  mutable std::mutex mutex_;
  std::vector<StepRecord> steps_;
};

/// Options whose cache is one layer with one head of one dimension.
EngineOptions small_options();
std::shared_ptr<Plan> make_plan(const EngineOptions& options);

}  // namespace lathe::toy
