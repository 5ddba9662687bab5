// FlexAttention with graphs of the file's own for scores and probabilities: as its products, with the graphs
// between them.
#include <cmath>

#include "formats/onnx_lower_flex.h"

namespace lathe::onnx {
namespace {

class FlexAttention {
 public:
  FlexAttention(NodeImport& node, const PlaceGraph& place) : node_(node), place_(place) {
    for (std::size_t i = 0; i < 3; ++i)
      if (!node.has(i) || !node.type(i).ranked || node.type(i).dims.size() != 4)
        node.unsupported("its inputs must have four dimensions");
  }

  ValueId lower() {
    const Dtype dtype = node_.type(0).dtype, inner = inner_dtype();
    const std::int64_t columns = number(0, 3);
    double scale = 1.0 / std::sqrt(static_cast<double>(columns));
    if (node_.has_attribute("scale")) scale = node_.real("scale", 0);
    if (scale < 0) node_.unsupported("its scale is negative");
    const ValueId factor = node_.constant(std::sqrt(scale), dtype);
    const ValueId q = node_.add("MulAny", {node_.inputs()[0], factor});
    const ValueId k = node_.add("MulAny", {repeated(1), factor});
    const ValueId turned = node_.add("TransposeAny", {k}, {{"perm", std::string("0, 1, 3, 2")}});
    ValueId scores = cast(node_.add("MatMulAny", {q, turned}), inner);  // [B, H, L, S]
    if (node_.has_attribute("score_mod")) scores = place_("score_mod", scores);
    ValueId shares = node_.add("SoftmaxAny", {scores}, {{"axis", std::int64_t{-1}}});
    if (node_.has_attribute("prob_mod")) shares = place_("prob_mod", shares);
    return cast(node_.add("MatMulAny", {shares, cast(repeated(2), inner)}), dtype);
  }

 private:
  Dtype inner_dtype() const {
    const Dtype own = node_.type(0).dtype;
    const Dtype otherwise = own == Dtype::f64 ? Dtype::f64 : Dtype::f32;
    const std::int64_t given = node_.integer("softmax_precision", 0);
    if (given == 0) return otherwise;
    for (const DataType type : {DataType::float32, DataType::float16, DataType::float64, DataType::bfloat16})
      if (given == static_cast<std::int64_t>(type)) return *dtype_of(type);
    node_.unsupported("its softmax_precision is not known");
  }

  ValueId cast(ValueId x, Dtype dtype) {
    if (node_.graph().value(x).type.dtype == dtype) return x;
    return node_.add("Cast", {x}, {{"to", std::string(info(dtype).name)}});
  }

  std::int64_t number(std::size_t input, std::size_t axis) const {
    const lathe::Dim& dim = node_.type(input).dims[axis];
    if (dim.is_symbolic() || dim.value < 1) node_.unsupported("its heads are not known");
    return dim.value;
  }

  /// Keys or values [B, KV, S, d], each head as often as queries share it.
  ValueId repeated(std::size_t input) {
    const std::int64_t heads = number(0, 1), own = number(input, 1), columns = number(input, 3);
    const ValueId x = node_.inputs()[input];
    if (heads % own != 0) node_.refuse("the heads of q are no multiple of those of k and v");
    if (heads == own) return x;
    const auto list = [this](std::initializer_list<std::int64_t> numbers) {
      return node_.constant(std::span(numbers.begin(), numbers.size()));
    };
    const ValueId apart = node_.add("Unsqueeze", {x, list({2})});
    const ValueId tiled = node_.add("Tile", {apart, list({1, 1, heads / own, 1, 1})});
    return node_.add("ReshapeAny", {tiled, list({0, heads, -1, columns})});
  }

  NodeImport& node_;
  const PlaceGraph& place_;
};

}  // namespace

ValueId lower_flex_attention(NodeImport& node, const PlaceGraph& place) {
  return FlexAttention(node, place).lower();
}

}  // namespace lathe::onnx
