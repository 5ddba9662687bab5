// Perplexity of models on a text, and their divergence from a reference that runs beside them: once for as
// many models as memory has room for.
#include <chrono>
#include <filesystem>

#include "api/known_models.h"
#include "api/load_model.h"
#include "api/model_implementation.h"
#include "api/text_chunks.h"
#include "api/text_scores.h"
#include "base/error.h"
#include "base/memory_available.h"
#include "lathe/quantization.h"

namespace lathe {
namespace {

using Clock = std::chrono::steady_clock;
using Chunks = std::vector<std::vector<TokenId>>;

/// With fewer, half a chunk has no token to score.
constexpr int kLeastContext = 4;
constexpr int kMostChunks = 1 << 24;
constexpr std::size_t kMostTogether = 8;  // models in memory

[[noreturn]] void refuse(const std::string& field, const std::string& message) {
  throw Error(ErrorCode::invalid_argument, message, {{}, {}, field});
}

/// What is known before the weights are read.
ModelInfo describe(const EvaluatedModel& chosen) {
  ModelOptions options = chosen.options;
  options.weights = false;
  options.context_tokens = 0;
  return ModelImplementation(resolve_model(chosen.model, options), options).info;
}

std::shared_ptr<ModelImplementation> load(const EvaluatedModel& chosen, int context) {
  const ModelInfo info = describe(chosen);
  if (context > info.trained_context)
    refuse("context", "a context of " + std::to_string(context) + " tokens, " + printable(info.file) +
                          " has one of " + std::to_string(info.trained_context));
  ModelOptions options = chosen.options;
  options.sequences = 1;
  options.context_tokens = context;
  auto model = load_model(resolve_model(chosen.model, options), options);
  model->require_decoder();
  return model;
}

/// Models from `first` on that are in memory together, so that the reference computes once for all of them.
std::size_t models_together(const std::vector<EvaluatedModel>& models, std::size_t first) {
  const auto memory = memory_available();
  std::uint64_t bytes = 0;
  std::size_t count = 0;
  for (; first + count < models.size() && count < kMostTogether; ++count) {
    if (first + 1 < models.size()) {
      const ModelInfo info = describe(models[first + count]);
      bytes += std::max(static_cast<std::uint64_t>(info.parameters) * sizeof(float), info.tensor_bytes);
    }
    if (count > 0 && (!memory || bytes > memory->bytes / 2)) break;
  }
  return count;
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

/// One model and how well it foresees the text.
class MeasuredModel {
 public:
  MeasuredModel(const EvaluatedModel& chosen, const ModelImplementation* reference,
                const EvaluationOptions& options)
      : model_(load(chosen, options.context)),
        chunks_(chunks_of(*model_, options)),
        scores_(model_->info.file, reference == nullptr ? "" : reference->info.file,
                model_->options.threads) {
    if (reference != nullptr)
      require_same_tokens(*model_, chunks_, *reference, chunks_of(*reference, options));
  }

  const Chunks& chunks() const { return chunks_; }
  LogitsSource logits() const { return logits_of(model_->engine()); }
  void add(std::size_t chunk, const LogitsWindow* reference, const LogitsWindow& window) {
    scores_.add(chunks_[chunk], window, reference);
  }

  Evaluation result(bool beside_a_reference) const {
    Evaluation result;
    result.model = model_->info;
    result.options = model_->options;
    result.file_bytes = bytes_of_file(model_->info);
    result.chunks = chunks_.size();
    result.positions_of_chunk = scores_.all().size() / chunks_.size();
    result.first_chunk = chunks_.front();
    for (const auto& score : scores_.all()) result.scored += score.has_next ? 1 : 0;
    result.perplexity = perplexity(scores_.all());
    if (beside_a_reference) result.divergence = divergence(scores_.all());
    return result;
  }

 private:
  std::shared_ptr<ModelImplementation> model_;
  Chunks chunks_;
  TextScores scores_;
};

/// Some of the models; they are in memory together.
std::vector<Evaluation> evaluate_together(std::span<const EvaluatedModel> models,
                                          ModelImplementation* reference, const EvaluationOptions& options,
                                          EvaluationProgress progress) {
  std::vector<std::unique_ptr<MeasuredModel>> measured;
  std::vector<LogitsSource> sources;
  for (const auto& chosen : models) {
    measured.push_back(std::make_unique<MeasuredModel>(chosen, reference, options));
    sources.push_back(measured.back()->logits());
  }
  const std::size_t first_model = progress.model;
  const std::int32_t first = options.all_positions ? 0 : options.context / 2;
  const Chunks& chunks = measured.front()->chunks();
  progress.chunks = chunks.size();
  const auto begin = Clock::now();
  for (; progress.chunk < chunks.size(); ++progress.chunk) {
    const auto take = [&](std::size_t model, const LogitsWindow* of_reference, const LogitsWindow& window) {
      measured[model]->add(progress.chunk, of_reference, window);
      progress.model = first_model + model;
      progress.position = window.position + static_cast<int>(window.rows);
      if (options.progress) options.progress(progress);
    };
    // Without --all the last position is left out: it has no next token in its chunk.
    const std::span<const TokenId> chunk = chunks[progress.chunk];
    const auto ids = options.all_positions ? chunk : chunk.first(chunk.size() - 1);
    if (reference == nullptr)
      in_windows(sources.front(), ids, first, [&](const LogitsWindow& window) { take(0, nullptr, window); });
    else
      in_paired_windows(logits_of(reference->engine()), sources, ids, first,
                        [&](std::size_t model, const LogitsWindow& of_reference, const LogitsWindow& window) {
                          take(model, &of_reference, window);
                        });
  }
  const double seconds = std::chrono::duration<double>(Clock::now() - begin).count();
  std::vector<Evaluation> results;
  for (const auto& model : measured) {
    results.push_back(model->result(reference != nullptr));
    results.back().seconds = seconds;
    results.back().context = options.context;
    results.back().first_position = first;
  }
  return results;
}

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
  while (results.size() < models.size()) {
    EvaluationProgress progress;
    progress.model = results.size();
    progress.models = models.size();
    const std::size_t count = beside ? models_together(models, results.size()) : 1;
    for (auto& result :
         evaluate_together(std::span(models).subspan(results.size(), count), beside.get(), options, progress))
      results.push_back(std::move(result));
  }
  return results;
}

}  // namespace lathe
