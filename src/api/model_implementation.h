// A loaded model: everything that is made once, wired together.
#pragma once

#include <exception>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "api/chat_prompt.h"
#include "backend/backend.h"
#include "compile/compile.h"
#include "engine/encoder.h"
#include "engine/engine.h"
#include "formats/checkpoint.h"
#include "lathe/model.h"
#include "models/architecture.h"
#include "text/tokenizer.h"

namespace lathe {

class ModelImplementation {
 public:
  ModelImplementation(const std::string& path, const ModelOptions& options);

  /// Throws Error(unsupported) where the model has no tokenizer.
  const Tokenizer& text() const;
  /// The chat template; throws Error(unsupported) where there is none, and its own error where it does not
  /// parse.
  const ChatPrompt& chat() const;
  /// Both throw Error(invalid_argument) where the model was loaded without weights, and Error(unsupported)
  /// where it is of the other kind.
  Engine& engine();
  Encoder& encoder();
  void require_decoder() const;
  const CompileResult& compiled() const;
  Graph build_graph() const;  // as the architecture makes it
  std::vector<TokenId> encode(const Request& request) const;
  std::uint64_t cache_bytes() const;  // of all pages

  ModelInfo info;
  ModelOptions options;  // complete
  std::shared_ptr<const Checkpoint> checkpoint;
  std::unique_ptr<const Tokenizer> tokenizer;  // null where a folder has none; see text()
  double load_seconds = 0;

 private:
  void load_text();
  void load_weights();
  void require_weights() const;

  const Architecture* architecture_ = nullptr;
  ModelShape shape_;
  std::optional<ChatPrompt> chat_;
  std::exception_ptr chat_error_;
  std::shared_ptr<Backend> backend_;
  std::optional<CompileResult> compiled_;
  std::unique_ptr<Encoder> encoder_;
  std::unique_ptr<Engine> engine_;  // last: its thread uses the others
};

/// Without a cache, keys and values are rounded as its default would round them; an encoder has no such
/// default. `options` are complete.
GraphOptions graph_options(const ModelOptions& options, const ModelShape& shape);

/// The weights of a step and what it reads of the cache; see Model::work.
Work count_work(const ModelImplementation& model, int tokens, int depth);
Inspection inspect(const ModelImplementation& model);
Measurement measure(ModelImplementation& model, int prompt, int generate, int depth, int sequences);
std::vector<std::vector<float>> embed(ModelImplementation& model, std::span<const std::string> texts);
Measurement measure_embedding(ModelImplementation& model, int tokens, int texts);
StepProfile profile(ModelImplementation& model, int prompt, int generate, int depth, int sequences,
                    int repeats);
StepProfile profile_embedding(ModelImplementation& model, int tokens, int texts, int repeats);
/// Ids that are spread over the vocabulary, the same ones at every call, others for each sequence.
std::vector<TokenId> some_ids(std::int64_t vocabulary, int count, int sequence);

}  // namespace lathe
