// Elements of tensors as numbers that can be compared.
#pragma once

#include <span>
#include <vector>

#include "lathe/execute.h"
#include "tensor/tensor_view.h"

namespace lathe {

/// Activation codes and blocks decoded to f32; all others as they lie.
Tensor plain_tensor(const TensorView& view);

}  // namespace lathe
