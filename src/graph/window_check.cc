#include "graph/window_check.h"

#include <string>

namespace lathe {
namespace {

constexpr std::size_t kLeastRank = 3;

/// Of ops that have it.
AutoPad given_auto_pad(const Node& node) {
  return node.attributes.contains("auto_pad") ? auto_pad_of(node.text("auto_pad").c_str()) : AutoPad::given;
}

}  // namespace

WindowNumbers window_list(const RuleCheck& check, const Node& node, std::string_view name, std::size_t count,
                          std::int64_t least) {
  const WindowNumbers list = window_numbers(node.text(name).c_str());
  if (list.count != 0 && list.count != static_cast<int>(count))
    check.fail(std::string(name) + " must be " + std::to_string(count) + " whole numbers of at most 2^31");
  for (int i = 0; i < list.count; ++i)
    if (list.values[i] < least) check.fail(std::string(name) + " must be at least " + std::to_string(least));
  return list;
}

WindowCheck::WindowCheck(const RuleCheck& check, const Node& node, std::size_t axes)
    : check_(check),
      dilations_(window_list(check, node, "dilations", axes, 1)),
      pads_(window_list(check, node, "pads", 2 * axes, 0)),
      strides_(window_list(check, node, "strides", axes, 1)),
      auto_pad_(given_auto_pad(node)) {
  if (auto_pad_ == AutoPad::unknown) check.fail("auto_pad must be NOTSET, SAME_UPPER, SAME_LOWER or VALID");
}

Dim WindowCheck::output(std::size_t axis, const Dim& input, const Dim& kernel, bool ceil_mode) const {
  const int i = static_cast<int>(axis);
  const int axes = pads_.count / 2;
  const std::int64_t stride = number_at(strides_, i, 1);
  const bool same = auto_pad_ == AutoPad::same_upper || auto_pad_ == AutoPad::same_lower;
  if (same && stride == 1) return input;
  if (kernel.is_symbolic()) return Dim::unknown();
  WindowAxis window{0,
                    kernel.value,
                    stride,
                    number_at(dilations_, i, 1),
                    number_at(pads_, i, 0),
                    number_at(pads_, i + axes, 0),
                    0};
  if (kernel.value < 1 || kernel.value > kMaxWindowNumber) check_.fail("a kernel must be 1 to 2^31 long");
  if (input.is_symbolic()) {
    const std::int64_t pads = auto_pad_ == AutoPad::valid ? 0 : window.pad_begin + window.pad_end;
    if (same) return quotient_of(sum_of(input, stride - 1), stride);
    if (ceil_mode && stride != 1) return Dim::unknown();  // the last window may not count
    return sum_of(quotient_of(sum_of(input, pads - window_extent(window)), stride), 1);
  }
  window.input = input.value;
  resolve_window(window, auto_pad_, ceil_mode);
  if (window.output < 1)
    check_.fail("a window of " + std::to_string(window_extent(window)) + " does not fit into " +
                to_string(input) + " with its padding");
  return window.output;
}

ValueType convolved(const RuleCheck& check, const Node& node, std::size_t x, std::size_t weight,
                    Dtype result) {
  check.require_rank(x, kLeastRank, kMaxDims);
  check.require_rank(weight, kLeastRank, kMaxDims);
  if (!check.ranked(x) && !check.ranked(weight)) return ValueType::unranked(result);
  const std::size_t rank = check.ranked(x) ? check.dims(x).size() : check.dims(weight).size();
  check.require_rank(x, rank);
  check.require_rank(weight, rank);
  const Dims input = check.ranked(x) ? check.dims(x) : unknown_dims(rank);
  Dims kernel = check.ranked(weight) ? check.dims(weight) : unknown_dims(rank);
  const std::size_t axes = rank - 2;
  const std::int64_t groups = check.integer("group", 1, kMaxWindowNumber);
  if (!kernel[0].is_symbolic() && kernel[0].value % groups != 0)
    check.fail_input(weight, "rows must be a multiple of the " + std::to_string(groups) + " groups");
  const Dim channels = multiply_dims(kernel[1], groups);
  check.require_equal(x, 1, channels, "the weights' channels times the groups");
  const WindowNumbers given = window_list(check, node, "kernel_shape", axes, 1);
  for (std::size_t i = 0; i < axes; ++i) {
    const Dim wanted = number_at(given, static_cast<int>(i), 0);
    if (given.count == 0) break;
    check.require_equal(weight, 2 + i, wanted, "kernel_shape");
    kernel[2 + i] = wanted;
  }
  const WindowCheck window(check, node, axes);
  ValueType type{result, {input[0], kernel[0]}};
  for (std::size_t i = 0; i < axes; ++i)
    type.dims.push_back(window.output(i, input[2 + i], kernel[2 + i], false));
  return type;
}

}  // namespace lathe
