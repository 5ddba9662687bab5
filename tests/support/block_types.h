// Every block type of model files, so that what is tested for all of them is tested for a new one by its
// being there.
#pragma once

#include <vector>

#include "tensor/dtype.h"

namespace lathe::test {

inline std::vector<Dtype> block_types() {
  std::vector<Dtype> types;
  for (int i = 0; i <= static_cast<int>(kLastDtype); ++i)
    if (is_block_quantized(static_cast<Dtype>(i))) types.push_back(static_cast<Dtype>(i));
  return types;
}

}  // namespace lathe::test
