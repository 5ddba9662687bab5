#include "engine/engine_implementation.h"

#include <algorithm>
#include <numeric>

#include "base/checked.h"
#include "base/error.h"
#include "base/memory_available.h"

namespace lathe {
namespace {

constexpr std::int32_t kMostTokens = 1 << 30;

void require(bool holds, const char* field, const std::string& range) {
  if (!holds)
    throw Error(ErrorCode::invalid_argument, std::string(field) + " must be " + range,
                {{}, std::nullopt, field});
}

std::int32_t cache_pages(const EngineOptions& options) {
  return options.cache.off ? 0 : pages_for(options.cache_tokens);
}

std::int32_t usable_context(const EngineOptions& options) {
  return options.cache.off ? options.context_tokens
                           : std::min(options.context_tokens, cache_pages(options) * kPageTokens);
}

void require_limits(const EngineOptions& options, const Plan& plan) {
  const auto pages = pages_for(usable_context(options));
  const bool off = options.cache.off;
  const auto require_limit = [&](const char* symbol, std::int64_t least) {
    const auto limit = StepBuilder::limit(plan, symbol);
    require(limit >= least, symbol,
            "at least " + std::to_string(least) + " in the plan, not " + std::to_string(limit));
  };
  require_limit("T", options.step_tokens);
  require_limit("Q", off ? 1 : options.sequences);
  require_limit("S", options.out_rows);
  require_limit("B", off ? pages : std::int64_t{pages} * options.sequences);
  require_limit("P", off ? pages : cache_pages(options));
}

/// With defaults filled in, and what the plan can run.
EngineOptions checked(EngineOptions options, const Plan& plan) {
  require(options.vocabulary >= 1, "vocabulary", "at least 1");
  require(options.context_tokens >= 1 && options.context_tokens <= kMostTokens, "context_tokens",
          "1 to 2^30");
  require(options.cache_tokens >= 0 && options.cache_tokens <= kMostTokens, "cache_tokens", "0 to 2^30");
  require(options.sequences >= 1, "sequences", "at least 1");
  require(options.out_rows >= 1, "out_rows", "at least 1");
  const auto least = options.cache.off ? options.context_tokens : 1;
  require(options.step_tokens >= least, "step_tokens", "at least " + std::to_string(least));
  if (options.cache_tokens == 0) options.cache_tokens = options.context_tokens;
  // Each sequence decodes one token in each step, and each has a row.
  options.sequences = std::min({options.sequences, options.step_tokens, options.out_rows});
  require_limits(options, plan);
  return options;
}

Buffer allocate_cache(const EngineOptions& options, const Plan& plan, Backend& backend) {
  if (options.cache.off) return {};
  const auto bytes =
      checked_multiply(static_cast<std::uint64_t>(cache_pages(options)), options.cache.page_bytes());
  if (!bytes) throw Error(ErrorCode::resource_limit, "the cache has more bytes than 64 bits can count");
  require_memory({0, *bytes, plan.arena_bytes()}, memory_available());
  return backend.allocate(*bytes);
}

}  // namespace

Engine::Implementation::Implementation(EngineOptions options, std::shared_ptr<const Plan> plan,
                                       std::shared_ptr<Backend> backend)
    : options_(checked(options, *plan)),
      context_tokens_(usable_context(options_)),
      plan_(std::move(plan)),
      backend_(std::move(backend)),
      cache_buffer_(allocate_cache(options_, *plan_, *backend_)),
      context_(backend_->create_context(plan_)),
      builder_(*plan_, *backend_),
      outputs_(*plan_, options_.vocabulary),
      cache_(cache_pages(options_)),
      kept_(cache_),
      scheduler_({options_.step_tokens, options_.sequences}, cache_, kept_) {
  if (options_.cache.off) {
    scratch_pages_.resize(static_cast<std::size_t>(pages_for(context_tokens_)));
    std::iota(scratch_pages_.begin(), scratch_pages_.end(), 0);
  } else {
    context_->bind(plan_->binding("cache"), cache_buffer_);
  }
  scheduled_.reserve(static_cast<std::size_t>(options_.sequences));
  sampled_.reserve(static_cast<std::size_t>(options_.sequences));
  thread_ = std::thread([this] { loop(); });
}

Engine::Implementation::~Implementation() {
  inbox_.stop();
  thread_.join();
}

void Engine::Implementation::call(std::function<void()> task) {
  if (std::this_thread::get_id() == thread_.get_id())
    throw Error(ErrorCode::invalid_argument, "the engine's thread cannot wait for itself");
  Inbox::Task packaged(std::move(task));
  auto done = packaged.get_future();
  inbox_.submit(std::move(packaged));
  done.get();
}

void Engine::Implementation::loop() {
  Inbox::Content content;
  while (!content.stopping) {
    inbox_.take(content, scheduler_.idle());
    for (auto& sequence : content.sequences) scheduler_.add(std::move(sequence));
    content.sequences.clear();
    for (auto& task : content.tasks) task();
    content.tasks.clear();
    if (!content.stopping && !scheduler_.idle()) step();
  }
  end_all(FinishReason::cancelled);
}

void Engine::Implementation::step() {
  end_cancelled();
  try {
    const auto scheduled = scheduler_.schedule();
    scheduled_.assign(scheduled.begin(), scheduled.end());
  } catch (const std::exception& error) {
    return end_all(FinishReason::failed, error.what());
  }
  if (scheduled_.empty()) return;
  try {
    run(scheduled_);
  } catch (const std::exception& error) {
    for (const auto& item : scheduled_) end(*item.sequence, -1, FinishReason::failed, error.what());
    return;
  }
  postprocess();
}

std::span<const std::int32_t> Engine::Implementation::pages_of(const Sequence& sequence,
                                                               std::int32_t tokens) const {
  const std::span<const std::int32_t> pages = options_.cache.off ? scratch_pages_ : sequence.pages;
  return pages.first(static_cast<std::size_t>(pages_for(sequence.cached + tokens)));
}

/// The value of the symbol P.
std::int64_t Engine::Implementation::step_pages(std::int32_t tokens) const {
  return options_.cache.off ? pages_for(tokens) : cache_.pages();
}

void Engine::Implementation::run(std::span<const ScheduledSequence> scheduled) {
  const auto now = std::chrono::steady_clock::now();
  builder_.clear();
  sampled_.clear();
  for (const auto& [sequence, tokens] : scheduled) {
    const auto ids =
        std::span(sequence->tokens)
            .subspan(static_cast<std::size_t>(sequence->cached), static_cast<std::size_t>(tokens));
    builder_.add(ids, sequence->cached, pages_of(*sequence, tokens));
    if (sequence->first_step == std::chrono::steady_clock::time_point{}) sequence->first_step = now;
  }
  const auto want = [&](SamplingNeeds needs) {
    std::int32_t end_row = 0;
    const auto before = builder_.wanted_rows();
    for (const auto& item : scheduled) {
      end_row += item.tokens;
      if (!item.samples() || item.sequence->needs != needs) continue;
      builder_.want(end_row - 1);
      sampled_.push_back(item.sequence);
    }
    return builder_.wanted_rows() - before;
  };
  const auto logits_rows = want(SamplingNeeds::logits);
  const auto candidate_rows = want(SamplingNeeds::candidates);
  const auto id_rows = want(SamplingNeeds::arg_max);

  builder_.upload(*context_, step_pages(scheduled.front().tokens));
  const auto wanted = outputs_.wanted(logits_rows, candidate_rows, id_rows);
  if (observer_)
    run_observed(scheduled, wanted);
  else
    context_->run(builder_.symbols(), wanted);
  outputs_.read(*context_, logits_rows, candidate_rows, id_rows);
  logits_rows_ = logits_rows;
}

void Engine::Implementation::observe(StepObserver observer) {
  observer_ = std::move(observer);
  context_->set_profiling(observer_ != nullptr);
}

void Engine::Implementation::run_observed(std::span<const ScheduledSequence> scheduled,
                                          std::uint32_t wanted_outputs) {
  const auto start = std::chrono::steady_clock::now();
  context_->run(builder_.symbols(), wanted_outputs);
  const std::chrono::duration<double> whole = std::chrono::steady_clock::now() - start;
  std::vector<SequencePart> parts;
  for (const auto& [sequence, tokens] : scheduled) parts.push_back({sequence->cached, tokens});
  const auto seconds = context_->step_seconds();
  observer_({builder_.symbols(), parts, seconds, whole.count()});
}

void Engine::Implementation::postprocess() {
  for (const auto& item : scheduled_) {
    auto& sequence = *item.sequence;
    sequence.times.bytes_to_device +=
        StepBuilder::bytes_for(item.tokens, pages_of(sequence, item.tokens).size(), item.samples() ? 1 : 0);
    if (!options_.cache.off) sequence.cached += item.tokens;
  }
  for (std::size_t row = 0; row < sampled_.size(); ++row) {
    auto& sequence = *sampled_[row];
    sequence.times.bytes_to_host += outputs_.row_bytes(sequence.needs);
    TokenId token = -1;
    try {
      token = pick(sequence, static_cast<std::int32_t>(row));
    } catch (const std::exception& error) {
      end(sequence, -1, FinishReason::failed, error.what());
      continue;
    }
    const auto reason = sequence.accept(token);
    if (reason == FinishReason::none)
      sequence.stream->push(token, sequence.times);
    else
      end(sequence, token, reason);
  }
}

TokenId Engine::Implementation::pick(Sequence& sequence, std::int32_t row) {
  std::optional<TokenId> token;
  if (sequence.needs == SamplingNeeds::arg_max) {
    // The device says 0 also where no logit is above minus infinity; the sampler tells these apart.
    if (outputs_.arg_max(row) != 0) token = outputs_.arg_max(row);
  } else if (sequence.needs == SamplingNeeds::candidates) {
    token = sequence.sampler.sample(outputs_.candidates(row), outputs_.log_sum_exp(row));
  }
  if (!token) token = sequence.sampler.sample(logits(sequence, row), sequence.tokens);
  CHECK(*token >= 0 && *token < options_.vocabulary);
  return *token;
}

std::span<const float> Engine::Implementation::logits(Sequence& sequence, std::int32_t row) {
  if (row >= logits_rows_) {
    logits_rows_ = row + 1;
    outputs_.read_logits(*context_, logits_rows_);
    sequence.times.bytes_to_host += outputs_.row_bytes(SamplingNeeds::logits);
  }
  return outputs_.logits(row);
}

void Engine::Implementation::end(Sequence& sequence, TokenId token, FinishReason reason,
                                 const std::string& error) {
  // Pages are given back first: whoever sees the end sees the counts behind it.
  const auto owned = scheduler_.remove(sequence, reason != FinishReason::failed);
  owned->stream->end(token, reason, owned->times, error);
}

void Engine::Implementation::end_cancelled() {
  while (auto* sequence = scheduler_.find_cancelled()) end(*sequence, -1, FinishReason::cancelled);
}

void Engine::Implementation::end_all(FinishReason reason, const std::string& error) {
  while (auto* sequence = scheduler_.any()) end(*sequence, -1, reason, error);
}

}  // namespace lathe
