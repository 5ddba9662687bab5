// Words for the cache's type: "q8" keeps keys and values so, "off-q8" keeps nothing and rounds them the same
// way in every step, "off" as the cache of the chosen math would.
#pragma once

#include <array>
#include <string_view>

#include "tensor/cache_type.h"

namespace lathe {

struct CacheType {
  std::string_view name;
  Dtype dtype;
};

inline constexpr std::array kCacheTypes = {CacheType{"f32", Dtype::f32}, CacheType{"f16", Dtype::f16},
                                           CacheType{"bf16", Dtype::bf16}, CacheType{"q8", kCacheOfQ8},
                                           CacheType{"q4", kCacheOfQ4}};

inline bool is_cache_off(std::string_view kv) { return kv.starts_with("off"); }

/// `rest` where the word names no type.
inline Dtype cache_dtype(std::string_view kv, Dtype rest) {
  if (kv.starts_with("off-")) kv.remove_prefix(4);
  for (const auto& type : kCacheTypes)
    if (type.name == kv) return type.dtype;
  return rest;
}

}  // namespace lathe
