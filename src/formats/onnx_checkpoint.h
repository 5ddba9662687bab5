// An .onnx file of a decoder as a Checkpoint: architecture "onnx", its nodes in Checkpoint::network, and the
// weights that they read as tensors in the types that products take.
//
// Tensors have the names of the initializers that they come from:
//   <data>                 the rows of Gather and GatherBlockQuantized, and vectors
//   <B>                    of MatMulNBits and of Gemm with transB: [N, K]
//   <weight>.transposed    of MatMul and of Gemm: [N, K] for the file's [K, N]
// Keys: onnx.block_count, onnx.attention.head_count_kv, onnx.attention.key_length, onnx.vocab_size,
// onnx.context_length.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>

#include "formats/checkpoint.h"
#include "formats/onnx_model.h"

namespace lathe::onnx {

/// Initializers, and what Constant nodes hold, by the name of the value.
using Constants = std::unordered_map<std::string_view, const Tensor*>;
Constants find_constants(const Graph& graph);

/// The tensor of a node's constant matrix, or nothing where the node reads none of those above.
struct MatrixUse {
  std::string tensor;  // its name in the checkpoint
  std::size_t input;   // that the node has it as
  bool transposed;     // [K, N] in the file
  bool quantized;      // of MatMulNBits and GatherBlockQuantized
};
std::optional<MatrixUse> matrix_use(const Node& node, const Constants& constants);

/// Whether the node attends to keys and values of earlier steps.
bool is_cached_attention(const Node& node);

/// `folder` is looked into for config.json; weights that are not finite are refused where `scan` says so.
/// Throws Error(unsupported) for a network without a cache of keys and values, Error(invalid_model) for one
/// whose sizes are not told, and what read_onnx throws.
std::shared_ptr<const Checkpoint> read_onnx_checkpoint(const std::string& path, const std::string& folder,
                                                       bool scan = true);

}  // namespace lathe::onnx
