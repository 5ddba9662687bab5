// How a token's key and value are stored in a page of the cache, by the cache's type.
#pragma once

#include "backend/cache_layout.h"
#include "base/half.h"
#include "cpu/portable/cache_codes.h"
#include "cpu/portable/pair_arithmetic.h"
#include "tensor/cache_type.h"

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

/// A page type whose elements are rounded one by one.
template <class Layout>
struct ElementPage {
  using Element = typename Layout::Element;

  /// Of one head.
  static std::int64_t key_elements(std::int64_t head_dim) { return kPageTokens * head_dim; }
  static std::int64_t value_elements(std::int64_t head_dim) { return kPageTokens * head_dim; }
  static void store_slot(Element* keys, Element* values, std::int64_t head_dim, std::int64_t slot,
                         const float* k, const float* v, float*) {
    for (std::int64_t d = 0; d < head_dim; ++d) {
      keys[Layout::key(head_dim, slot, d)] = Layout::rounded(k[d]);
      values[Layout::value(head_dim, slot, d)] = Layout::rounded(v[d]);
    }
  }
};

template <class Codes>
struct CodePage {
  using Element = std::uint8_t;

  static std::int64_t key_elements(std::int64_t head_dim) {
    return Codes::Keys::kLayout.record_bytes(head_dim);
  }
  static std::int64_t value_elements(std::int64_t head_dim) {
    return Codes::Values::kLayout.record_bytes(head_dim);
  }
  /// `row` [head_dim] is overwritten.
  static void store_slot(Element* keys, Element* values, std::int64_t head_dim, std::int64_t slot,
                         const float* k, const float* v, float* row) {
    std::copy_n(k, head_dim, row);
    rotate_columns(row, head_dim, as_it_is);
    store_codes<typename Codes::Keys>({keys, head_dim}, slot, row);
    std::copy_n(v, head_dim, row);
    rotate_columns(row, head_dim, as_it_is);
    store_codes<typename Codes::Values>({values, head_dim}, slot, row);
  }
};

/// write(page) for the page type of a cache of `dtype`.
template <class Write>
void with_page_type(Dtype dtype, Write write) {
  if (dtype == Dtype::f32) return write(ElementPage<SinglePrecisionPage>());
  if (dtype == Dtype::f16) return write(ElementPage<HalfPrecisionPage>());
  if (dtype == kCacheOfQ8) return write(CodePage<CodesOfQ8>());
  if (dtype == kCacheOfQ4) return write(CodePage<CodesOfQ4>());
  write(ElementPage<PairPage>());
}

}  // namespace lathe::portable
