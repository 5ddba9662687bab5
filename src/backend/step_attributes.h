// A node's attributes as kernels get them: values in the order of the op's row, and what they point at.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "backend/kernel_call.h"
#include "graph/graph.h"

namespace lathe {

class StepAttributes {
 public:
  StepAttributes() = default;
  /// Throws Error(invalid_argument) where a program does not parse.
  StepAttributes(const Op& op, const Attributes& attributes);

  const AttributeValue* values() const { return values_.data(); }
  const Attributes& named() const { return named_; }  // as the graph has them

 private:
  Attributes named_;
  std::vector<AttributeValue> values_;
  std::vector<std::shared_ptr<const void>> owned_;  // texts and programs; copies share them
};

}  // namespace lathe
