// The architectures, each defined in its own file.
#pragma once

#include "models/architecture.h"

namespace lathe {

extern const Architecture kLlama;
extern const Architecture kMistral;
extern const Architecture kMixtral;
extern const Architecture kQwen2;
extern const Architecture kQwen3;
extern const Architecture kQwen3Moe;
extern const Architecture kGemma2;
extern const Architecture kGemma3;
extern const Architecture kPhi3;
extern const Architecture kGpt2;
extern const Architecture kGptNeox;
extern const Architecture kOlmo2;
extern const Architecture kGranite;
extern const Architecture kCohere;
extern const Architecture kBert;
extern const Architecture kOnnx;

}  // namespace lathe
