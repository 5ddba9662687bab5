#include "passes/product_codes.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "graph/text_lists.h"
#include "passes/constants.h"

namespace lathe {
namespace {

constexpr std::int64_t kGreatestFactor = 255;  // of a code less its zero

bool is_code(Dtype dtype) {
  return dtype == Dtype::i8 || dtype == Dtype::u8 || dtype == Dtype::i4 || dtype == Dtype::u4 ||
         dtype == Dtype::i2 || dtype == Dtype::u2;
}

bool has_bytes(const Value& value) { return value.kind == ValueKind::constant && value.data.data != nullptr; }

const Node* producer(const Graph& graph, const Uses& uses, ValueId id) {
  const auto found = uses.producer(id);
  return found < 0 ? nullptr : &graph.nodes[static_cast<std::size_t>(found)];
}

/// Whether input 1 of the product has its rows along the last axis.
bool reads_columns(const Node& product) {
  return product.op->name == "MatMul" || (product.op->name == "Gemm" && product.integer("transB") == 0);
}

bool swaps_axes(const Graph& graph, const Node& node) {
  if (node.op->name != "Transpose" && node.op->name != "TransposeAny") return false;
  const auto rank = graph.value(node.inputs[0]).type.dims.size();
  const auto axes = parse_permutation(node.text("perm"), rank);
  return rank == 2 && axes && (*axes)[0] == 1;
}

/// Scales or zeros: one, or one for each row along `axis` of the codes.
bool fits_rows(const Graph& graph, const Node& dequantize, ValueId id, std::size_t axis) {
  const auto& value = graph.value(id);
  const Shape& codes = graph.value(dequantize.inputs[0]).data.shape;
  if (!has_bytes(value)) return false;
  if (element_count(value.data.shape) == 1) return true;
  const std::int64_t given = dequantize.integer("axis");
  const auto rank = static_cast<std::int64_t>(codes.size());
  return value.data.shape.size() == 1 && value.data.shape[0] == codes[axis] &&
         (given < 0 ? given + rank : given) == static_cast<std::int64_t>(axis);
}

/// A constant's codes, `rows` along axis 0, or along axis 1 of two.
struct CodeTable {
  const Value& codes;
  const Value* zeros;  // or null
  bool by_columns;

  std::size_t rows() const { return static_cast<std::size_t>(codes.data.shape[by_columns ? 1 : 0]); }
  std::size_t depth() const { return static_cast<std::size_t>(element_count(codes.data.shape)) / rows(); }
  std::int32_t at(std::size_t row, std::size_t i) const {
    const std::int32_t code = constant_code(codes, by_columns ? i * rows() + row : row * depth() + i);
    if (zeros == nullptr) return code;
    return code - constant_code(*zeros, element_count(zeros->data.shape) == 1 ? 0 : row);
  }
};

constexpr std::int32_t kLeastCode = std::numeric_limits<std::int8_t>::lowest();
constexpr std::int32_t kMostCode = std::numeric_limits<std::int8_t>::max();

/// i8 [rows, ...]; the constant itself where that is what it is. In two parts, one behind the other along
/// axis 1, whose sums the codes are, they may be twice as large.
ValueId codes_around_zero(Graph& graph, ValueId id, ValueId zeros, bool by_columns, int parts = 1) {
  const Value value = graph.value(id);
  const Value zero = zeros == kNoValue ? Value{} : graph.value(zeros);
  const CodeTable table{value, zeros == kNoValue ? nullptr : &zero, by_columns};
  const auto bytes = std::make_shared<std::vector<std::int8_t>>();
  const std::size_t depth = table.depth();
  bytes->reserve(table.rows() * depth * static_cast<std::size_t>(parts));
  bool as_it_lies = value.type.dtype == Dtype::i8 && !by_columns && parts == 1;
  for (std::size_t row = 0; row < table.rows(); ++row) {
    std::int64_t magnitudes = 0;
    for (std::size_t i = 0; i < depth * static_cast<std::size_t>(parts); ++i) {
      const std::int32_t whole = table.at(row, i % depth);
      const std::int32_t first = parts == 1 ? whole : std::clamp(whole, kLeastCode, kMostCode);
      const std::int32_t code = i < depth ? first : whole - first;
      if (code < kLeastCode || code > kMostCode) return kNoValue;
      magnitudes += std::abs(code);
      bytes->push_back(static_cast<std::int8_t>(code));
    }
    if (magnitudes * kGreatestFactor > std::numeric_limits<std::int32_t>::max()) return kNoValue;
    as_it_lies =
        as_it_lies && (zeros == kNoValue || table.at(row, 0) == constant_code(value, row * table.depth()));
  }
  if (as_it_lies) return id;
  Shape shape = value.data.shape;
  if (by_columns) std::swap(shape[0], shape[1]);
  shape[1] *= parts;
  return graph.add_constant(value.name + ".codes",
                            {reinterpret_cast<const std::byte*>(bytes->data()), Dtype::i8, std::move(shape)},
                            bytes);
}

/// Whether it is a constant matrix of codes, or the weights of a convolution (more dimensions).
bool is_weight(const Value& value, std::size_t least_rank) {
  if (!has_bytes(value) || !is_code(value.type.dtype) || element_count(value.data.shape) == 0) return false;
  const auto rank = value.data.shape.size();
  return least_rank == 2 ? rank == 2 : rank >= least_rank;
}

/// Whether the node dequantizes such a constant with scales as its rows have them.
bool dequantizes_weight(const Graph& graph, const Node& node, bool is_conv, std::size_t axis) {
  return is_weight(graph.value(node.inputs[0]), is_conv ? 3 : 2) &&
         graph.value(node.outputs[0]).type.dtype == Dtype::f32 &&
         graph.value(node.inputs[1]).type.dtype == Dtype::f32 && node.integer("block_size") == 0 &&
         fits_rows(graph, node, node.inputs[1], axis);
}

}  // namespace

std::optional<WeightCodes> weight_codes(Graph& graph, const Uses& uses, const Node& product, float x_step) {
  const Node* found = producer(graph, uses, product.inputs[1]);
  const bool swapped = found != nullptr && swaps_axes(graph, *found);
  if (swapped) found = producer(graph, uses, found->inputs[0]);
  if (found == nullptr || found->op->name != "DequantizeLinear") return std::nullopt;
  const Node dequantize = *found;
  const bool by_columns = reads_columns(product) != swapped;
  const std::size_t axis = by_columns ? 1 : 0;
  if (!dequantizes_weight(graph, dequantize, is_convolution(product), axis)) return std::nullopt;
  ValueId zeros = kNoValue;
  if (dequantize.inputs.size() > 2 && graph.value(dequantize.inputs[2]).type.dtype != Dtype::none) {
    zeros = dequantize.inputs[2];
    if (!fits_rows(graph, dequantize, zeros, axis)) return std::nullopt;
  }
  const Value scales = graph.value(dequantize.inputs[1]);
  std::vector<float> factors(static_cast<std::size_t>(graph.value(dequantize.inputs[0]).data.shape[axis]));
  for (std::size_t row = 0; row < factors.size(); ++row) {
    factors[row] = x_step * constant_element(scales, element_count(scales.data.shape) == 1 ? 0 : row);
    if (!std::isnormal(factors[row])) return std::nullopt;
  }
  WeightCodes result;
  result.codes = codes_around_zero(graph, dequantize.inputs[0], zeros, by_columns);
  if (result.codes == kNoValue) return std::nullopt;
  result.factors = add_numbers(graph, graph.value(result.codes).name + ".factors", std::move(factors));
  return result;
}

ValueId integer_weight(Graph& graph, ValueId weight, ValueId zeros, bool by_columns, int parts) {
  const auto& value = graph.value(weight);
  if (!is_weight(value, by_columns ? 2 : 3)) return kNoValue;
  if (zeros != kNoValue) {
    const auto& zero = graph.value(zeros);
    const Shape one_for_each = {value.data.shape[by_columns ? 1 : 0]};
    if (!has_bytes(zero) || (element_count(zero.data.shape) != 1 && zero.data.shape != one_for_each))
      return kNoValue;
  }
  return codes_around_zero(graph, weight, zeros, by_columns, parts);
}

bool is_constant_of_rows(const Graph& graph, ValueId id, std::size_t rank, std::size_t axis,
                         std::int64_t rows) {
  const auto& value = graph.value(id);
  const Shape& shape = value.data.shape;
  if (!has_bytes(value) || value.type.dtype != Dtype::f32 || shape.size() > rank) return false;
  for (std::size_t i = 0; i < shape.size(); ++i) {
    const bool along_rows = rank - shape.size() + i == axis;
    if (shape[i] != 1 && !(along_rows && shape[i] == rows)) return false;
  }
  return true;
}

ValueId constant_of_rows(Graph& graph, ValueId id, std::int64_t rows) {
  const Value value = graph.value(id);
  if (value.data.shape == Shape{rows}) return id;
  const bool one = element_count(value.data.shape) == 1;
  std::vector<float> numbers(static_cast<std::size_t>(rows));
  for (std::size_t i = 0; i < numbers.size(); ++i) numbers[i] = constant_element(value, one ? 0 : i);
  return add_numbers(graph, value.name + ".rows", std::move(numbers));
}

}  // namespace lathe
