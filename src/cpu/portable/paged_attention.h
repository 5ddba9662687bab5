// What the kernels of PagedAttention share, whatever the cache's type: which calls they take, and when one
// thread does the work alone.
#pragma once

#include "backend/cache_layout.h"
#include "cpu/portable/kernel_arguments.h"
#include "tensor/cache_type.h"

namespace lathe::portable {

template <Dtype... kCaches>
bool accepts_paged_attention(const NodeTypes& types) {
  return types.inputs.size() == 4 && types.inputs[0].dtype == Dtype::f32 &&
         ((types.inputs[1].dtype == kCaches) || ...) && all_f32(types.outputs);
}

/// About one page for one token: less than what a barrier on each side costs.
inline bool is_serial_paged_attention(const KernelCall& call) {
  const std::int64_t positions = call.inputs[3].dims[0] * kPageTokens;
  return element_count(call.inputs[0]) * positions <= 65536;
}

}  // namespace lathe::portable
