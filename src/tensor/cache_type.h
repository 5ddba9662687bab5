// Types that the cache of keys and values may be of. Codes have the type of model files whose blocks take as
// many bytes; how they lie and are rounded is the cache's own (backend/cache_layout.h).
#pragma once

#include "tensor/dtype.h"

namespace lathe {

inline constexpr Dtype kCacheOfQ8 = Dtype::q8_0;  // 34 bytes for 32
inline constexpr Dtype kCacheOfQ4 = Dtype::q4_1;  // 20 bytes for 32

inline bool is_cache_codes(Dtype dtype) { return dtype == kCacheOfQ8 || dtype == kCacheOfQ4; }
inline bool is_cache_dtype(Dtype dtype) {
  return dtype == Dtype::f32 || dtype == Dtype::f16 || dtype == Dtype::bf16 || is_cache_codes(dtype);
}

}  // namespace lathe
