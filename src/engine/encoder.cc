#include "engine/encoder.h"

#include <chrono>
#include <numeric>
#include <string>

#include "backend/cache_layout.h"
#include "base/error.h"

namespace lathe {
namespace {

std::int64_t pages_of(std::int64_t tokens) { return (tokens + kPageTokens - 1) / kPageTokens; }

[[noreturn]] void refuse(ErrorCode code, const std::string& message, const std::string& field) {
  throw Error(code, field + " " + message, {{}, std::nullopt, field});
}

void require_at_least(const char* field, std::int64_t value, std::int64_t least) {
  if (value < least)
    refuse(ErrorCode::invalid_argument,
           "must be at least " + std::to_string(least) + ", not " + std::to_string(value), field);
}

const EncoderOptions& checked(const EncoderOptions& options, const Plan& plan) {
  require_at_least("vocabulary", options.vocabulary, 1);
  require_at_least("dimensions", options.dimensions, 1);
  require_at_least("text_tokens", options.text_tokens, 1);
  require_at_least("step_tokens", options.step_tokens, options.text_tokens);
  require_at_least("texts", options.texts, 1);
  for (const auto& needed : symbol_limits(options))
    require_at_least(needed.name.c_str(), StepBuilder::limit(plan, needed.name.c_str()), needed.maximum);
  return options;
}

int output_of(const Plan& plan, std::int32_t dimensions) {
  const int output = plan.output("embeddings");
  const auto tensor = plan.outputs[static_cast<std::size_t>(output)].tensor;
  const auto& type = plan.tensors[static_cast<std::size_t>(tensor)].type;
  // There is one wanted row per text, so that S is Q.
  if (type != ValueType{Dtype::f32, {"Q", dimensions}} && type != ValueType{Dtype::f32, {"S", dimensions}})
    refuse(ErrorCode::invalid_argument,
           "is " + to_string(type) + ", not f32[Q, " + std::to_string(dimensions) + "]", "embeddings");
  return output;
}

void require_text(const std::vector<TokenId>& ids, std::size_t index, const EncoderOptions& options) {
  const std::string field = "texts[" + std::to_string(index) + "]";
  if (ids.empty()) refuse(ErrorCode::invalid_argument, "must have at least one token", field);
  if (ids.size() > static_cast<std::size_t>(options.text_tokens))
    refuse(ErrorCode::context_length,
           "has " + std::to_string(ids.size()) + " tokens, the encoder takes " +
               std::to_string(options.text_tokens),
           field);
  for (const auto id : ids)
    if (id < 0 || id >= options.vocabulary)
      refuse(ErrorCode::invalid_argument,
             "has token " + std::to_string(id) + ", the vocabulary 0 to " +
                 std::to_string(options.vocabulary - 1),
             field);
}

}  // namespace

std::int64_t EncoderOptions::step_pages() const { return step_tokens / kPageTokens + texts; }

std::vector<SymbolLimit> symbol_limits(const EncoderOptions& options) {
  return {{"T", options.step_tokens},
          {"Q", options.texts},
          {"B", options.step_pages()},
          {"S", options.texts},
          {"P", options.step_pages()}};
}

Encoder::Encoder(const EncoderOptions& options, std::shared_ptr<const Plan> plan,
                 std::shared_ptr<Backend> backend)
    : options_(checked(options, *plan)),
      plan_(std::move(plan)),
      backend_(std::move(backend)),
      output_(output_of(*plan_, options_.dimensions)),
      pages_(static_cast<std::size_t>(options_.step_pages())),
      context_(backend_->create_context(plan_)),
      builder_(*plan_, *backend_) {
  std::iota(pages_.begin(), pages_.end(), 0);
}

void Encoder::observe(StepObserver observer) {
  const std::lock_guard lock(mutex_);
  observer_ = std::move(observer);
  context_->set_profiling(observer_ != nullptr);
}

std::vector<float> Encoder::run(std::span<const std::vector<TokenId>> texts) {
  for (std::size_t i = 0; i < texts.size(); ++i) require_text(texts[i], i, options_);
  std::vector<float> embeddings(texts.size() * static_cast<std::size_t>(options_.dimensions));
  const std::lock_guard lock(mutex_);
  for (std::size_t first = 0; first < texts.size();) first += run_step(texts, first, embeddings);
  return embeddings;
}

std::size_t Encoder::run_step(std::span<const std::vector<TokenId>> texts, std::size_t first,
                              std::vector<float>& embeddings) {
  builder_.clear();
  std::int64_t tokens = 0;
  std::int64_t pages = 0;
  std::size_t count = 0;
  for (; first + count < texts.size() && count < static_cast<std::size_t>(options_.texts); ++count) {
    const auto& ids = texts[first + count];
    const auto length = static_cast<std::int64_t>(ids.size());
    if (tokens + length > options_.step_tokens) break;
    const auto own = std::span<const std::int32_t>(pages_).subspan(
        static_cast<std::size_t>(pages), static_cast<std::size_t>(pages_of(length)));
    builder_.want(builder_.add(ids, 0, own));  // a text's first row, for those that pool by it
    tokens += length;
    pages += pages_of(length);
  }
  builder_.upload(*context_, pages);
  const auto start = std::chrono::steady_clock::now();
  context_->run(builder_.symbols(), 1U << output_);
  if (observer_) {
    const std::chrono::duration<double> whole = std::chrono::steady_clock::now() - start;
    std::vector<SequencePart> parts;
    for (std::size_t i = first; i < first + count; ++i)
      parts.push_back({0, static_cast<std::int32_t>(texts[i].size())});
    const auto seconds = context_->step_seconds();
    observer_({builder_.symbols(), parts, seconds, whole.count()});
  }
  const auto width = static_cast<std::size_t>(options_.dimensions);
  context_->read_output(output_,
                        std::as_writable_bytes(std::span(embeddings).subspan(first * width, count * width)));
  return count;
}

}  // namespace lathe
