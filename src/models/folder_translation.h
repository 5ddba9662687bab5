// From a Hugging Face folder to a Checkpoint in GGUF's vocabulary, which is the one that architectures read:
// keys "<architecture>.block_count", tensors "blk.0.attn_q.weight". Each architecture's file says in a
// FolderDialect how its folders name the same things; after that there is no folder path and no GGUF path.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "formats/checkpoint.h"
#include "formats/model_folder.h"
#include "models/folder_config.h"
#include "models/weight_type.h"

namespace lathe {

/// How a tensor of GGUF comes out of the folder's. What is not as_stored is copied, row by row.
enum class TensorEdit : std::uint8_t {
  as_stored,
  transposed,       // [columns, rows] in the folder (GPT-2's Conv1D)
  plus_one,         // the folder has the weight less one (Gemma's norms)
  query_pairs,      // rows of each head from halves (i, i + d/2) to neighbours (2i, 2i + 1), head_count heads
  key_pairs,        // the same, head_count_kv heads
  grouped_by_head,  // rows (and biases) [heads, 3, d] to [3, heads, d]: GPT-NeoX's fused q, k, v
};

/// "{}" in a name stands for a number: the layer, and where the folder's name has a second one and GGUF's has
/// not, the experts 0, 1, ... that are stacked to [experts, rows, columns].
struct TensorRule {
  std::string_view folder;  // without FolderDialect::optional_prefix
  std::string_view gguf;    // "": the tensor is known and not needed (a buffer that is computed anew)
  TensorEdit edit = TensorEdit::as_stored;
};

/// Where FolderDialect::config puts what config.json says.
class FolderMetadata {
 public:
  FolderMetadata(Checkpoint& checkpoint) : checkpoint_(checkpoint) {}
  /// "block_count" becomes "<architecture>.block_count".
  void set(std::string_view key, MetadataValue value);
  /// The output head is the embedding: a head in the folder is not used. Without it the folder must have one.
  void set_tied(bool tied) { tied_ = tied; }
  bool tied() const { return tied_; }
  /// A tensor that the folder has as numbers of its config (RoPE's factors).
  void set_vector(const std::string& name, const std::vector<double>& values);

 private:
  Checkpoint& checkpoint_;
  bool tied_ = false;
};

struct FolderDialect {
  std::string_view model_type;       // config.json's; "": the architecture has no folders
  std::string_view architecture;     // general.architecture
  std::string_view optional_prefix;  // taken off tensor names that begin with it ("model.")
  std::span<const TensorRule> tensors;
  /// Reads config.json into GGUF's keys; both spellings of each (transformers 5: rope_parameters; before:
  /// rope_theta and rope_scaling).
  void (*config)(FolderConfig& config, FolderMetadata& metadata) = nullptr;
  /// Reads the folder's other files, where the architecture has any; returns their keys that nobody read.
  std::vector<std::string> (*companions)(const ModelFolder& folder, FolderMetadata& metadata) = nullptr;
};

/// The ids that end an answer, all of them, where the folder names some. Ours: GGUF has one id a key.
inline constexpr std::string_view kEndIdsKey = "tokenizer.ggml.end_token_ids";

struct FolderOptions {
  WeightType weights = WeightType::as_stored;
  bool scan_weights = true;  // refuse NaN and infinite weights and factors
  int threads = 1;           // that copy and quantize
};

/// Maps what needs no change; what does is copied row by row. F8 matrices become f32, by their scales.
/// Throws Error(unsupported) for an unknown model_type or an unsupported setting, Error(invalid_model) for a
/// tensor without a rule or of a type that no weight may have, Error(invalid_file) for NaN weights.
std::shared_ptr<const Checkpoint> translate_folder(const std::shared_ptr<const ModelFolder>& folder,
                                                   const FolderOptions& options = {});

}  // namespace lathe
