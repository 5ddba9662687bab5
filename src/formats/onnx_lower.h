// How ops of ONNX become nodes of the graph. What has a row of the op table with ONNX's name and attributes
// needs nothing here; the others, and what changed with an opset, have a function in onnx_lower_<family>.cc.
//
// Rows whose name ends in "Any" are ONNX's ops in full, of any type and with sizes from inputs, beside a row
// of language models that is faster, fused with others, and takes less.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "formats/onnx_model.h"
#include "graph/graph.h"
#include "graph/size_values.h"

namespace lathe::onnx {

/// The dtype of our tensors; empty where there is none (complex numbers).
std::optional<Dtype> dtype_of(DataType type);

/// A tensor's elements as our tensors have them: those below a byte in a byte each. Throws
/// Error(unsupported) for strings, which no bytes are, and complex numbers.
std::pair<TensorView, std::shared_ptr<const void>> tensor_data(const Tensor& tensor);

/// The tensor as a constant of the graph; of strings as what a node makes of one. `label` is its name.
ValueId add_tensor(lathe::Graph& graph, const std::string& label, const Tensor& tensor);
ValueId add_strings(lathe::Graph& graph, const std::string& label, std::span<const std::string> texts,
                    std::span<const std::int64_t> dims);

/// One node on its way into the graph.
class NodeImport {
 public:
  NodeImport(lathe::Graph& graph, const SizeValues& sizes, const Node& node, std::vector<ValueId> inputs,
             const std::string& file)
      : graph_(graph), sizes_(sizes), node_(node), inputs_(std::move(inputs)), file_(file) {}

  lathe::Graph& graph() { return graph_; }
  const SizeValues& known_sizes() const { return sizes_; }
  std::string name() const;  // the node's, or that of its first output
  const Node& node() const { return node_; }
  std::int64_t opset() const { return node_.opset; }  // of the node's domain
  /// Those that were left out are absent(); none at the end.
  const std::vector<ValueId>& inputs() const { return inputs_; }
  bool has(std::size_t input) const;
  const ValueType& type(std::size_t input) const { return graph_.value(inputs_.at(input)).type; }
  bool all_f32() const;
  /// Whether the node's output is given a name.
  bool wants(std::size_t output) const;
  std::size_t wanted_outputs() const;  // up to the last that has a name

  /// Elements of an i64 or i32 constant of at most one dimension; empty where only a run knows them.
  std::optional<std::vector<std::int64_t>> integers(std::size_t input) const;
  /// The same where they follow from dimensions; none is "?".
  Elements sizes(std::size_t input) const;
  /// The one number of a constant of any real or whole type; empty where there is none.
  std::optional<double> number(std::size_t input) const;

  bool has_attribute(std::string_view name) const { return node_.find(name) != nullptr; }
  std::int64_t integer(std::string_view attribute, std::int64_t otherwise) const;
  double real(std::string_view attribute, double otherwise) const;
  std::string text(std::string_view attribute, std::string otherwise = {}) const;
  std::vector<std::int64_t> integers(std::string_view attribute) const;  // empty where it is not given
  std::vector<float> reals(std::string_view attribute) const;
  std::vector<std::string> texts(std::string_view attribute) const;

  /// A node with one output, or all outputs of one; named after the node.
  ValueId add(std::string_view op, std::vector<ValueId> inputs, Attributes attributes = {});
  std::vector<ValueId> add_node(std::string_view op, std::vector<ValueId> inputs, Attributes attributes = {});
  /// The row `op` on all inputs, its attributes those that ONNX gives it. Throws Error(unsupported) for an
  /// attribute that the row does not have, and where there is no row.
  std::vector<ValueId> add_as_given(std::string_view op);

  ValueId absent();
  ValueId constant(std::span<const std::int64_t> integers);  // i64 [n]
  ValueId constant(double number, Dtype dtype);              // [], of a real or whole type
  ValueId constant(TensorView data, std::shared_ptr<const void> owner);
  ValueId constant(const Tensor& tensor);
  ValueId strings(std::span<const std::string> texts, std::span<const std::int64_t> dims);  // must be UTF-8

  [[noreturn]] void unsupported(const std::string& message) const;
  [[noreturn]] void refuse(const std::string& message) const;  // Error(invalid_file)

 private:
  lathe::Graph& graph_;
  const SizeValues& sizes_;
  const Node& node_;
  std::vector<ValueId> inputs_;
  const std::string& file_;
};

struct Lowering {
  std::string_view domain;  // "" is ONNX's own
  std::string_view op;
  /// The values of the node's outputs, at least of those that are wanted.
  std::vector<ValueId> (*lower)(NodeImport& node);
};

std::span<const Lowering> element_lowerings();
std::span<const Lowering> array_lowerings();
std::span<const Lowering> window_lowerings();
std::span<const Lowering> product_lowerings();
std::span<const Lowering> sequence_lowerings();
std::span<const Lowering> string_lowerings();
std::span<const Lowering> microsoft_lowerings();

/// The node's outputs in the graph: by its lowering; else by the row of its name where that takes it, or the
/// row of its name and "Any". Throws Error(unsupported) where there is none.
std::vector<ValueId> lower(NodeImport& node);

}  // namespace lathe::onnx
