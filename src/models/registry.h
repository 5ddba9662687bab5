// The architectures, each defined in its own file.
#pragma once

#include "models/architecture.h"

namespace lathe {

extern const Architecture kLlama;
extern const Architecture kMistral;
extern const Architecture kGemma3;

}  // namespace lathe
