// An architecture: what its files' keys mean, and its graph. One file each; registry.cc is the list.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "formats/checkpoint.h"
#include "graph/graph.h"
#include "models/folder_translation.h"

namespace lathe {

/// What the rest of the program needs to know of a model.
struct ModelShape {
  std::int64_t vocabulary = 0;
  std::int64_t context_tokens = 0;  // as trained
  std::int64_t layers = 0;
  std::int64_t kv_heads = 0;
  std::int64_t head_dim = 0;
  std::int64_t embedding = 0;    // encoders alone: numbers of a text's embedding; 0: a decoder
  std::int64_t text_tokens = 0;  // encoders alone: of a text unless more are asked for
  bool is_encoder() const { return embedding != 0; }
};

struct GraphOptions {
  Dtype cache_dtype = Dtype::bf16;  // f32, f16 or bf16
  bool cache_off = false;          // keys and values live in the step alone
  std::int64_t context_tokens =
      0;  // that will be used at most (0: as trained); some RoPE scalings depend on it
};

struct Architecture {
  std::string_view
      name;  // general.architecture; "": folders of this type are built by FolderDialect::architecture
  /// Checks every key for type and range; Error(invalid_model) names the key.
  ModelShape (*shape)(const Checkpoint& checkpoint);
  /// Inputs and symbols as in backend/cache_layout.h; one output "logits" f32[S, vocabulary], of
  /// encoders "embeddings" f32[Q, embedding].
  /// Error(invalid_model) names a missing tensor or a wrong shape.
  Graph (*build)(const std::shared_ptr<const Checkpoint>& checkpoint, const GraphOptions& options);
  FolderDialect folder = {};
};

std::span<const Architecture* const> all_architectures();

/// Throws Error(unsupported) naming the architecture.
const Architecture& find_architecture(std::string_view name);
/// By the model_type in config.json, which is `file`; throws Error(unsupported) naming both.
const FolderDialect& find_folder_dialect(std::string_view model_type, const std::string& file);

}  // namespace lathe
