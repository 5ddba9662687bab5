// Perplexity of models on a text, and their divergence from a reference that runs beside them.
#include <chrono>
#include <filesystem>

#include "api/known_models.h"
#include "api/load_model.h"
#include "api/model_implementation.h"
#include "api/text_chunks.h"
#include "api/text_scores.h"
#include "base/error.h"
#include "lathe/quantization.h"

namespace lathe {
namespace {

using Clock = std::chrono::steady_clock;
using Chunks = std::vector<std::vector<TokenId>>;

/// With fewer, half a chunk has no token to score.
constexpr int kLeastContext = 4;
constexpr int kMostChunks = 1 << 24;

[[noreturn]] void refuse(const std::string& field, const std::string& message) {
  throw Error(ErrorCode::invalid_argument, message, {{}, {}, field});
}

std::shared_ptr<ModelImplementation> load(const EvaluatedModel& chosen, int context) {
  ModelOptions options = chosen.options;
  options.sequences = 1;
  const std::string path = resolve_model(chosen.model, options);
  ModelOptions description = options;  // what a context may be is known before the weights are read
  description.weights = false;
  description.context_tokens = 0;
  const int trained = ModelImplementation(path, description).info.trained_context;
  if (context > trained)
    refuse("context", "a context of " + std::to_string(context) + " tokens, " + printable(path) +
                          " has one of " + std::to_string(trained));
  options.context_tokens = context;
  auto model = load_model(path, options);
  model->require_decoder();
  return model;
}

/// llama-perplexity reads its file so.
std::string_view without_line_feed(std::string_view text) {
  if (text.ends_with('\n')) text.remove_suffix(1);
  return text;
}

Chunks chunks_of(const ModelImplementation& model, const EvaluationOptions& options) {
  return text_chunks(model.text(), without_line_feed(options.text), options.context, options.chunks,
                     "the text");
}

void require_same_tokens(const ModelImplementation& model, const Chunks& chunks,
                         const ModelImplementation& reference, const Chunks& of_reference) {
  const auto pair = [&](std::int64_t a, std::int64_t b) {
    return model.info.file + " has " + std::to_string(a) + ", " + reference.info.file + " " +
           std::to_string(b);
  };
  if (model.info.vocabulary != reference.info.vocabulary)
    refuse("reference", "the vocabularies have other sizes: " +
                            pair(model.info.vocabulary, reference.info.vocabulary) + " tokens");
  if (chunks.size() != of_reference.size())
    refuse("reference", "the models cut the text into other tokens: " +
                            pair(std::ssize(chunks), std::ssize(of_reference)) + " chunks");
  for (std::size_t i = 0; i < chunks.size(); ++i)
    for (std::size_t k = 0; k < chunks[i].size(); ++k)
      if (chunks[i][k] != of_reference[i][k])
        refuse("reference",
               "the models cut the text into other tokens: " + pair(chunks[i][k], of_reference[i][k]) +
                   " at position " + std::to_string(k) + " of chunk " + std::to_string(i));
}

std::uint64_t bytes_of_file(const ModelInfo& info) {
  std::error_code error;
  const auto bytes = std::filesystem::file_size(info.file, error);  // fails for a folder
  return error ? info.tensor_bytes : bytes;
}

class Evaluator {
 public:
  Evaluator(ModelImplementation& model, ModelImplementation* reference, const EvaluationOptions& options,
            EvaluationProgress progress)
      : model_(model),
        reference_(reference),
        options_(options),
        progress_(progress),
        chunks_(chunks_of(model, options)),
        first_(options.all_positions ? 0 : options.context / 2),
        scores_(model.info.file, reference == nullptr ? "" : reference->info.file, model.options.threads) {
    if (reference_ != nullptr)
      require_same_tokens(model_, chunks_, *reference_, chunks_of(*reference_, options));
    progress_.chunks = chunks_.size();
  }

  Evaluation run() {
    const auto begin = Clock::now();
    for (; progress_.chunk < chunks_.size(); ++progress_.chunk) run(chunks_[progress_.chunk]);
    Evaluation result;
    result.seconds = std::chrono::duration<double>(Clock::now() - begin).count();
    result.model = model_.info;
    result.options = model_.options;
    result.file_bytes = bytes_of_file(model_.info);
    result.context = options_.context;
    result.chunks = chunks_.size();
    result.first_position = first_;
    result.positions_of_chunk = scores_.all().size() / chunks_.size();
    result.first_chunk = chunks_.front();
    for (const auto& score : scores_.all()) result.scored += score.has_next ? 1 : 0;
    result.perplexity = perplexity(scores_.all());
    if (reference_ != nullptr) result.divergence = divergence(scores_.all());
    return result;
  }

 private:
  void run(std::span<const TokenId> chunk) {
    // Without --all the last position is left out: it has no next token in its chunk.
    const auto ids = options_.all_positions ? chunk : chunk.first(chunk.size() - 1);
    const LogitsSource source = logits_of(model_.engine());
    const auto take = [&](const LogitsWindow* reference, const LogitsWindow& window) {
      scores_.add(chunk, window, reference);
      progress_.position = window.position + static_cast<int>(window.rows);
      if (options_.progress) options_.progress(progress_);
    };
    if (reference_ == nullptr)
      in_windows(source, ids, first_, [&](const LogitsWindow& window) { take(nullptr, window); });
    else
      in_paired_windows(
          logits_of(reference_->engine()), source, ids, first_,
          [&](const LogitsWindow& reference, const LogitsWindow& window) { take(&reference, window); });
  }

  ModelImplementation& model_;
  ModelImplementation* reference_;
  const EvaluationOptions& options_;
  EvaluationProgress progress_;
  Chunks chunks_;
  std::int32_t first_;
  TextScores scores_;
};

}  // namespace

std::vector<Evaluation> evaluate(const std::vector<EvaluatedModel>& models,
                                 const std::optional<EvaluatedModel>& reference,
                                 const EvaluationOptions& options) {
  if (options.context < kLeastContext)
    refuse("context", "a context of " + std::to_string(options.context) + " tokens is less than " +
                          std::to_string(kLeastContext));
  if (options.chunks < 0 || options.chunks > kMostChunks)
    refuse("chunks",
           "chunks is " + std::to_string(options.chunks) + ", outside 0 to " + std::to_string(kMostChunks));
  std::shared_ptr<ModelImplementation> beside;
  if (reference) beside = load(*reference, options.context);
  std::vector<Evaluation> results;
  for (const auto& chosen : models) {
    const auto model = load(chosen, options.context);
    EvaluationProgress progress;
    progress.model = results.size();
    progress.models = models.size();
    results.push_back(Evaluator(*model, beside.get(), options, progress).run());
  }
  return results;
}

}  // namespace lathe
