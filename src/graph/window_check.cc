#include "graph/window_check.h"

#include <string>

namespace lathe {

WindowNumbers window_list(const RuleCheck& check, const Node& node, std::string_view name, std::size_t count,
                          std::int64_t least) {
  const WindowNumbers list = window_numbers(node.text(name).c_str());
  if (list.count != 0 && list.count != static_cast<int>(count))
    check.fail(std::string(name) + " must be " + std::to_string(count) + " whole numbers of at most 2^31");
  for (int i = 0; i < list.count; ++i)
    if (list.values[i] < least) check.fail(std::string(name) + " must be at least " + std::to_string(least));
  return list;
}

WindowCheck::WindowCheck(const RuleCheck& check, const Node& node, std::size_t axes, bool dilates)
    : check_(check),
      dilations_(dilates ? window_list(check, node, "dilations", axes, 1) : WindowNumbers{{}, 0}),
      pads_(window_list(check, node, "pads", 2 * axes, 0)),
      strides_(window_list(check, node, "strides", axes, 1)),
      auto_pad_(auto_pad_of(node.text("auto_pad").c_str())) {
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
    return !same && stride == 1 && pads == window_extent(window) - 1 ? input : Dim::unknown();
  }
  window.input = input.value;
  resolve_window(window, auto_pad_, ceil_mode);
  if (window.output < 1)
    check_.fail("a window of " + std::to_string(window_extent(window)) + " does not fit into " +
                to_string(input) + " with its padding");
  return window.output;
}

}  // namespace lathe
