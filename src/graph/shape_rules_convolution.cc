#include "graph/shape_rules_convolution.h"

#include <algorithm>
#include <string>

#include "base/error.h"
#include "graph/conv_epilogue.h"
#include "graph/dim_expression.h"
#include "graph/op.h"
#include "graph/shape_rules_window.h"
#include "graph/transposed_window.h"
#include "graph/window_check.h"

namespace lathe::rules {
namespace {

constexpr std::initializer_list<Dtype> kFloats = {Dtype::f32, Dtype::f64, Dtype::f16, Dtype::bf16};
constexpr std::initializer_list<Dtype> kBytes = {Dtype::i8, Dtype::u8};
constexpr std::size_t kLeastRank = 3;

/// A number, or one for each row of the weights.
void require_number_or_rows(const RuleCheck& check, std::size_t input, std::size_t weight) {
  check.require_rank(input, 0, 1);
  const auto count = check.length(input);
  if (count && *count != 1 && check.ranked(weight))
    check.require_equal(input, 0, check.dims(weight).at(0), "the weights' rows");
}

void require_number(const RuleCheck& check, std::size_t input) {
  check.require_rank(input, 0, 1);
  const auto count = check.length(input);
  if (count && *count != 1) check.fail_input(input, "must be one number");
}

/// A bias of one number for each row.
void require_bias(const RuleCheck& check, std::size_t input, const ValueType& result) {
  if (!check.has(input)) return;
  check.require_rank(input, 1);
  if (result.ranked) check.require_equal(input, 0, result.dims[1], "the rows of the result");
}

/// Whether the input is known to have one element.
bool is_number(const RuleCheck& check, std::size_t input) {
  return check.ranked(input) &&
         std::ranges::all_of(check.dims(input), [](const Dim& dim) { return dim == Dim(1); });
}

/// An epilogue of at least so many steps, whose operands are the inputs from `first` on, of the result's
/// shape or one number; `others` inputs come behind them.
void require_epilogue(const RuleCheck& check, const Node& node, std::size_t first, int least_steps,
                      const ValueType& result, std::size_t others = 0) {
  const ConvEpilogue epilogue = conv_epilogue(node.text("epilogue").c_str());
  if (epilogue.count < least_steps) check.fail("there is no epilogue " + printable(node.text("epilogue")));
  const auto operands = static_cast<std::size_t>(epilogue.operands);
  if (check.count() != first + operands + others)
    check.fail("it has " + std::to_string(check.count() - first) + " operands, not " +
               std::to_string(operands + others));
  for (std::size_t i = first; i < first + operands; ++i) {
    check.require_dtype(i, {Dtype::f32});
    if (!check.ranked(i) || !result.ranked) continue;
    if (is_number(check, i)) continue;
    check.require_rank(i, result.dims.size());
    for (std::size_t axis = 0; axis < result.dims.size(); ++axis)
      check.require_equal(i, axis, result.dims[axis], "the result");
  }
}

/// Factors and offsets of x's channels, the last two inputs. What is scaled must be the pixel that a window
/// is.
void require_prologue(const RuleCheck& check, const Node& node) {
  if (node.text("prologue") != "scale, relu")
    check.fail("there is no prologue " + printable(node.text("prologue")));
  for (const std::size_t i : {check.count() - 2, check.count() - 1}) {
    check.require_dtype(i, {Dtype::f32});
    check.require_rank(i, 1);
    if (check.ranked(0)) check.require_equal(i, 0, check.dims(0)[1], "the channels of x");
  }
  bool is_pixel = check.ranked(1) && node.text("auto_pad").empty();
  for (std::size_t axis = 2; is_pixel && axis < check.dims(1).size(); ++axis)
    is_pixel = check.dims(1)[axis] == Dim(1);
  const WindowNumbers pads = window_numbers(node.text("pads").c_str());
  for (int i = 0; i < pads.count; ++i) is_pixel = is_pixel && pads.values[i] == 0;
  if (!is_pixel) check.fail("a prologue needs kernels of one pixel without padding");
}

/// What comes of FusedConv, whose epilogue has at least so many steps where there is no prologue.
ValueType with_epilogue(const RuleCheck& check, const Node& node, int least_steps) {
  check.require_dtype(0, {Dtype::f32});
  ValueType result = convolved(check, node, 0, 1, Dtype::f32);
  if (check.has(2)) check.require_dtype(2, {Dtype::f32});
  require_bias(check, 2, result);
  const bool has_prologue = !node.text("prologue").empty();
  require_epilogue(check, node, 3, has_prologue ? 0 : least_steps, result, has_prologue ? 2 : 0);
  if (has_prologue) require_prologue(check, node);
  return result;
}

Dim transposed(const RuleCheck& check, const Node& node, int axes, int i, const Dim& input,
               const Dim& kernel) {
  const WindowNumbers shape = window_numbers(node.text("output_shape").c_str());
  if (shape.count > 0 && (input.is_symbolic() || kernel.is_symbolic())) return shape.values[i];
  if (input.is_unknown() || kernel.is_symbolic()) return Dim::unknown();
  if (kernel.value < 1 || kernel.value > kMaxWindowNumber) check.fail("a kernel must be 1 to 2^31 long");
  const TransposedTexts texts{node.text("auto_pad").c_str(),       node.text("dilations").c_str(),
                              node.text("output_padding").c_str(), node.text("output_shape").c_str(),
                              node.text("pads").c_str(),           node.text("strides").c_str()};
  if (input.is_symbolic()) {
    const std::int64_t of_one = transposed_window(texts, axes, i, 1, kernel.value).output;
    const std::int64_t more = transposed_window(texts, axes, i, 2, kernel.value).output - of_one;
    return of_one < 1 ? Dim::unknown() : sum_of(product_of(input, more), of_one - more);
  }
  if (input.value > kMaxWindowNumber) check.fail_input(0, "a dimension must be at most 2^31");
  const std::int64_t output = transposed_window(texts, axes, i, input.value, kernel.value).output;
  if (output < 1 || output > kMaxDim)
    check.fail("a dimension of the result would be " + std::to_string(output));
  return output;
}

}  // namespace

std::vector<ValueType> conv_integer(const RuleInputs& inputs, const Node& node) {
  const RuleCheck check(inputs, node, {"x", "weight", "x zero point", "weight zero point"});
  check.require_dtype(0, kBytes);
  check.require_dtype(1, kBytes);
  for (std::size_t i = 2; i < 4; ++i)
    if (check.has(i)) check.require_same_dtype(i, i - 2);
  if (check.has(2)) require_number(check, 2);
  if (check.has(3)) require_number_or_rows(check, 3, 1);
  return {convolved(check, node, 0, 1, Dtype::i32)};
}

std::vector<ValueType> linear_conv(const RuleInputs& inputs, const Node& node) {
  const RuleCheck check(inputs, node,
                        {"x", "x scale", "x zero point", "weight", "weight scale", "weight zero point",
                         "y scale", "y zero point", "bias"});
  for (const std::size_t i : {0u, 3u, 7u}) check.require_dtype(i, kBytes);
  for (const std::size_t i : {1u, 4u, 6u}) check.require_dtype(i, {Dtype::f32});
  check.require_same_dtype(2, 0);
  check.require_same_dtype(5, 3);
  for (const std::size_t i : {1u, 2u, 6u, 7u}) require_number(check, i);
  for (const std::size_t i : {4u, 5u}) require_number_or_rows(check, i, 3);
  const ValueType result = convolved(check, node, 0, 3, check.dtype(7));
  if (check.has(8)) check.require_dtype(8, {Dtype::i32});
  require_bias(check, 8, result);
  return {result};
}

std::vector<ValueType> fused_conv(const RuleInputs& inputs, const Node& node) {
  const RuleCheck check(inputs, node, {"x", "weight", "bias", "operand"});
  check.require_dtype(1, {Dtype::f32, Dtype::bf16});
  return {with_epilogue(check, node, 1)};
}

std::vector<ValueType> conv_pool(const RuleInputs& inputs, const Node& node) {
  const RuleCheck check(inputs, node, {"x", "weight", "bias", "operand"});
  constexpr std::size_t kImageRank = 4;
  check.require_dtype(1, {Dtype::f32});
  check.require_rank(0, kImageRank);
  check.require_rank(1, kImageRank);
  const ValueType between[] = {with_epilogue(check, node, 0)};
  const std::string& kind = node.text("pool");
  if (kind != "max" && kind != "average" && kind != "mean")
    check.fail("there is no pooling " + printable(kind));
  const ConvEpilogue after = conv_epilogue(node.text("pool_epilogue").c_str());
  if (after.count < 0 || after.operands > 0 ||
      std::any_of(after.steps, after.steps + after.count, has_numbers))
    check.fail("there is no pool_epilogue " + printable(node.text("pool_epilogue")));
  if (kind == "mean") return global_pool({between, {}}, node);
  const auto operands = static_cast<std::size_t>(conv_epilogue(node.text("epilogue").c_str()).operands);
  for (std::size_t i = 3; i < 3 + operands; ++i)
    if (!is_number(check, i)) check.fail_input(i, "must be one number in front of this pooling");
  Node pool;
  pool.op = find_op("AveragePool");
  pool.name = node.name;
  for (const auto& spec : pool.op->attributes) {
    const std::string name(spec.name);
    pool.attributes[name] = node.attributes.at("pool_" + name);
  }
  return average_pool({between, {}}, pool);
}

std::vector<ValueType> winograd_conv(const RuleInputs& inputs, const Node& node) {
  const RuleCheck check(inputs, node, {"x", "weight", "bias", "operand"});
  constexpr std::size_t kAxes = 2;
  constexpr std::int64_t kKernel = 3;
  constexpr std::int64_t kElements = 36;  // of a transformed kernel
  for (std::size_t i = 0; i < 2; ++i) check.require_dtype(i, {Dtype::f32});
  check.require_rank(0, 2 + kAxes);
  check.require_rank(1, 3);
  const Dims x = check.ranked(0) ? check.dims(0) : unknown_dims(2 + kAxes);
  const Dims weight = check.ranked(1) ? check.dims(1) : unknown_dims(3);
  check.require_equal(1, 0, kElements, "the elements of a transformed kernel");
  check.require_equal(1, 2, x[1], "the channels of x");
  const WindowNumbers pads = window_list(check, node, "pads", 2 * kAxes, 0);
  ValueType result{Dtype::f32, {x[0], weight[1]}};
  for (std::size_t i = 0; i < kAxes; ++i) {
    const int axis = static_cast<int>(i);
    const std::int64_t more = number_at(pads, axis, 0) + number_at(pads, axis + 2, 0) - (kKernel - 1);
    const Dim& input = x[2 + i];
    if (!input.is_symbolic() && input.value + more < 1)
      check.fail("a window of 3 does not fit into " + to_string(input) + " with its padding");
    if (input.is_symbolic())
      result.dims.push_back(more == 0 ? input : Dim::unknown());
    else
      result.dims.push_back(input.value + more);
  }
  if (check.has(2)) check.require_dtype(2, {Dtype::f32});
  require_bias(check, 2, result);
  require_epilogue(check, node, 3, 0, result);
  return {result};
}

std::vector<ValueType> conv_transpose(const RuleInputs& inputs, const Node& node) {
  const RuleCheck check(inputs, node, {"x", "weight", "bias"});
  check.require_dtype(0, kFloats);
  check.require_same_dtype(1, 0);
  if (check.has(2)) check.require_same_dtype(2, 0);
  check.require_rank(0, kLeastRank, kMaxDims);
  check.require_rank(1, kLeastRank, kMaxDims);
  if (!check.ranked(0) && !check.ranked(1)) return {ValueType::unranked(check.dtype(0))};
  const std::size_t rank = check.ranked(0) ? check.dims(0).size() : check.dims(1).size();
  check.require_rank(0, rank);
  check.require_rank(1, rank);
  const Dims input = check.ranked(0) ? check.dims(0) : unknown_dims(rank);
  Dims kernel = check.ranked(1) ? check.dims(1) : unknown_dims(rank);
  const std::size_t axes = rank - 2;
  const std::int64_t groups = check.integer("group", 1, kMaxWindowNumber);
  check.require_equal(0, 1, kernel[0], "the weights' channels");
  if (!kernel[0].is_symbolic() && kernel[0].value % groups != 0)
    check.fail_input(1, "channels must be a multiple of the " + std::to_string(groups) + " groups");
  const WindowCheck window(check, node, axes);
  window_list(check, node, "output_padding", axes, 0);
  window_list(check, node, "output_shape", axes, 1);
  const WindowNumbers given = window_list(check, node, "kernel_shape", axes, 1);
  for (int i = 0; i < given.count; ++i) {
    const auto axis = 2 + static_cast<std::size_t>(i);
    check.require_equal(1, axis, given.values[i], "kernel_shape");
    kernel[axis] = given.values[i];
  }
  ValueType result{check.dtype(0), {input[0], multiply_dims(kernel[1], groups)}};
  for (std::size_t i = 0; i < axes; ++i)
    result.dims.push_back(
        transposed(check, node, static_cast<int>(axes), static_cast<int>(i), input[2 + i], kernel[2 + i]));
  require_bias(check, 2, result);
  return {result};
}

std::vector<ValueType> deform_conv(const RuleInputs& inputs, const Node& node) {
  const RuleCheck check(inputs, node, {"x", "weight", "offset", "bias", "mask"});
  constexpr std::size_t kPlanes = 4;
  check.require_dtype(0, kFloats);
  for (std::size_t i = 1; i < check.count(); ++i)
    if (check.has(i)) check.require_same_dtype(i, 0);
  for (const std::size_t i : {0u, 1u, 2u, 4u})
    if (check.has(i)) check.require_rank(i, kPlanes);
  const ValueType result = convolved(check, node, 0, 1, check.dtype(0));
  require_bias(check, 3, result);
  const std::int64_t groups = check.integer("offset_group", 1, kMaxWindowNumber);
  if (!result.ranked) return {result};
  if (check.ranked(0) && !check.dims(0)[1].is_symbolic() && check.dims(0)[1].value % groups != 0)
    check.fail_input(0, "channels must be a multiple of the " + std::to_string(groups) + " offset groups");
  const Dim elements =
      check.ranked(1) ? multiply_dims(product_of(check.dims(1), 2, kPlanes), groups) : Dim::unknown();
  for (const std::size_t i : {2u, 4u}) {
    if (!check.has(i)) continue;
    check.require_equal(i, 0, result.dims[0], "the images");
    check.require_equal(i, 1, multiply_dims(elements, i == 2 ? 2 : 1),
                        "elements of the kernels of all groups");
    for (std::size_t axis = 2; axis < kPlanes; ++axis)
      check.require_equal(i, axis, result.dims[axis], "the result");
  }
  return {result};
}

std::vector<ValueType> col2im(const RuleInputs& inputs, const Node& node) {
  const RuleCheck check(inputs, node, {"x", "image shape", "block shape"});
  check.require_dtype(0, {Dtype::f32, Dtype::f64, Dtype::f16, Dtype::bf16, Dtype::i32, Dtype::i64});
  check.require_rank(0, kLeastRank);
  for (const std::size_t i : {1u, 2u}) check.require_dtype(i, {Dtype::i64});
  const auto count = check.length(1) ? check.length(1) : check.length(2);
  if (!count) return {ValueType::unranked(check.dtype(0))};
  if (*count < 1 || *count > kMaxWindowAxes) check.fail_input(1, "must have 1 to 6 elements");
  if (check.length(2) && *check.length(2) != *count)
    check.fail_input(2, "must have as many elements as the image shape");
  const auto axes = static_cast<std::size_t>(*count);
  const WindowCheck window(check, node, axes);
  const Dims x = check.ranked(0) ? check.dims(0) : unknown_dims(kLeastRank);
  const auto image = check.integers(1);
  const auto block = check.integers(2);
  ValueType result{check.dtype(0), {x[0], Dim::unknown()}};
  Dim elements = 1;
  Dim blocks = 1;
  for (std::size_t i = 0; i < axes; ++i) {
    result.dims.push_back(image ? Dim(image->at(i)) : Dim::unknown());
    if (image && (image->at(i) < 1 || image->at(i) > kMaxWindowNumber))
      check.fail_input(1, "must be 1 to 2^31");
    if (block && (block->at(i) < 1 || block->at(i) > kMaxWindowNumber))
      check.fail_input(2, "must be 1 to 2^31");
    const Dim length = block ? Dim(block->at(i)) : Dim::unknown();
    elements = multiply_dims(elements, length);
    blocks = multiply_dims(blocks, window.output(i, result.dims[2 + i], length, false));
  }
  check.require_equal(0, 2, blocks, "the blocks of the image");
  if (!elements.is_symbolic() && !x[1].is_symbolic()) {
    if (x[1].value % elements.value != 0)
      check.fail_input(0, "channels must be a multiple of a block's elements");
    result.dims[1] = x[1].value / elements.value;
  }
  return {result};
}

std::vector<ValueType> max_unpool(const RuleInputs& inputs, const Node& node) {
  const RuleCheck check(inputs, node, {"x", "indices", "output shape"});
  check.require_dtype(0, kFloats);
  check.require_dtype(1, {Dtype::i64});
  const WindowNumbers kernel = window_numbers(node.text("kernel_shape").c_str());
  if (kernel.count < 1 || kernel.count > kMaxWindowAxes)
    check.fail("kernel_shape must be 1 to 6 whole numbers of at most 2^31");
  const auto axes = static_cast<std::size_t>(kernel.count);
  window_list(check, node, "kernel_shape", axes, 1);
  const WindowNumbers pads = window_list(check, node, "pads", 2 * axes, 0);
  const WindowNumbers strides = window_list(check, node, "strides", axes, 1);
  check.require_rank(0, axes + 2);
  check.require_rank(1, axes + 2);
  const Dims x = check.ranked(0) ? check.dims(0) : unknown_dims(axes + 2);
  for (std::size_t i = 0; i < axes + 2; ++i) check.require_equal(1, i, x[i], "x");
  ValueType result{check.dtype(0), {x[0], x[1]}};
  for (std::size_t i = 0; i < axes; ++i) {
    const int n = static_cast<int>(i);
    if (x[2 + i].is_symbolic()) {
      result.dims.push_back(Dim::unknown());
      continue;
    }
    if (x[2 + i].value > kMaxWindowNumber) check.fail_input(0, "a dimension must be at most 2^31");
    const std::int64_t size = (x[2 + i].value - 1) * number_at(strides, n, 1) + kernel.values[n] -
                              number_at(pads, n, 0) - number_at(pads, n + kernel.count, 0);
    if (size < 0 || size > kMaxDim) check.fail("a dimension of the result would be " + std::to_string(size));
    result.dims.push_back(size);
  }
  if (!check.has(2)) return {result};
  check.require_dtype(2, {Dtype::i64});
  const auto shape = check.integers(2);
  if (!shape) return {{result.dtype, unknown_dims(axes + 2)}};
  if (shape->size() != axes + 2) check.fail_input(2, "must have one element for each dimension");
  for (std::size_t i = 0; i < shape->size(); ++i) {
    const Dim& least = result.dims[i];
    if (shape->at(i) < 0 || shape->at(i) > kMaxDim || (!least.is_symbolic() && shape->at(i) < least.value))
      check.fail_input(2, "must be at least the shape that the pooling had");
    result.dims[i] = shape->at(i);
  }
  return {result};
}

}  // namespace lathe::rules
