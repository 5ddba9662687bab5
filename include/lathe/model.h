// A loaded model and the answers it gives.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "lathe/error.h"
#include "lathe/inspection.h"
#include "lathe/options.h"

namespace lathe {

enum class EndReason {
  none,       // still going on
  end_token,  // the model ended its answer
  stop_text,  // one of Request::stop appeared
  length,     // max_tokens
  context_full,
  cancelled,
};
std::string_view to_string(EndReason reason);

/// Measured times and bytes of the five steps of an answer.
struct Trace {
  // 1: weights to the device, once per model
  std::uint64_t weight_bytes_mapped = 0;
  std::uint64_t weight_bytes_copied = 0;
  double load_seconds = 0;
  // 2: tokenization on the host, ids to the device
  std::vector<std::int32_t> prompt_ids;
  double tokenize_seconds = 0;
  std::uint64_t bytes_to_device = 0;
  // 3: prefill, to the first token
  int reused_tokens = 0;  // of the prompt, still in the cache
  double prefill_seconds = 0;
  std::int32_t first_token = -1;
  // 4: decode
  int generated_tokens = 0;
  double decode_seconds = 0;  // from the first token to the last
  EndReason end = EndReason::none;
  // 5: ids back, to text
  std::uint64_t bytes_to_host = 0;
  double detokenize_seconds = 0;
};

struct Piece {
  std::string text;  // whole characters; may be empty
  /// The tokens whose text begins in this piece's; of all pieces together those of the answer's text. What is
  /// cut off by a stop text is in neither, but a token that it cuts in two is here whole. A token without
  /// text follows the one before it; the end token is left out.
  std::vector<std::int32_t> ids;
};

/// An answer in progress. Dropping it cancels; it may outlive its Model.
class Answer {
 public:
  explicit Answer(std::unique_ptr<class AnswerImplementation> implementation);
  ~Answer();
  Answer(Answer&&) noexcept;
  Answer& operator=(Answer&&) noexcept;

  /// The next piece; false when the answer has ended. Throws Error where the engine failed.
  bool next(Piece& piece);
  /// The rest as one text.
  std::string text();
  void cancel();  // from any thread; next() then ends soon
  EndReason end() const;
  const Trace& trace() const;  // complete once next() returned false

 private:
  std::unique_ptr<class AnswerImplementation> implementation_;
};

struct ModelInfo {
  std::string name;  // the file's, safe to print: at most about 200 bytes, control characters as \xNN
  std::string file;
  std::string architecture;
  std::int64_t parameters = 0;
  std::uint64_t tensor_bytes = 0;  // as stored
  int vocabulary = 0;
  int trained_context = 0;       // tokens
  int context_tokens = 0;        // as loaded
  int embedding_dimensions = 0;  // of an encoder's embeddings; 0: a decoder, which gives text
  bool has_chat_template = false;
  std::vector<std::string> warnings;  // one line each: what is odd in the file but was accepted
};

struct CacheUse {
  int pages = 0;
  int pages_in_use = 0;
  int most_pages_used = 0;
  int page_tokens = 0;
  std::uint64_t page_bytes = 0;
};

/// A benchmark of one shape; see Model::measure.
struct Measurement {
  double seconds = 0;
  int tokens = 0;  // computed in that time
};

/// What one step costs by the model's shape.
struct Work {
  std::uint64_t weight_bytes = 0;          // read once
  std::uint64_t cache_bytes = 0;           // keys and values of earlier tokens, read
  std::uint64_t matmul_operations = 0;     // two for each multiply-add with a weight
  std::uint64_t attention_operations = 0;  // two for each multiply-add with a key or value
};

class Model {
 public:
  /// A known name ("smollm2"), or a path to a .gguf file. Throws Error.
  static Model load(const std::string& name_or_path, const ModelOptions& options = {});
  ~Model();
  Model(Model&&) noexcept;
  Model& operator=(Model&&) noexcept;

  const ModelInfo& info() const;
  const ModelOptions& options() const;  // with defaults filled in

  /// Starts an answer. Throws Error(invalid_argument) for a field outside its range, Error(context_length)
  /// with both numbers for a long prompt, Error(unsupported) for messages where the model has no template.
  Answer answer(const Request& request);

  std::vector<std::int32_t> tokenize(std::string_view text, bool add_special = true,
                                     bool parse_special = false) const;
  std::string detokenize(std::span<const std::int32_t> ids, bool special = false) const;
  /// Messages as the model's template writes them, ready for generation.
  std::string render(const std::vector<Message>& messages, bool add_generation_prompt = true) const;

  /// Float32 logits at each position, in steps of `chunk` tokens (0: chosen); `row` gets vocabulary floats.
  void logits(std::span<const std::int32_t> ids, int chunk,
              const std::function<void(int position, std::span<const float> logits)>& row);

  /// Of an encoder: each text's embedding, in order, the same whatever the others are. Of a text that is too
  /// long the first tokens count, as many as ModelInfo::context_tokens. From any thread.
  /// Throws Error(unsupported) where the model is a decoder, as answer() does where it is an encoder.
  std::vector<std::vector<float>> embed(std::span<const std::string> texts);

  /// The graph after the passes, in text form; with `before`, as the architecture made it.
  std::string graph_text(bool before = false) const;
  Inspection inspect() const;
  std::string inspect_json(InspectionDetail detail = InspectionDetail::full) const;  // as a JSON object

  /// Time of one run as llama-bench does it: `depth` tokens already in the cache, then either `prompt` tokens
  /// in one prefill or `generate` single steps (the other is 0), for each of `sequences` at once (at most
  /// ModelOptions::sequences).
  Measurement measure(int prompt, int generate, int depth = 0, int sequences = 1);
  /// The same of an encoder: `texts` texts of `tokens` tokens each, in one call.
  Measurement measure_embedding(int tokens, int texts = 1);
  /// The time of every step inside `repeats` such tests, and of the same ones without a clock.
  StepProfile profile(int prompt, int generate, int depth = 0, int sequences = 1, int repeats = 1);
  StepProfile profile_embedding(int tokens, int texts = 1, int repeats = 1);
  /// Of a step with `tokens` tokens of one sequence behind `depth` earlier ones, logits for the last one
  /// alone.
  Work work(int tokens, int depth = 0) const;
  CacheUse cache_use() const;

 private:
  explicit Model(std::shared_ptr<class ModelImplementation> implementation);
  std::shared_ptr<class ModelImplementation> implementation_;  // shared with answers
};

struct Conversion {
  int tensors = 0;
  std::uint64_t bytes = 0;
  std::vector<std::string> warnings;  // as ModelInfo::warnings
};

/// A Hugging Face folder as a GGUF file, whose bytes `write` gets in order, with the size of the whole;
/// nothing before the folder is known to be a whole model. Of the options weight_type, threads, check_weights
/// and those of fetching count. Throws Error(unsupported) naming what GGUF cannot say.
Conversion convert(const std::string& name_or_folder, const ModelOptions& options,
                   const std::function<void(std::span<const std::byte> bytes, std::uint64_t total)>& write);

/// What can be loaded by name: "smollm2", "gemma3-270m", "minilm".
std::vector<std::string> known_models();

}  // namespace lathe
