#include "passes/derived_constants.h"

namespace lathe {

const std::vector<ConstantData>& DerivedConstants::get(const Value& source, const std::string& what,
                                                       const Make& make) {
  const Key key{source.data.data, source.data.dtype, source.data.shape, what};
  const auto found = made_.find(key);
  if (found != made_.end()) return found->second.constants;
  return made_.emplace(key, Made{make(), source.data_owner}).first->second.constants;
}

std::vector<ConstantData> derive(DerivedConstants* known, const Value& source, const std::string& what,
                                 const DerivedConstants::Make& make) {
  return known == nullptr ? make() : known->get(source, what, make);
}

}  // namespace lathe
