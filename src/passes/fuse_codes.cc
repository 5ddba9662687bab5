// DequantizeLinear(x), DequantizeLinear(w) -> Conv                    ->  ConvCodes(x, w, ...)
// DequantizeLinear(x), DequantizeLinear(w) -> Gemm | Linear | MatMul  ->  LinearCodes(x, w, ...)
//
// with what stands behind the product, in this order, each read by the next alone:
//   Add of a constant number for each row of w -> Add of what has the product's shape, dequantized or not
//   -> Relu | Clip -> QuantizeLinear
//
// x is i8 or u8 with one scale and zero that are known ahead (tensor_codes.h), w a constant
// (product_codes.h). Sums of products are exact, where float32 rounds each of them: a code of y differs by
// one at most, and only where float32 has y / scale within 1e-5 of the sum of magnitudes of the middle
// between two codes.
#include <array>
#include <limits>
#include <set>

#include "graph/code_product.h"
#include "passes/pass.h"
#include "passes/product_codes.h"
#include "passes/rewrite.h"
#include "passes/tensor_codes.h"

namespace lathe {
namespace {

using namespace code_product;

/// A product and what is behind it, as far as the op on codes does it.
class CodeProduct {
 public:
  CodeProduct(Graph& graph, const Uses& uses, std::size_t position)
      : graph_(graph), uses_(uses), product_(graph.nodes[position]), last_(position) {
    inputs_.fill(kNoValue);
  }

  bool fuse() {
    if (!is_known_form() || !has_known_bias() || !take_operands()) return false;
    take_bias();
    take_addend();
    take_limits();
    take_scale();
    return replace();
  }

 private:
  bool is_conv() const { return product_.op->name == "Conv"; }
  bool has_own_bias() const {
    return product_.inputs.size() > 2 && type(product_.inputs[2]).dtype != Dtype::none;
  }
  const ValueType& type(ValueId id) const { return graph_.value(id).type; }
  std::size_t rows_axis() const { return is_conv() ? 1 : type(result()).dims.size() - 1; }
  /// Of the weight.
  std::int64_t rows() const { return type(result()).dims[rows_axis()].value; }
  /// What the last node computes.
  ValueId result() const { return graph_.nodes[last_].outputs[0]; }

  bool is_known_form() const {
    const auto& y = type(result());
    if (!is_product(product_) || y.dtype != Dtype::f32 || !is_planned(y) || y.dims.empty()) return false;
    if (product_.op->name != "Gemm") return !type(product_.inputs[0]).dims.empty();
    return product_.real("alpha") == 1 && product_.real("beta") == 1 && product_.integer("transA") == 0;
  }

  /// Whether a Gemm's bias is one number for each row, as a Conv's always is.
  bool has_known_bias() const {
    return is_conv() || !has_own_bias() || is_constant_of_rows(graph_, product_.inputs[2], 2, 1, rows());
  }

  /// The codes that the value is dequantized from.
  std::optional<CodeScale> dequantized(ValueId id, ValueId& codes) const {
    const auto found = uses_.producer(id);
    if (found < 0) return std::nullopt;
    const Node& node = graph_.nodes[static_cast<std::size_t>(found)];
    if (node.op->name != "DequantizeLinear") return std::nullopt;
    codes = node.inputs[0];
    return code_scale(graph_, node);
  }

  bool take_operands() {
    const auto scale = dequantized(product_.inputs[0], inputs_[kX]);
    const auto weight = scale ? weight_codes(graph_, uses_, product_, scale->step) : std::nullopt;
    if (!weight) return false;
    inputs_[kWeight] = weight->codes;
    inputs_[kFactors] = weight->factors;
    inputs_[kXZero] = zero_of(graph_, *scale);
    if (has_own_bias())
      inputs_[kBias] = is_conv() ? product_.inputs[2] : constant_of_rows(graph_, product_.inputs[2], rows());
    return true;
  }

  /// The node that alone reads what was computed last, where it is of the op.
  const Node* next(std::string_view op) const {
    const auto reader = uses_.only_reader(result());
    if (reader < 0) return nullptr;
    const Node& node = graph_.nodes[static_cast<std::size_t>(reader)];
    return node.op->name == op && type(node.outputs[0]).dims == type(result()).dims ? &node : nullptr;
  }

  void advance() { last_ = static_cast<std::size_t>(uses_.only_reader(result())); }

  /// What the next node adds to the product; kNoValue where it is no Add.
  ValueId added() const {
    const Node* add = next("Add");
    if (add == nullptr) return kNoValue;
    return add->inputs[0] == result() ? add->inputs[1] : add->inputs[0];
  }

  void take_bias() {
    const ValueId other = added();
    if (other == kNoValue || inputs_[kBias] != kNoValue) return;
    if (!is_constant_of_rows(graph_, other, type(result()).dims.size(), rows_axis(), rows())) return;
    inputs_[kBias] = constant_of_rows(graph_, other, rows());
    advance();
  }

  void take_addend() {
    const ValueId other = added();
    if (other == kNoValue || !(type(other) == type(result()))) return;
    inputs_[kAddend] = other;
    ValueId codes = kNoValue;
    if (const auto scale = dequantized(other, codes)) {
      inputs_[kAddend] = codes;
      inputs_[kAddendScale] = scale->scale;
      inputs_[kAddendZero] = zero_of(graph_, *scale);
    }
    advance();
  }

  void take_limits() {
    if (next("Relu") != nullptr) {
      least_ = 0;
      advance();
    } else if (const Node* clip = next("Clip")) {
      if (clip->real("min") > clip->real("max")) return;
      least_ = clip->real("min");
      most_ = clip->real("max");
      advance();
    }
  }

  void take_scale() {
    const Node* quantize = next("QuantizeLinear");
    const auto scale = quantize == nullptr ? std::nullopt : code_scale(graph_, *quantize);
    if (!scale) return;
    inputs_[kYScale] = scale->scale;
    inputs_[kYZero] = zero_of(graph_, *scale);
    advance();
  }

  bool replace() {
    Attributes attributes = is_conv() ? product_.attributes : Attributes();
    attributes["least"] = least_;
    attributes["most"] = most_;
    std::vector<ValueId> inputs(inputs_.begin(), inputs_.end());
    while (inputs.back() == kNoValue) inputs.pop_back();
    for (auto& id : inputs)
      if (id == kNoValue) id = absent(graph_);
    if (!replace_node(graph_, last_, {is_conv() ? "ConvCodes" : "LinearCodes", inputs, attributes}))
      return false;
    graph_.nodes[last_].name = product_.name;
    return true;
  }

  Graph& graph_;
  const Uses& uses_;
  const Node product_;
  std::size_t last_;  // of what is fused
  std::array<ValueId, kInputs> inputs_;
  double least_ = -static_cast<double>(std::numeric_limits<float>::max());
  double most_ = static_cast<double>(std::numeric_limits<float>::max());
};

/// Fuses the first product that was not tried before.
bool fuse_next(Graph& graph, std::set<ValueId>& tried) {
  const Uses uses(graph);
  for (std::size_t position = 0; position < graph.nodes.size(); ++position) {
    const Node& node = graph.nodes[position];
    if (is_product(node) && tried.insert(node.outputs[0]).second && CodeProduct(graph, uses, position).fuse())
      return true;
  }
  return false;
}

}  // namespace

bool fuse_codes(Graph& graph, const PassContext&) {
  std::set<ValueId> tried;  // results of products
  bool changed = false;
  for (; fuse_next(graph, tried); changed = true) remove_unused_nodes(graph);
  return changed;
}

}  // namespace lathe
