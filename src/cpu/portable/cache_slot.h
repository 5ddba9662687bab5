// How a token's key and value are stored in a page of the cache, by the cache's type.
#pragma once

#include "backend/cache_layout.h"
#include "base/half.h"
#include "cpu/portable/pair_arithmetic.h"
#include "tensor/dtype.h"

namespace lathe::portable {

struct SinglePrecisionPage {
  using Element = float;
  static float rounded(float value) { return value; }
  static std::int64_t key(std::int64_t, std::int64_t slot, std::int64_t d) { return d * kPageTokens + slot; }
  static std::int64_t value(std::int64_t head_dim, std::int64_t slot, std::int64_t d) {
    return slot * head_dim + d;
  }
};

struct HalfPrecisionPage : SinglePrecisionPage {
  using Element = std::uint16_t;
  static Element rounded(float value) { return float_to_half(value); }
};

struct PairPage {
  using Element = std::uint16_t;
  static Element rounded(float value) { return round_to_pair_element(value); }
  static std::int64_t key(std::int64_t head_dim, std::int64_t slot, std::int64_t d) {
    return pair_key_index(head_dim, slot, d);
  }
  static std::int64_t value(std::int64_t head_dim, std::int64_t slot, std::int64_t d) {
    return pair_value_index(head_dim, slot, d);
  }
};

template <class Page>
void store_slot(typename Page::Element* keys, typename Page::Element* values, std::int64_t head_dim,
                std::int64_t slot, const float* k, const float* v) {
  for (std::int64_t d = 0; d < head_dim; ++d) {
    keys[Page::key(head_dim, slot, d)] = Page::rounded(k[d]);
    values[Page::value(head_dim, slot, d)] = Page::rounded(v[d]);
  }
}

/// write(page) for the page type of a cache of `dtype`.
template <class Write>
void with_page_type(Dtype dtype, Write write) {
  if (dtype == Dtype::f32) return write(SinglePrecisionPage());
  if (dtype == Dtype::f16) return write(HalfPrecisionPage());
  write(PairPage());
}

inline bool is_cache_dtype(Dtype dtype) {
  return dtype == Dtype::f32 || dtype == Dtype::f16 || dtype == Dtype::bf16;
}

}  // namespace lathe::portable
