#include "engine/engine.h"

#include "base/error.h"
#include "engine/engine_implementation.h"

namespace lathe {
namespace {

class StreamGeneration final : public Generation {
 public:
  explicit StreamGeneration(std::shared_ptr<TokenStream> stream) : stream_(std::move(stream)) {}
  ~StreamGeneration() override { stream_->cancel(); }
  StreamGeneration(const StreamGeneration&) = delete;
  StreamGeneration& operator=(const StreamGeneration&) = delete;

  TokenEvent next() override { return stream_->next(); }
  void cancel() override { stream_->cancel(); }
  GenerationTimes times() const override { return stream_->times(); }

 private:
  std::shared_ptr<TokenStream> stream_;
};

[[noreturn]] void refuse(ErrorCode code, const std::string& message, const char* field) {
  throw Error(code, message, {{}, std::nullopt, field});
}

void require_ids(std::span<const TokenId> ids, const char* field, std::int32_t vocabulary,
                 std::int32_t context) {
  if (ids.empty())
    refuse(ErrorCode::invalid_argument, std::string(field) + " must have at least one token", field);
  if (ids.size() > static_cast<std::size_t>(context))
    refuse(ErrorCode::context_length,
           std::string(field) + " has " + std::to_string(ids.size()) + " tokens, the context holds " +
               std::to_string(context),
           field);
  for (const auto id : ids)
    if (id < 0 || id >= vocabulary)
      refuse(ErrorCode::invalid_argument,
             std::string(field) + " has token " + std::to_string(id) + ", the vocabulary 0 to " +
                 std::to_string(vocabulary - 1),
             field);
}

}  // namespace

Engine::Engine(EngineOptions options, std::shared_ptr<const Plan> plan, std::shared_ptr<Backend> backend)
    : implementation_(std::make_unique<Implementation>(options, std::move(plan), std::move(backend))) {}

Engine::~Engine() = default;

std::unique_ptr<Generation> Engine::submit(GenerationRequest request) {
  require_ids(request.prompt, "prompt", options().vocabulary, implementation_->context_tokens());
  if (request.max_tokens < 0)
    refuse(ErrorCode::invalid_argument, "max_tokens must be at least 0", "max_tokens");
  auto sequence = std::make_unique<Sequence>(std::move(request), implementation_->context_tokens());
  auto generation = std::make_unique<StreamGeneration>(sequence->stream);
  if (sequence->prompt_tokens == sequence->limit)
    sequence->stream->end(-1, FinishReason::context_full, sequence->times);
  else
    implementation_->submit(std::move(sequence));
  return generation;
}

void Engine::evaluate(std::span<const TokenId> ids, std::int32_t chunk,
                      const std::function<void(std::int32_t, std::span<const float>)>& row,
                      std::int32_t first) {
  require_ids(ids, "ids", options().vocabulary, implementation_->context_tokens());
  if (chunk < 0 || chunk > options().step_tokens)
    refuse(ErrorCode::invalid_argument, "chunk must be 0 to " + std::to_string(options().step_tokens),
           "chunk");
  if (first < 0 || static_cast<std::size_t>(first) >= ids.size())
    refuse(ErrorCode::invalid_argument, "first must be 0 to " + std::to_string(ids.size() - 1), "first");
  implementation_->call([&] { implementation_->evaluate(ids, chunk, row, first); });
}

CacheStatistics Engine::cache_statistics() const { return implementation_->statistics(); }

void Engine::clear_kept_prefixes() {
  implementation_->call([this] { implementation_->clear_kept_prefixes(); });
}

void Engine::observe(StepObserver observer) {
  implementation_->call([&] { implementation_->observe(std::move(observer)); });
}

const EngineOptions& Engine::options() const { return implementation_->options(); }

}  // namespace lathe
