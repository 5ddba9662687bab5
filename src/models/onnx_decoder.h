// The graph of an ONNX decoder: its nodes walked in order, each turned into ours on packed rows. Fusion,
// memory and kernels are then those of every other architecture.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "formats/checkpoint.h"
#include "formats/onnx_checkpoint.h"
#include "graph/graph.h"
#include "models/architecture.h"
#include "models/onnx_value.h"

namespace lathe {

class OnnxDecoder {
 public:
  OnnxDecoder(std::shared_ptr<const Checkpoint> checkpoint, const ModelShape& shape,
              const GraphOptions& options);

  /// Throws Error(unsupported) listing the nodes that are not known.
  Graph build();

  struct Handler {
    std::string_view domain;
    std::string_view op;
    void (OnnxDecoder::*lower)(const onnx::Node& node);
  };

 private:
  static std::span<const Handler> row_handlers();        // onnx_decoder_rows.cc
  static std::span<const Handler> layout_handlers();     // onnx_decoder_layout.cc
  static std::span<const Handler> attention_handlers();  // onnx_decoder_attention.cc
  static const Handler* find_handler(const onnx::Node& node);

  void add_inputs();
  void lower(const onnx::Node& node);

  // Of the node's inputs and outputs.
  static bool has(const onnx::Node& node, std::size_t index);
  OnnxValue& input(const onnx::Node& node, std::size_t index);
  /// A tensor; behind the last cache write its rows of out_rows alone.
  OnnxValue& tensor(const onnx::Node& node, std::size_t index);
  ValueId flat(OnnxValue& value);   // [T, C]
  ValueId split(OnnxValue& value);  // [T, H, d]
  void set(const onnx::Node& node, std::size_t output, OnnxValue value);
  /// A tensor with `like`'s layout.
  void set_like(const onnx::Node& node, const OnnxValue& like, ValueId flat, ValueId split = -1);
  void refuse_outputs(const onnx::Node& node, std::size_t first) const;  // that anything reads

  static std::string name(const onnx::Node& node);
  static std::int64_t integer(const onnx::Node& node, std::string_view attribute, std::int64_t otherwise);
  static double real(const onnx::Node& node, std::string_view attribute, double otherwise);
  [[noreturn]] static void refuse(const std::string& why);  // caught by lower(): the node is listed
  static void expect(bool holds, const char* why) {
    if (!holds) refuse(why);
  }

  ValueId constant(const std::string& name);  // the checkpoint's tensor
  ValueId vector(const onnx::Node& node, std::size_t index, std::int64_t size);
  /// Whole numbers of a constant, or of shape arithmetic; nothing where they are not known.
  std::optional<std::vector<std::int64_t>> integers(const onnx::Node& node, std::size_t index);

  // onnx_decoder_rows.cc
  void gather(const onnx::Node& node);
  void linear(const onnx::Node& node);
  void binary(const onnx::Node& node);
  void unary(const onnx::Node& node);
  void sigmoid(const onnx::Node& node);
  void gelu(const onnx::Node& node);
  void rms_norm(const onnx::Node& node);
  void layer_norm(const onnx::Node& node);
  void skip_norm(const onnx::Node& node);
  void normalize(const onnx::Node& node, const OnnxValue& x, const char* op, std::vector<ValueId> inputs,
                 bool by_head);
  // onnx_decoder_layout.cc
  void identity(const onnx::Node& node);
  void cast(const onnx::Node& node);
  void reshape(const onnx::Node& node);
  void transpose(const onnx::Node& node);
  void sizes(const onnx::Node& node);
  bool set_sizes_of(const onnx::Node& node);
  // onnx_decoder_attention.cc
  void rotary(const onnx::Node& node);
  void microsoft_rotary(const onnx::Node& node);
  void attention(const onnx::Node& node);
  void grouped_attention(const onnx::Node& node);
  ValueId rotary_table(const onnx::Node& node, std::size_t cosines, std::size_t sines, std::int64_t dims);
  void rotate(const onnx::Node& node, OnnxValue& x, std::int64_t heads, ValueId table);
  /// x with `heads` heads, as the node says where the value does not.
  OnnxValue with_heads(OnnxValue& x, std::int64_t heads);
  struct AttentionInputs {
    ValueId q = -1, k = -1, v = -1;  // [T, H, d]
    double scale = 0;
    double softcap = 0;
  };
  ValueId attend(const onnx::Node& node, const AttentionInputs& inputs);
  void expect_past(const onnx::Node& node, std::size_t keys);

  std::shared_ptr<const Checkpoint> checkpoint_;
  const onnx::Model& model_;
  ModelShape shape_;
  GraphOptions options_;
  onnx::Constants constants_;
  Graph graph_;
  ValueId ids_, positions_, sequences_, block_tables_, out_rows_;
  ValueId cache_ = -1;
  std::int64_t layer_ = 0;  // attention nodes so far
  std::unordered_map<std::string, OnnxValue> values_;
  std::map<std::string, ValueId> weights_;
  std::map<std::pair<std::string, std::string>, ValueId> tables_;
  std::map<std::string, std::size_t> pasts_;  // inputs of the cache that an attention node took
  std::vector<std::string> problems_;
};

}  // namespace lathe
