// A loaded model: everything that is made once, wired together.
#pragma once

#include <exception>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "api/chat_prompt.h"
#include "api/plan_store.h"
#include "backend/backend.h"
#include "backend/plan_file.h"
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
  /// Of a model's file or folder, or of a plan file.
  ModelImplementation(const std::string& path, const ModelOptions& options);
  /// Of a model's file or folder that the plan was compiled of, with these options.
  ModelImplementation(const std::string& path, const ModelOptions& options,
                      std::shared_ptr<const PlanFile> cached);
  /// Of a model's file or folder, whose weights go into a plan that was built of its like; it does not run.
  /// Throws Error(invalid_argument) where the model is another one.
  ModelImplementation(const std::string& path, const ModelOptions& options, const PlanFile& refitted);

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
  const Plan& plan() const;   // what compiled() has of it, without reading a plan file's graph
  Graph build_graph() const;  // as the architecture makes it; of a plan file without the weights' bytes
  std::string graph_text(bool before) const;
  Backend& backend() const;
  std::vector<TokenId> encode(const Request& request) const;
  std::uint64_t cache_bytes() const;  // of all pages

  /// The plan goes there, once the model has been of use and at the latest when it ends.
  void keep_plan(const PlanCacheEntry& entry);
  void was_used();

  ModelInfo info;
  ModelOptions options;                           // complete
  std::shared_ptr<const Checkpoint> checkpoint;   // of a plan file without the tensors' bytes
  std::shared_ptr<const PlanFile> plan_file;      // null where the model was compiled here
  std::unique_ptr<const Tokenizer> tokenizer;     // null where a folder has none; see text()
  std::vector<ActivationInspection> activations;  // how inputs of products get their codes
  double load_seconds = 0;

 private:
  std::string path_;  // that the weights are read from; empty where a plan file was given
  void describe_model(const ModelOptions& chosen);
  void load_model(const ModelOptions& chosen);
  void load_plan(const ModelOptions& chosen, const std::string& file);
  std::optional<TokenizerData> read_text() const;
  void load_text();
  CompileOptions compile_options() const;  // but for activations
  ActivationCodes choose_activations(const std::vector<ActivationInspection>* built = nullptr);
  Graph model_graph() const;  // with what the engine adds
  void compile_weights();
  void refit_weights(const PlanFile& refitted);
  void map_weights();
  std::vector<SymbolLimit> limits(const ModelOptions& of) const;  // complete ones
  void check_plan() const;
  EngineOptions measured_step(EngineOptions engine) const;
  void start_engine();
  void require_weights() const;
  void require_whole() const;

  bool threads_chosen_ = false;  // by the caller, and not one per core
  bool cached_ = false;          // the plan file was compiled with these very options
  const Architecture* architecture_ = nullptr;
  ModelShape shape_;
  std::optional<ChatPrompt> chat_;
  std::exception_ptr chat_error_;
  std::shared_ptr<Backend> backend_;
  mutable std::optional<CompileResult> compiled_;
  mutable std::once_flag graph_read_;  // of a plan file, into compiled_->graph
  std::unique_ptr<Encoder> encoder_;
  std::unique_ptr<Engine> engine_;         // its thread uses the others
  std::unique_ptr<PlanStore> plan_store_;  // last: its thread uses all of them
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
