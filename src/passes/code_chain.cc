#include "passes/code_chain.h"

#include <algorithm>
#include <array>

#include "graph/code_product.h"
#include "passes/code_tail.h"
#include "passes/constants.h"
#include "passes/product_codes.h"
#include "passes/rewrite.h"

namespace lathe {
namespace {

using namespace code_product;

class CodeChain {
 public:
  CodeChain(Graph& graph, const Uses& uses, const Node& product, std::size_t last,
            const CodeOperands& operands)
      : graph_(graph), uses_(uses), product_(product), tail_(graph, uses, last) {
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
    tail_.take_limits();
    take_scale();
    return replace();
  }

 private:
  const ValueType& type(ValueId id) const { return graph_.value(id).type; }
  std::int64_t rows() const { return type(inputs_[kWeight]).dims[0].value; }
  /// What the next node adds to the product; kNoValue where it is no Add.
  ValueId added() const {
    const Node* add = tail_.next("Add");
    if (add == nullptr) return kNoValue;
    return add->inputs[0] == tail_.result() ? add->inputs[1] : add->inputs[0];
  }

  void take_bias() {
    const ValueId other = added();
    if (other == kNoValue || inputs_[kBias] != kNoValue) return;
    const auto& dims = type(tail_.result()).dims;
    if (!is_constant_of_rows(graph_, other, dims.size(), rows_axis(product_, dims), rows())) return;
    inputs_[kBias] = constant_of_rows(graph_, other, rows());
    tail_.advance();
  }

  void take_addend() {
    const ValueId other = added();
    if (other == kNoValue || !(type(other) == type(tail_.result()))) return;
    inputs_[kAddend] = other;
    ValueId codes = kNoValue;
    if (const auto scale = dequantized(graph_, uses_, other, codes)) {
      inputs_[kAddend] = codes;
      inputs_[kAddendScale] = scale->scale;
      inputs_[kAddendZero] = zero_of(graph_, *scale);
    }
    tail_.advance();
  }

  void take_scale() {
    const auto scale = tail_.take_scale();
    if (!scale) return;
    inputs_[kYScale] = scale->scale;
    inputs_[kYZero] = zero_of(graph_, *scale);
  }

  bool replace() {
    const bool is_conv = is_convolution(product_);
    std::size_t last = tail_.last();
    inputs_[kFactors] = by_rows(inputs_[kFactors], last);
    Attributes attributes = is_conv ? product_.attributes : Attributes();
    attributes["least"] = tail_.least();
    attributes["most"] = tail_.most();
    std::vector<ValueId> inputs(inputs_.begin(), inputs_.end());
    while (inputs.back() == kNoValue) inputs.pop_back();
    for (auto& id : inputs)
      if (id == kNoValue) id = absent(graph_);
    if (!replace_node(graph_, last, {is_conv ? "ConvCodes" : "LinearCodes", inputs, attributes}))
      return false;
    graph_.nodes[last].name = product_.name;
    return true;
  }

  /// f32 [rows], in front of the node at `last` where a run computes it.
  ValueId by_rows(ValueId numbers, std::size_t& last) {
    const Dims dims = type(numbers).dims;
    if (dims == Dims{Dim(rows())}) return numbers;
    const auto& y = type(tail_.result()).dims;
    if (is_constant_of_rows(graph_, numbers, y.size(), rows_axis(product_, y), rows()))
      return constant_of_rows(graph_, numbers, rows());
    const bool one = std::ranges::all_of(dims, [](const Dim& dim) { return dim == Dim(1); });
    const ValueId flat = dims.size() == 1 ? numbers
                                          : insert_node(graph_, last++, "Reshape", {numbers},
                                                        {{"shape", std::to_string(one ? 1 : rows())}});
    if (!one || rows() == 1) return flat;
    const ValueId ones =
        add_numbers(graph_, "ones", std::vector<float>(static_cast<std::size_t>(rows()), 1.0f));
    return insert_node(graph_, last++, "Mul", {flat, ones}, {});
  }

  Graph& graph_;
  const Uses& uses_;
  const Node& product_;
  CodeTail tail_;
  std::array<ValueId, kInputs> inputs_;
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
