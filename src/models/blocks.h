// What architectures share: checked keys and weights, and the blocks that most transformers are made of.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "formats/checkpoint.h"
#include "graph/graph.h"
#include "models/architecture.h"

namespace lathe {

/// The sizes of a decoder with grouped heads, read from "<architecture>.*" keys.
struct DecoderConfig {
  std::int64_t layers = 0;
  std::int64_t embedding = 0;  // width of the residual stream
  std::int64_t feed_forward = 0;
  std::int64_t heads = 0;
  std::int64_t kv_heads = 0;
  std::int64_t head_dim = 0;
  std::int64_t vocabulary = 0;  // rows of the embedding
  std::int64_t context_tokens = 0;
  std::int64_t rope_dims = 0;
  double rope_base = 0;
  double epsilon = 0;
  std::int64_t window = 0;  // tokens a sliding-window layer sees; 0: the model has none
};

/// Reads and checks every key; Error(invalid_model) names the key. Scaled RoPE and experts are refused
/// (unsupported).
DecoderConfig read_decoder_config(const Checkpoint& checkpoint);
ModelShape decoder_shape(const DecoderConfig& config);

/// Builds a decoder's graph over the inputs of backend/cache_layout.h. Weights that are missing or do not fit
/// are collected, and finish() throws Error(invalid_model) with the first five differences.
class DecoderBuilder {
 public:
  DecoderBuilder(std::shared_ptr<const Checkpoint> checkpoint, const DecoderConfig& config,
                 const GraphOptions& options);

  ValueId matrix(const std::string& name, std::int64_t rows,
                 std::int64_t columns);                        // any float or block type
  ValueId vector(const std::string& name, std::int64_t size);  // float32

  ValueId embed();                                                      // f32[T, embedding]
  ValueId norm(const std::string& name, ValueId x, std::int64_t size);  // RMS; weight "<name>.weight"
  ValueId linear(const std::string& name, ValueId x, std::int64_t rows, std::int64_t columns);
  ValueId scale(const std::string& node_name, ValueId x, float factor);
  ValueId rotary_table(double base);  // f32[T, rope_dims]
  /// Of given angles per position, one for each pair; cosines and sines are multiplied by `magnitude`.
  ValueId rotary_table(const std::vector<double>& frequencies, double magnitude = 1);
  /// Keys and values of `layer` to the cache, then causal attention; q, k, v are [T, heads, head_dim].
  ValueId attention(std::int64_t layer, ValueId q, ValueId k, ValueId v, double scale, std::int64_t window);
  ValueId split_heads(const std::string& node_name, ValueId x, std::int64_t heads);
  ValueId rotate(const std::string& node_name, ValueId x, ValueId table, bool interleaved);
  /// down(activation(gate(x)) * up(x)), Gelu in its tanh form; weights "<block>.ffn_gate.weight" and so on.
  ValueId gated_feed_forward(const std::string& block, ValueId x, std::string_view activation);
  /// The rows whose logits are wanted, f32[S, ...].
  ValueId wanted_rows(const std::string& node_name, ValueId x);
  /// Final norm and output head (the embedding where the file has no head of its own).
  Graph finish(ValueId x);

  Graph& graph() { return graph_; }

 private:
  ValueId weight(const std::string& name, const Shape& shape, bool vector_only);

  std::shared_ptr<const Checkpoint> checkpoint_;
  DecoderConfig config_;
  GraphOptions options_;
  Graph graph_;
  ValueId ids_, positions_, sequences_, block_tables_, out_rows_;
  ValueId cache_ = -1;
  std::map<std::string, ValueId> weights_;
  std::vector<std::string> differences_;
};

}  // namespace lathe
