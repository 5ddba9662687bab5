#include "passes/code_chain.h"

#include <algorithm>
#include <array>
#include <limits>

#include "graph/code_product.h"
#include "passes/product_codes.h"
#include "passes/rewrite.h"

namespace lathe {
namespace {

using namespace code_product;

class CodeChain {
 public:
  CodeChain(Graph& graph, const Uses& uses, const Node& product, std::size_t last,
            const CodeOperands& operands)
      : graph_(graph), uses_(uses), product_(product), last_(last) {
    inputs_.fill(kNoValue);
    inputs_[kX] = operands.x;
    inputs_[kWeight] = operands.weight;
    inputs_[kFactors] = operands.factors;
    inputs_[kBias] = operands.bias;
    inputs_[kXZero] = operands.x_zero;
  }

  bool fuse() {
    take_bias();
    take_addend();
    take_limits();
    take_scale();
    return replace();
  }

 private:
  const ValueType& type(ValueId id) const { return graph_.value(id).type; }
  std::int64_t rows() const { return type(inputs_[kWeight]).dims[0].value; }
  /// What the last node computes.
  ValueId result() const { return graph_.nodes[last_].outputs[0]; }

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
    const auto& dims = type(result()).dims;
    if (!is_constant_of_rows(graph_, other, dims.size(), rows_axis(product_, dims), rows())) return;
    inputs_[kBias] = constant_of_rows(graph_, other, rows());
    advance();
  }

  void take_addend() {
    const ValueId other = added();
    if (other == kNoValue || !(type(other) == type(result()))) return;
    inputs_[kAddend] = other;
    ValueId codes = kNoValue;
    if (const auto scale = dequantized(graph_, uses_, other, codes)) {
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
    const bool is_conv = is_convolution(product_);
    inputs_[kFactors] = by_rows(inputs_[kFactors]);
    Attributes attributes = is_conv ? product_.attributes : Attributes();
    attributes["least"] = least_;
    attributes["most"] = most_;
    std::vector<ValueId> inputs(inputs_.begin(), inputs_.end());
    while (inputs.back() == kNoValue) inputs.pop_back();
    for (auto& id : inputs)
      if (id == kNoValue) id = absent(graph_);
    if (!replace_node(graph_, last_, {is_conv ? "ConvCodes" : "LinearCodes", inputs, attributes}))
      return false;
    graph_.nodes[last_].name = product_.name;
    return true;
  }

  /// f32 [rows], in front of the last node where a run computes it.
  ValueId by_rows(ValueId numbers) {
    const Dims dims = type(numbers).dims;
    if (dims == Dims{Dim(rows())}) return numbers;
    const auto& y = type(result()).dims;
    if (is_constant_of_rows(graph_, numbers, y.size(), rows_axis(product_, y), rows()))
      return constant_of_rows(graph_, numbers, rows());
    const bool one = std::ranges::all_of(dims, [](const Dim& dim) { return dim == Dim(1); });
    const ValueId flat = dims.size() == 1 ? numbers
                                          : insert_node(graph_, last_++, "Reshape", {numbers},
                                                        {{"shape", std::to_string(one ? 1 : rows())}});
    if (!one || rows() == 1) return flat;
    const ValueId ones =
        add_numbers(graph_, "ones", std::vector<float>(static_cast<std::size_t>(rows()), 1.0f));
    return insert_node(graph_, last_++, "Mul", {flat, ones}, {});
  }

  Graph& graph_;
  const Uses& uses_;
  const Node& product_;
  std::size_t last_;  // of what is fused
  std::array<ValueId, kInputs> inputs_;
  double least_ = -static_cast<double>(std::numeric_limits<float>::max());
  double most_ = static_cast<double>(std::numeric_limits<float>::max());
};

}  // namespace

std::size_t rows_axis(const Node& product, const Dims& result) {
  return is_convolution(product) ? 1 : result.size() - 1;
}

bool fuse_code_chain(Graph& graph, const Uses& uses, const Node& product, std::size_t last,
                     const CodeOperands& operands) {
  return CodeChain(graph, uses, product, last, operands).fuse();
}

}  // namespace lathe
