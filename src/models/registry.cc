#include "models/registry.h"

#include "base/error.h"

namespace lathe {

const Architecture& find_architecture(std::string_view name) {
  static const Architecture* const kAll[] = {&kLlama, &kGemma3};
  std::string known;
  for (const Architecture* architecture : kAll) {
    if (architecture->name == name) return *architecture;
    known += (known.empty() ? "" : ", ") + std::string(architecture->name);
  }
  throw Error(ErrorCode::unsupported,
              "architecture \"" + printable(name) + "\" is not supported; these are: " + known,
              {{}, std::nullopt, "general.architecture"});
}

}  // namespace lathe
