#include "graph/type.h"

namespace lathe {

std::string to_string(const ValueType& type) {
  std::string text(info(type.dtype).name);
  text += '[';
  for (std::size_t i = 0; i < type.dims.size(); ++i) {
    if (i != 0) text += ", ";
    text += type.dims[i].is_symbolic() ? type.dims[i].symbol : std::to_string(type.dims[i].value);
  }
  return text + ']';
}

}  // namespace lathe
