#include "passes/code_tail.h"

namespace lathe {

const Node* CodeTail::next(std::string_view op) const {
  const auto reader = uses_.only_reader(result());
  if (reader < 0) return nullptr;
  const Node& node = graph_.nodes[static_cast<std::size_t>(reader)];
  const auto& type = graph_.value(node.outputs[0]).type;
  return node.op->name == op && type.dims == graph_.value(result()).type.dims ? &node : nullptr;
}

void CodeTail::take_limits() {
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

std::optional<CodeScale> CodeTail::take_scale() {
  const Node* quantize = next("QuantizeLinear");
  const auto scale = quantize == nullptr ? std::nullopt : code_scale(graph_, *quantize);
  if (scale) advance();
  return scale;
}

}  // namespace lathe
