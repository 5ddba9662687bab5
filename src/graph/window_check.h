// What the shape rules of convolution and pooling share: attributes of windows, checked, and the dimensions
// that come out.
#pragma once

#include <cstdint>
#include <vector>

#include "graph/rule_check.h"
#include "graph/window.h"

namespace lathe {

class WindowCheck {
 public:
  /// Checks the attributes auto_pad (where the op has it), dilations, pads and strides for so many axes.
  WindowCheck(const RuleCheck& check, const Node& node, std::size_t axes);

  /// What comes out of an axis: "?" where it depends on what is not known.
  Dim output(std::size_t axis, const Dim& input, const Dim& kernel, bool ceil_mode) const;
  const WindowNumbers& pads() const { return pads_; }
  const WindowNumbers& strides() const { return strides_; }
  const WindowNumbers& dilations() const { return dilations_; }
  AutoPad auto_pad() const { return auto_pad_; }

 private:
  const RuleCheck& check_;
  WindowNumbers dilations_;
  WindowNumbers pads_;
  WindowNumbers strides_;
  AutoPad auto_pad_;
};

/// The list of `name`: empty, or `count` numbers of at least `least`.
WindowNumbers window_list(const RuleCheck& check, const Node& node, std::string_view name, std::size_t count,
                          std::int64_t least);

/// [images, rows, spatial...] of x [images, channels, spatial...] and weights [rows, channels in a group,
/// kernel...], with Conv's attributes.
ValueType convolved(const RuleCheck& check, const Node& node, std::size_t x, std::size_t weight,
                    Dtype result);

}  // namespace lathe
