#include "graph/type.h"

#include <algorithm>

#include "graph/dim_expression.h"
#include "graph/text_form.h"

namespace lathe {

std::string to_string(const Dim& dim) {
  return dim.is_symbolic() ? text_form::quoted_if_needed(dim.symbol) : std::to_string(dim.value);
}

std::string to_string(const ValueType& type) {
  if (type.container != Container::tensor) {
    const bool list = type.container != Container::optional;
    ValueType inner = type;
    inner.container = Container::tensor;
    std::string text = list ? "seq(" + to_string(inner) + ")" : to_string(inner);
    return type.container == Container::sequence ? text : "opt(" + text + ")";
  }
  std::string text(info(type.dtype).name);
  if (!type.ranked) return text + "[...]";
  text += '[';
  for (std::size_t i = 0; i < type.dims.size(); ++i) {
    if (i != 0) text += ", ";
    text += to_string(type.dims[i]);
  }
  return text + ']';
}

bool is_planned(const ValueType& type) {
  return type.ranked && type.container == Container::tensor &&
         std::ranges::none_of(type.dims, [](const Dim& dim) { return dim.is_unknown(); });
}

std::string type_problem(const ValueType& type) {
  if (type.dims.size() > kMaxDims)
    return std::to_string(type.dims.size()) + " dimensions, of at most " + std::to_string(kMaxDims);
  for (const auto& dim : type.dims)
    if (!dim.is_symbolic() && (dim.value < 0 || dim.value > kMaxDim))
      return "dimension " + std::to_string(dim.value) + " is not in 0 to 2^48";
  for (const auto& dim : type.dims) {
    if (!is_expression(dim.symbol)) continue;
    if (const auto problem = expression_problem(dim.symbol); !problem.empty())
      return "dimension " + to_string(dim) + " " + problem;
  }
  const auto block = info(type.dtype).block_elements;
  if (block == 1) return {};
  if (type.dims.empty() || type.dims.back().is_symbolic() || type.dims.back().value % block != 0)
    return "the last dimension of " + std::string(info(type.dtype).name) + " must be a multiple of " +
           std::to_string(block);
  return {};
}

}  // namespace lathe
