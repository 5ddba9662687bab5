// What architectures share: checked weights, and the blocks that most transformers are made of.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "formats/checkpoint.h"
#include "graph/graph.h"
#include "models/architecture.h"
#include "models/decoder_config.h"

namespace lathe {

enum class Bias : std::uint8_t { optional, required };  // "<name>.bias" beside "<name>.weight"
enum class Activation : std::uint8_t { swish, gelu, gelu_tanh };
enum class RotaryPairs : std::uint8_t {
  halves,      // (i, i + dims / 2)
  neighbours,  // (2i, 2i + 1)
};

struct Heads {
  ValueId q, k, v;  // [T, heads * head_dim], or split: [T, heads, head_dim]
};

/// Builds a decoder's graph over the inputs of backend/cache_layout.h. Weights that are missing or do not fit
/// are collected, and finish() throws Error(invalid_model) with the first five differences.
class DecoderBuilder {
 public:
  DecoderBuilder(std::shared_ptr<const Checkpoint> checkpoint, const DecoderConfig& config,
                 const GraphOptions& options);

  ValueId matrix(const std::string& name, std::int64_t rows,
                 std::int64_t columns);                        // any float or block type
  ValueId matrices(const std::string& name, std::int64_t count, std::int64_t rows,
                   std::int64_t columns);                      // one behind the other: experts
  ValueId vector(const std::string& name, std::int64_t size);  // float32

  ValueId embed();               // f32[T, embedding]
  ValueId position_embedding();  // f32[T, embedding], learned: "position_embd.weight"
  /// As the model normalizes, over the last `size` elements; weight "<name>.weight", and where the norm is no
  /// RMS "<name>.bias" if there is one.
  ValueId norm(const std::string& name, ValueId x, std::int64_t size, Bias bias = Bias::optional);
  ValueId linear(const std::string& name, ValueId x, std::int64_t rows, std::int64_t columns,
                 Bias bias = Bias::optional);
  ValueId scale(const std::string& node_name, ValueId x, double factor);  // x itself where it is 1
  ValueId add(const std::string& node_name, ValueId x, ValueId y);
  ValueId activate(const std::string& node_name, ValueId x, Activation activation);

  /// attn_q, attn_k and attn_v of a layer, or their rows of attn_qkv where the file has them in one; not
  /// split.
  Heads project(const std::string& block, ValueId x, Bias bias = Bias::optional);
  Heads split(const std::string& block, const Heads& projected);
  Heads heads(const std::string& block, ValueId x, Bias bias = Bias::optional);  // project and split
  /// f32[T, dims] for a layer; with the file's scaling, but for layers with a window and a base of their own.
  ValueId rotary_table(std::int64_t layer);
  Heads rotate(const std::string& block, const Heads& heads, ValueId table, RotaryPairs pairs);
  /// Keys and values of `layer` to the cache, then causal attention: [T, heads * head_dim].
  ValueId attention(std::int64_t layer, const Heads& heads);
  ValueId attention_output(const std::string& block, ValueId attended, Bias bias = Bias::optional);

  /// down(activation(gate(x)) * up(x)); weights "<block>.ffn_gate.weight" and so on.
  ValueId gated_feed_forward(const std::string& block, ValueId x, Activation activation);
  /// The same with gate and up as the two halves of ffn_up's rows.
  ValueId fused_gated_feed_forward(const std::string& block, ValueId x, Activation activation);
  /// down(activation(up(x)))
  ValueId feed_forward(const std::string& block, ValueId x, Activation activation,
                       Bias bias = Bias::optional);

  /// Behind the last cache write only rows whose logits are wanted matter: f32[S, ...] in the last layer, x
  /// itself in the others.
  ValueId wanted(std::int64_t layer, const std::string& node_name, ValueId x);
  /// Final norm, output head (the embedding where the file has no head of its own) and cap; logits are
  /// multiplied by logit_scale.
  Graph finish(ValueId x, double logit_scale = 1, Bias norm_bias = Bias::optional);

  /// Of encoders. One row of a matrix of any type, decoded to float32.
  ValueId row(const std::string& name, std::int64_t rows, std::int64_t columns, std::int64_t index);
  ValueId sequences() const { return sequences_; }
  /// The output "embeddings" in place of logits: f32[Q, ...].
  Graph finish_embeddings(ValueId x);

  Graph& graph() { return graph_; }

 private:
  /// The file's tensor, checked; a view without data where it does not fit.
  TensorView checked(const std::string& name, const Shape& shape, bool vector_only);
  ValueId weight(const std::string& name, const Shape& shape, bool vector_only);
  ValueId biased(const std::string& name, ValueId product, std::int64_t rows, Bias bias);
  /// x times `count` rows of a matrix from row `first`, and those of its bias; `part` names them.
  ValueId linear_rows(const std::string& name, const std::string& part, ValueId x, std::int64_t rows,
                      std::int64_t columns, std::int64_t first, std::int64_t count, Bias bias);
  /// The graph, if every tensor of the file was asked for and fits.
  Graph complete();
  ValueId add_rotary_table(const RopeConfig& rope, const std::string& factors);

  std::shared_ptr<const Checkpoint> checkpoint_;
  DecoderConfig config_;
  GraphOptions options_;
  Graph graph_;
  ValueId ids_, positions_, sequences_, block_tables_, out_rows_;
  ValueId cache_ = -1;
  ValueId table_ = -1, local_table_ = -1;
  std::map<std::string, ValueId> weights_;
  std::map<std::string, TensorView, std::less<>> used_;  // tensors that were asked for, as checked
  std::vector<std::string> differences_;
};

std::string block_name(std::int64_t layer);  // "blk.<layer>"

/// "<architecture>.hidden_activation": "gelu" (exact) or "gelu_pytorch_tanh"; `fallback` where it is missing.
Activation read_gelu(const Checkpoint& checkpoint, Activation fallback);

}  // namespace lathe
