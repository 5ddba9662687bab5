#include "graph/shape_rules_sampling.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <string>

#include "graph/dim_expression.h"
#include "graph/window.h"

namespace lathe::rules {
namespace {

constexpr std::initializer_list<Dtype> kFloats = {Dtype::f32, Dtype::f64, Dtype::f16, Dtype::bf16};

void require_text(const RuleCheck& check, const Node& node, std::string_view name,
                  std::initializer_list<std::string_view> texts) {
  if (std::ranges::find(texts, node.text(name)) == texts.end())
    check.fail(std::string(name) + " is " + node.text(name) + ", which is not known");
}

/// Elements of a float32 tensor of one dimension, where they are known.
std::optional<std::vector<double>> reals(const RuleCheck& check, std::size_t input) {
  const TensorView& view = check.value(input);
  if (view.data == nullptr) return std::nullopt;
  std::vector<double> result(static_cast<std::size_t>(element_count(view.shape)));
  for (std::size_t i = 0; i < result.size(); ++i) {
    float element = 0;
    std::memcpy(&element, view.data + i * sizeof element, sizeof element);
    result[i] = static_cast<double>(element);
  }
  return result;
}

bool is_there(const RuleCheck& check, std::size_t input) {
  return check.has(input) && check.length(input) != 0;
}

/// The axes that Resize changes, all where the attribute is empty.
std::vector<std::size_t> resized_axes(const RuleCheck& check, const Node& node, std::size_t rank) {
  std::vector<std::size_t> axes;
  for (const auto given : check.integers_of("axes")) {
    const std::size_t axis = check.axis(given, rank);
    if (std::ranges::find(axes, axis) != axes.end()) check.fail("axes names one twice");
    axes.push_back(axis);
  }
  if (node.text("axes").empty())
    for (std::size_t i = 0; i < rank; ++i) axes.push_back(i);
  return axes;
}

/// floor(scale * dim), of scales that are multiples of 1 / 16; other products round, and are not known.
Dim scaled(const Dim& dim, double scale) {
  constexpr std::int64_t kParts = 16;
  constexpr double kMostScale = 1024;
  const double parts = scale * kParts;
  if (scale > kMostScale || parts != std::floor(parts)) return Dim::unknown();
  return quotient_of(product_of(dim, static_cast<std::int64_t>(parts)), kParts);
}

Dim resized(const RuleCheck& check, const Dim& dim, double scale) {
  if (!(scale > 0) || !std::isfinite(scale)) check.fail_input(2, "scales must be more than zero");
  if (dim.is_symbolic()) return scaled(dim, scale);
  const double size = std::floor(scale * static_cast<double>(dim.value));
  if (!(size <= static_cast<double>(kMaxDim))) check.fail_input(2, "a dimension would be too large");
  return static_cast<std::int64_t>(size);
}

/// By sizes; the policy makes one scale of those of all axes.
void resize_to(const RuleCheck& check, const std::vector<std::int64_t>& sizes,
               const std::vector<std::size_t>& axes, std::string_view policy, Dims& dims) {
  double one_scale = 0;
  bool all_known = true;
  for (std::size_t i = 0; i < axes.size(); ++i) {
    const Dim& dim = dims[axes[i]];
    if (sizes[i] < 1 || sizes[i] > kMaxDim) check.fail_input(3, "sizes must be 1 or more");
    all_known = all_known && !dim.is_symbolic();
    if (dim.is_symbolic()) continue;
    const double scale =
        static_cast<double>(sizes[i]) / static_cast<double>(std::max<std::int64_t>(dim.value, 1));
    if (i == 0)
      one_scale = scale;
    else
      one_scale = policy == "not_larger" ? std::min(one_scale, scale) : std::max(one_scale, scale);
  }
  for (std::size_t i = 0; i < axes.size(); ++i) {
    Dim& dim = dims[axes[i]];
    if (policy == "stretch") {
      dim = sizes[i];
      continue;
    }
    if (!all_known) {
      dim = Dim::unknown();
      continue;
    }
    const double size = std::floor(one_scale * static_cast<double>(dim.value) + 0.5);
    if (!(size <= static_cast<double>(kMaxDim))) check.fail_input(3, "a dimension would be too large");
    dim = static_cast<std::int64_t>(size);
  }
}

}  // namespace

std::vector<ValueType> resize(const RuleInputs& inputs, const Node& node) {
  const RuleCheck check(inputs, node, {"x", "roi", "scales", "sizes"});
  check.integer("antialias", 0, 1);
  check.integer("exclude_outside", 0, 1);
  require_text(check, node, "mode", {"nearest", "linear", "cubic"});
  require_text(check, node, "nearest_mode", {"round_prefer_floor", "round_prefer_ceil", "floor", "ceil"});
  require_text(check, node, "keep_aspect_ratio_policy", {"stretch", "not_larger", "not_smaller"});
  require_text(check, node, "coordinate_transformation_mode",
               {"half_pixel", "half_pixel_symmetric", "pytorch_half_pixel", "align_corners", "asymmetric",
                "tf_half_pixel_for_nn", "tf_crop_and_resize"});
  const bool nearest = node.text("mode") == "nearest";
  if (nearest && node.integer("antialias") == 1) check.fail("antialias is not for the mode nearest");
  if (!nearest)
    check.require_dtype(0,
                        {Dtype::f32, Dtype::f64, Dtype::f16, Dtype::bf16, Dtype::i8, Dtype::u8, Dtype::i32});
  const bool by_scales = is_there(check, 2);
  if (by_scales == is_there(check, 3)) check.fail("needs either scales or sizes");
  if (by_scales) check.require_dtype(2, {Dtype::f32});
  if (!by_scales) check.require_dtype(3, {Dtype::i64});
  if (!check.ranked(0)) return {ValueType::unranked(check.dtype(0))};
  Dims dims = check.dims(0);
  const auto axes = resized_axes(check, node, dims.size());
  const auto require_count = [&](std::size_t input, std::size_t count) {
    const auto length = check.length(input);
    if (length && *length != static_cast<std::int64_t>(count))
      check.fail_input(input, "must have " + std::to_string(count) + " elements");
  };
  require_count(by_scales ? 2 : 3, axes.size());
  if (node.text("coordinate_transformation_mode") == "tf_crop_and_resize") {
    if (!check.has(1)) check.fail("tf_crop_and_resize needs a roi");
    check.require_dtype(1, kFloats);
    require_count(1, 2 * axes.size());
  }
  const auto scales = by_scales ? reals(check, 2) : std::nullopt;
  const auto sizes = by_scales ? std::nullopt : check.integers(3);
  if (scales)
    for (std::size_t i = 0; i < axes.size(); ++i)
      dims[axes[i]] = resized(check, dims[axes[i]], scales->at(i));
  else if (sizes)
    resize_to(check, *sizes, axes, node.text("keep_aspect_ratio_policy"), dims);
  else
    for (const auto axis : axes) dims[axis] = Dim::unknown();
  for (std::size_t i = 0; i < dims.size(); ++i)
    if (check.dims(0)[i] == Dim(0) && !dims[i].is_symbolic() && dims[i].value > 0)
      check.fail_input(0, "has no elements to sample");
  return {{check.dtype(0), dims}};
}

std::vector<ValueType> grid_sample(const RuleInputs& inputs, const Node& node) {
  const RuleCheck check(inputs, node, {"x", "grid"});
  check.require_dtype(0, kFloats);
  check.require_dtype(1, kFloats);
  require_text(check, node, "mode", {"linear", "nearest", "cubic"});
  require_text(check, node, "padding_mode", {"zeros", "border", "reflection"});
  check.integer("align_corners", 0, 1);
  check.require_rank(0, 3, kMaxDims);
  check.require_rank(1, 3, kMaxDims);
  if (!check.ranked(0) && !check.ranked(1)) return {ValueType::unranked(check.dtype(0))};
  const std::size_t rank = check.ranked(0) ? check.dims(0).size() : check.dims(1).size();
  check.require_rank(0, rank);
  check.require_rank(1, rank);
  const Dims x = check.ranked(0) ? check.dims(0) : unknown_dims(rank);
  const Dims grid = check.ranked(1) ? check.dims(1) : unknown_dims(rank);
  check.require_equal(1, 0, x[0], "the images");
  check.require_equal(1, rank - 1, static_cast<std::int64_t>(rank - 2), "spatial axes");
  for (std::size_t i = 2; i < rank; ++i)
    if (x[i] == Dim(0)) check.fail_input(0, "has no elements to sample");
  ValueType result{check.dtype(0), {x[0].is_unknown() ? grid[0] : x[0], x[1]}};
  result.dims.insert(result.dims.end(), grid.begin() + 1, grid.end() - 1);
  return {result};
}

std::vector<ValueType> affine_grid(const RuleInputs& inputs, const Node& node) {
  const RuleCheck check(inputs, node, {"theta", "size"});
  check.require_dtype(0, kFloats);
  check.require_dtype(1, {Dtype::i64});
  check.require_rank(0, 3);
  check.integer("align_corners", 0, 1);
  const auto count = check.length(1);
  if (!count) return {ValueType::unranked(check.dtype(0))};
  if (*count != 4 && *count != 5) check.fail_input(1, "must have 4 or 5 elements");
  const std::int64_t axes = *count - 2;
  check.require_equal(0, 1, axes, "spatial axes");
  check.require_equal(0, 2, axes + 1, "spatial axes and one");
  const auto size = check.integers(1);
  ValueType result{check.dtype(0), {size ? Dim(size->at(0)) : Dim::unknown()}};
  for (std::size_t i = 2; i < static_cast<std::size_t>(*count); ++i)
    result.dims.push_back(size ? Dim(size->at(i)) : Dim::unknown());
  for (const auto& dim : result.dims)
    if (!dim.is_symbolic() && (dim.value < 0 || dim.value > kMaxDim))
      check.fail_input(1, "must not be negative");
  check.require_equal(0, 0, result.dims[0], "size");
  result.dims.push_back(axes);
  return {result};
}

std::vector<ValueType> roi_align(const RuleInputs& inputs, const Node& node) {
  const RuleCheck check(inputs, node, {"x", "rois", "batch indices"});
  check.require_dtype(0, kFloats);
  check.require_same_dtype(1, 0);
  check.require_dtype(2, {Dtype::i64});
  require_text(check, node, "mode", {"avg", "max"});
  require_text(check, node, "coordinate_transformation_mode", {"half_pixel", "output_half_pixel"});
  const std::int64_t height = check.integer("output_height", 1, kMaxWindowNumber);
  const std::int64_t width = check.integer("output_width", 1, kMaxWindowNumber);
  constexpr std::int64_t kMostSamples = 1 << 16;
  check.integer("sampling_ratio", 0, kMostSamples);
  check.require_rank(0, 4);
  check.require_rank(1, 2);
  check.require_rank(2, 1);
  check.require_equal(1, 1, 4, "two corners");
  const Dim count = check.ranked(2) ? check.dims(2)[0] : Dim::unknown();
  check.require_equal(1, 0, count, "batch indices");
  if (check.ranked(0))
    for (std::size_t i = 2; i < 4; ++i)
      if (check.dims(0)[i] == Dim(0)) check.fail_input(0, "has no elements to sample");
  return {{check.dtype(0), {count, check.ranked(0) ? check.dims(0)[1] : Dim::unknown(), height, width}}};
}

std::vector<ValueType> image_decoder(const RuleInputs& inputs, const Node& node) {
  const RuleCheck check(inputs, node, {"encoded_stream"});
  check.require_dtype(0, {Dtype::u8});
  check.require_rank(0, 1);
  require_text(check, node, "pixel_format", {"", "RGB", "BGR", "Grayscale"});
  const std::int64_t channels = node.text("pixel_format") == "Grayscale" ? 1 : 3;
  return {{Dtype::u8, {Dim::unknown(), Dim::unknown(), channels}}};
}

std::vector<ValueType> causal_conv(const RuleInputs& inputs, const Node& node) {
  const RuleCheck check(inputs, node, {"x", "weight", "bias", "past state"});
  check.require_dtype(0, {Dtype::f32, Dtype::f16, Dtype::bf16});
  require_text(check, node, "activation", {"none", "silu", "swish"});
  for (std::size_t i = 1; i < check.count(); ++i)
    if (check.has(i)) check.require_same_dtype(i, 0);
  check.require_rank(0, 3);
  check.require_rank(1, 3);
  const Dims x = check.ranked(0) ? check.dims(0) : unknown_dims(3);
  const Dims weight = check.ranked(1) ? check.dims(1) : unknown_dims(3);
  check.require_equal(1, 0, x[1], "the channels of x");
  check.require_equal(1, 1, 1, "one channel each");
  if (weight[2] == Dim(0)) check.fail_input(1, "must have elements");
  const Dim kept = weight[2].is_symbolic() ? Dim::unknown() : Dim(weight[2].value - 1);
  if (check.has(2)) {
    check.require_rank(2, 1);
    check.require_equal(2, 0, x[1], "the channels of x");
  }
  if (check.has(3)) {
    check.require_rank(3, 3);
    check.require_equal(3, 0, x[0], "x");
    check.require_equal(3, 1, x[1], "x");
    check.require_equal(3, 2, kept, "one less than the kernel");
  }
  return {{check.dtype(0), x}, {check.dtype(0), {x[0], x[1], kept}}};
}

}  // namespace lathe::rules
