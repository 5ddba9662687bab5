// Ops of com.microsoft on matrices of codes: by the numbers that the codes mean, in float32.
#include <algorithm>
#include <array>
#include <memory>

#include "formats/onnx_lower_microsoft.h"
#include "formats/onnx_weights.h"
#include "quant/block_format.h"

namespace lathe::onnx {
namespace {

using Values = std::vector<ValueId>;

/// A constant input as the file's tensors are; null where it is none of bytes or floats.
class ConstantInputs {
 public:
  explicit ConstantInputs(NodeImport& node) : node_(node) {}

  const Tensor* find(std::size_t index) {
    if (!node_.has(index)) return nullptr;
    const lathe::Value& value = node_.graph().value(node_.inputs()[index]);
    if (value.kind != ValueKind::constant) return nullptr;
    const Dtype dtype = value.type.dtype;
    if (dtype != Dtype::f32 && dtype != Dtype::u8) return nullptr;
    auto& tensor = *tensors_.emplace_back(std::make_unique<Tensor>());
    tensor.name = value.name;
    tensor.data_type = dtype == Dtype::f32 ? DataType::float32 : DataType::uint8;
    tensor.dims = value.data.shape;
    tensor.bytes = {value.data.data, static_cast<std::size_t>(value.data.bytes())};
    return &tensor;
  }

 private:
  NodeImport& node_;
  std::vector<std::unique_ptr<Tensor>> tensors_;
};

/// The matrices' numbers, [count, columns, rows], turned so that rows are multiplied by them.
ValueId turned_numbers(NodeImport& node, const OwnedWeights& codes, std::int64_t count) {
  const std::int64_t all_rows = codes.view.shape[0], columns = codes.view.shape[1];
  const std::int64_t rows = all_rows / count;
  const auto turned = std::make_shared<std::vector<float>>(static_cast<std::size_t>(all_rows * columns));
  std::vector<float> row(static_cast<std::size_t>(columns));
  const auto stride = row_bytes(codes.view.dtype, columns);
  for (std::int64_t i = 0; i < all_rows; ++i) {
    decode_rows(codes.view.dtype, codes.view.data + static_cast<std::uint64_t>(i) * stride, row.data(), 1,
                columns);
    float* matrix = turned->data() + i / rows * rows * columns;
    for (std::int64_t j = 0; j < columns; ++j) matrix[j * rows + i % rows] = row[static_cast<std::size_t>(j)];
  }
  Shape shape{columns, rows};
  if (count != 1) shape.insert(shape.begin(), count);
  return node.constant({reinterpret_cast<const std::byte*>(turned->data()), Dtype::f32, shape}, turned);
}

/// Codes below a byte, packed along the last axis with the first one lowest, as a byte each; `moved` is
/// added.
ValueId unpacked(NodeImport& node, std::size_t input, std::int64_t bits, std::int64_t columns, Dtype dtype,
                 int moved) {
  const lathe::Value& packed = node.graph().value(node.inputs()[input]);
  if (packed.kind != ValueKind::constant) node.unsupported("codes that are no constant are not unpacked");
  Shape shape = packed.data.shape;
  const std::int64_t per_byte = 8 / bits;
  if (shape.empty() || columns > shape.back() * per_byte || columns <= (shape.back() - 1) * per_byte)
    node.refuse("input " + std::to_string(input) + " has not the bytes of its codes");
  const std::int64_t row_bytes = shape.back();
  shape.back() = columns;
  const auto codes = std::make_shared<std::vector<std::byte>>(static_cast<std::size_t>(element_count(shape)));
  codes->reserve(1);
  const unsigned mask = (1u << bits) - 1;
  for (std::size_t i = 0; i < codes->size(); ++i) {
    const auto column = static_cast<std::int64_t>(i) % columns;
    const auto at = static_cast<std::int64_t>(i) / columns * row_bytes + column / per_byte;
    const auto shift = static_cast<unsigned>(column % per_byte * bits);
    const unsigned code = std::to_integer<unsigned>(packed.data.data[at]) >> shift & mask;
    (*codes)[i] = static_cast<std::byte>(static_cast<int>(code) + moved);
  }
  return node.constant({codes->data(), dtype, shape}, codes);
}

class GatheredCodes {
 public:
  explicit GatheredCodes(NodeImport& node) : node_(node) {}

  Values lower() {
    const ValueType data = node_.type(0), indices = node_.type(1);
    if (!data.ranked || !indices.ranked) node_.unsupported("the shapes of its inputs are not known");
    gather_axis_ = axis("gather_axis", 0);
    quantize_axis_ = axis("quantize_axis", 1);
    if (gather_axis_ == quantize_axis_) node_.refuse("gather_axis and quantize_axis must not be the same");
    const std::int64_t block = node_.integer("block_size", 128);
    if (block < 16 || (block & (block - 1)) != 0)
      node_.refuse("block_size must be a power of two from 16 on");
    read_codes();
    const std::int64_t moved = gather_axis_ < quantize_axis_ ? std::ssize(indices.dims) - 1 : 0;
    Values inputs = {gathered(codes_), gathered(node_.inputs()[2])};
    if (zeros_ >= 0) inputs.push_back(gathered(zeros_));
    return {node_.add("DequantizeLinear", inputs, {{"axis", quantize_axis_ + moved}, {"block_size", block}})};
  }

 private:
  std::int64_t axis(std::string_view name, std::int64_t otherwise) const {
    const auto rank = std::ssize(node_.type(0).dims);
    const std::int64_t given = node_.integer(name, otherwise);
    if (given < -rank || given >= rank) node_.refuse(std::string(name) + " is none of its data's");
    return given < 0 ? given + rank : given;
  }

  /// As bytes with the zero that is meant: types of 4 bits have 0 where none is given, bytes the middle.
  void read_codes() {
    const Dtype dtype = node_.type(0).dtype;
    const bool has_zeros = node_.has(3);
    if (dtype == Dtype::i4 || dtype == Dtype::u4) {
      codes_ = node_.inputs()[0];
      if (has_zeros) zeros_ = node_.inputs()[3];
      return;
    }
    const std::int64_t bits = node_.integer("bits", 4);
    if (dtype != Dtype::u8) node_.unsupported("codes are bytes, or of 4 bits");
    if (bits != 2 && bits != 4 && bits != 8) node_.refuse("codes have 2, 4 or 8 bits");
    const ValueType data = node_.type(0), scales = node_.type(2);
    if (quantize_axis_ != std::ssize(data.dims) - 1 || !scales.ranked ||
        scales.dims.size() != data.dims.size() || data.dims.back().is_symbolic() ||
        scales.dims.back().is_symbolic())
      node_.unsupported("bytes of codes are not in blocks of their last axis");
    const std::int64_t columns = data.dims.back().value * (8 / bits);
    if (!has_zeros) {
      codes_ = unpacked(node_, 0, bits, columns, Dtype::i8, -(1 << (bits - 1)));
      return;
    }
    codes_ = unpacked(node_, 0, bits, columns, Dtype::u8, 0);
    zeros_ = unpacked(node_, 3, bits, scales.dims.back().value, Dtype::u8, 0);
  }

  ValueId gathered(ValueId x) {
    return node_.add("GatherAny", {x, node_.inputs()[1]}, {{"axis", gather_axis_}});
  }

  NodeImport& node_;
  std::int64_t gather_axis_ = 0;
  std::int64_t quantize_axis_ = 0;
  ValueId codes_ = -1;
  ValueId zeros_ = -1;
};

/// Every expert is computed for every row, and counts by the row's weight for it: zero for all but k.
class QuantizedExperts {
 public:
  explicit QuantizedExperts(NodeImport& node) : node_(node), constants_(node) {}

  Values lower() {
    refuse_what_is_not_computed();
    const ValueType router = node_.type(1);
    if (!router.ranked || router.dims.size() != 2 || router.dims[1].is_symbolic())
      node_.unsupported("the number of experts is not known");
    experts_ = router.dims[1].value;
    const ValueId x = reshaped(node_.inputs().at(0), {1, -1, columns_of(0)});  // [1, T, H]
    const ValueId inner = activated(product(x, 2, "fc1_expert_weight_bits", 11));
    const ValueId outer = product(inner, 5, "fc2_expert_weight_bits", 12);  // [E, T, H]
    const ValueId weighted = node_.add("MulAny", {outer, weights()});
    const ValueId all = node_.add("ReduceSumAny", {weighted, integers({0})}, {{"keepdims", std::int64_t{0}}});
    return {node_.add("ReshapeAny", {all, node_.add("Shape", {node_.inputs()[0]})},
                      {{"allowzero", std::int64_t{1}}})};
  }

 private:
  void refuse_what_is_not_computed() const {
    if (node_.type(0).dtype != Dtype::f32) node_.unsupported("rows must be f32");
    if (node_.text("quant_type", "int") != "int") node_.unsupported("quant_type must be int");
    if (node_.has(8)) node_.unsupported("a third product is not computed");
    for (std::size_t i = 14; i < node_.inputs().size(); ++i)
      if (node_.has(i)) node_.unsupported("router_weights and scales of floats are not computed");
    if (node_.integer("use_sparse_mixer", 0) != 0) node_.unsupported("use_sparse_mixer is not computed");
    if (node_.integer("weights_prepacked", -1) > 0) node_.unsupported("weights_prepacked is not known");
    if (node_.text("activation_type", "relu") == "swiglu" && node_.integer("swiglu_fusion", 0) != 1)
      node_.unsupported("swiglu is computed of columns that alternate: swiglu_fusion 1");
  }

  ValueId integers(std::initializer_list<std::int64_t> list) {
    return node_.constant(std::span(list.begin(), list.size()));
  }
  ValueId reshaped(ValueId x, std::initializer_list<std::int64_t> shape) {
    return node_.add("ReshapeAny", {x, integers(shape)});
  }
  ValueId number(double value) { return node_.constant(value, Dtype::f32); }

  std::int64_t columns_of(std::size_t input) const {
    const auto& type = node_.type(input);
    if (!type.ranked || type.dims.empty() || type.dims.back().is_symbolic())
      node_.unsupported("the columns of its rows are not known");
    return type.dims.back().value;
  }

  /// [1 or E, T, K] by the codes [E, N, K * bits / 8] at `input`, with scales and bias behind them.
  ValueId product(ValueId x, std::size_t input, std::string_view own_bits, std::size_t zeros) {
    CodeMatrix matrix;
    matrix.codes = constants_.find(input);
    matrix.scales = constants_.find(input + 1);
    if (matrix.codes == nullptr || matrix.scales == nullptr)
      node_.unsupported("codes must be constant bytes, and scales constants of f32");
    const auto& codes = matrix.codes->dims;
    const auto& scales = matrix.scales->dims;
    matrix.bits = node_.integer(own_bits, node_.integer("expert_weight_bits", 4));
    if (matrix.bits != 2 && matrix.bits != 4 && matrix.bits != 8) node_.refuse("codes have 2, 4 or 8 bits");
    if (codes.size() != 3 || codes[0] != experts_ || (scales.size() != 2 && scales.size() != 3))
      node_.refuse("input " + std::to_string(input) + " has no matrix for each expert");
    matrix.rows = codes[0] * codes[1];
    matrix.columns = codes[2] * (8 / matrix.bits);
    const std::int64_t block = node_.integer("block_size", 0);
    matrix.block = scales.size() == 3 ? block : matrix.columns;
    if (matrix.block < 1) node_.refuse("block_size must be given where scales are by blocks");
    matrix.otherwise = std::int64_t{1} << (matrix.bits - 1);
    Tensor spread;
    std::vector<float> numbers;
    if (node_.has(zeros)) {
      matrix.zeros = constants_.find(zeros);
      if (matrix.zeros == nullptr) node_.unsupported("zero points must be constants");
      if (scales.size() == 2)
        matrix.zeros = &spread_zeros(*matrix.zeros, codes[1], matrix.bits, spread, numbers);
    }
    const ValueId weight = turned_numbers(node_, onnx::read_codes(matrix, {}, false), experts_);
    const ValueId y = node_.add("MatMulAny", {x, weight});  // [E, T, N]
    if (!node_.has(input + 2)) return y;
    return node_.add("AddAny", {y, reshaped(node_.inputs()[input + 2], {experts_, 1, codes[1]})});
  }

  /// Zeros of whole rows are packed along the rows of an expert: as floats, one a row.
  const Tensor& spread_zeros(const Tensor& packed, std::int64_t rows, std::int64_t bits, Tensor& spread,
                             std::vector<float>& numbers) const {
    const std::int64_t per_byte = 8 / bits, bytes = (rows + per_byte - 1) / per_byte;
    if (packed.data_type != DataType::uint8 || std::ssize(packed.bytes) != experts_ * bytes)
      node_.refuse("zero points are not as many as rows");
    for (std::int64_t i = 0; i < experts_ * rows; ++i) {
      const auto at = static_cast<std::size_t>(i / rows * bytes + i % rows / per_byte);
      const auto shift = static_cast<unsigned>(i % rows % per_byte * bits);
      numbers.push_back(
          static_cast<float>(std::to_integer<unsigned>(packed.bytes[at]) >> shift & ((1u << bits) - 1)));
    }
    spread = packed;
    spread.data_type = DataType::float32;
    spread.dims = {experts_ * rows};
    spread.bytes = std::as_bytes(std::span(numbers));
    return spread;
  }

  ValueId activated(ValueId x) {
    const std::string type = node_.text("activation_type", "relu");
    if (type == "identity") return x;
    if (type == "relu") return node_.add("ReluAny", {x});
    if (type == "silu") return node_.add("SwishAny", {x}, {{"alpha", 1.0}});
    if (type == "gelu") return node_.add("GeluAny", {x}, {{"approximate", std::string("tanh")}});
    if (type != "swiglu") node_.refuse("activation_type is not known");
    const auto every_second = [&](std::int64_t first) {
      return node_.add("Slice", {x, integers({first}), integers({INT64_MAX}), integers({2}), integers({2})});
    };
    ValueId gate = every_second(0);
    ValueId linear = every_second(1);
    if (node_.has_attribute("swiglu_limit")) {
      const double limit = node_.real("swiglu_limit", 0);
      gate = node_.add("Min", {gate, number(limit)});
      linear = node_.add("ClipAny", {linear, number(-limit), number(limit)});
    }
    const ValueId opened = node_.add("SwishAny", {gate}, {{"alpha", node_.real("activation_alpha", 1)}});
    return node_.add("MulAny",
                     {opened, node_.add("AddAny", {linear, number(node_.real("activation_beta", 0))})});
  }

  /// f32 [E, T, 1]: softmax over the k greatest of a row.
  ValueId weights() {
    const std::int64_t k = node_.integer("k", 1);
    if (k < 1 || k > experts_) node_.refuse("k is outside 1 to the number of experts");
    const ValueId router = node_.inputs()[1];
    const Values best = node_.add_node("TopKAny", {router, integers({k})}, {{"axis", std::int64_t{1}}});
    const ValueId shares = node_.add("SoftmaxAny", {best[0]}, {{"axis", std::int64_t{1}}});
    const ValueId none = node_.add("ConstantOfShape", {node_.add("Shape", {router}), number(0)});
    const ValueId all = node_.add("ScatterElements", {none, best[1], shares}, {{"axis", std::int64_t{1}}});
    const ValueId turned = node_.add("TransposeAny", {all}, {{"perm", std::string("1, 0")}});
    return node_.add("Unsqueeze", {turned, integers({2})});
  }

  NodeImport& node_;
  ConstantInputs constants_;
  std::int64_t experts_ = 0;
};

}  // namespace

Values lower_gather_codes(NodeImport& node) { return GatheredCodes(node).lower(); }

Values lower_product_by_codes(NodeImport& node) {
  if (node.type(0).dtype != Dtype::f32) node.unsupported("rows must be f32");
  if (node.has(4)) node.unsupported("g_idx is not computed");
  if (node.integer("weight_prepacked", 0) != 0) node.unsupported("weight_prepacked is not known");
  ConstantInputs constants(node);
  const auto constant = [&](std::size_t index) { return constants.find(index); };
  const OwnedWeights codes = read_codes(code_matrix(node.node(), constant, {}), {}, false);
  ValueId product = node.add("MatMulAny", {node.inputs()[0], turned_numbers(node, codes, 1)});
  if (node.has(5)) product = node.add("AddAny", {product, node.inputs()[5]});
  return {product};
}

Values lower_quantized_experts(NodeImport& node) { return QuantizedExperts(node).lower(); }

}  // namespace lathe::onnx
