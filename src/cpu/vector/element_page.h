// Rows of keys and values on their way into pages of f32, f16 and bf16.
#pragma once

#include "backend/cache_layout.h"
#include "cpu/vector/call.h"

namespace lathe::vector {

/// Rows of keys and values on their way into one head's page, `stride` apart. The key that is stored is
/// key_of(row of k, token of the step), where `first_token` is the first one's.
struct PageRows {
  const float* k;
  const float* v;
  std::int64_t stride;
  std::int64_t first_token;
  std::int64_t tokens;
  std::int64_t first_slot;
  std::int64_t head_dim;
  float* row;  // [head_dim] for what is made of a row on its way
};

/// Pages of f32 and f16.
template <class V, class ElementType>
struct PlainPage {
  using Element = ElementType;

  /// Of one head.
  static std::int64_t key_elements(std::int64_t head_dim) { return kPageTokens * head_dim; }
  static std::int64_t value_elements(std::int64_t head_dim) { return kPageTokens * head_dim; }

  template <class KeyOf>
  static void write(const KeyOf& key_of, const PageRows& rows, Element* keys, Element* values) {
    const float* v = rows.v;
    for (std::int64_t token = 0; token < rows.tokens; ++token, v += rows.stride) {
      const std::int64_t slot = rows.first_slot + token;
      const float* key = key_of(rows.k + token * rows.stride, rows.first_token + token);
      for (std::int64_t d = 0; d < rows.head_dim; d += kLanes) {
        const std::int64_t count = rows.head_dim - d < kLanes ? rows.head_dim - d : kLanes;
        store_first(values + slot * rows.head_dim + d, load_first(V{}, v + d, count), count);
        Element column[kLanes];
        store(column, load_first(V{}, key + d, count));
        for (std::int64_t i = 0; i < count; ++i) keys[(d + i) * kPageTokens + slot] = column[i];
      }
    }
  }
};

/// Pages of bf16.
template <class V>
struct PairPage {
  using Element = std::uint16_t;

  static std::int64_t key_elements(std::int64_t head_dim) { return kPageTokens * head_dim; }
  static std::int64_t value_elements(std::int64_t head_dim) { return kPageTokens * head_dim; }

  static void write_key(const float* key, std::int64_t slot, std::int64_t head_dim, Element* keys) {
    for (std::int64_t d = 0; d < head_dim; d += kLanes) {
      const std::int64_t count = head_dim - d < kLanes ? head_dim - d : kLanes;
      alignas(64) Element column[kLanes];
      store_rounded(column, load_first(V{}, key + d, count));
      std::int64_t i = 0;
      for (; i + 1 < count; i += 2)
        __builtin_memcpy(keys + (d + i) * kPageTokens + 2 * slot, column + i, 2 * sizeof(Element));
      if (i < count) keys[(d + i) * kPageTokens + slot] = column[i];
    }
  }

  /// Of one token, or of two that are a pair.
  static void write_values(const float* v, std::int64_t stride, bool pair, std::int64_t slot,
                           std::int64_t head_dim, Element* values) {
    values += slot / 2 * 2 * head_dim;
    for (std::int64_t d = 0; d < head_dim; d += kLanes) {
      const std::int64_t count = head_dim - d < kLanes ? head_dim - d : kLanes;
      const V first = load_first(V{}, v + d, count);
      if (pair)
        store_rounded_pairs(values + 2 * d, first, load_first(V{}, v + stride + d, count), count);
      else
        store_rounded_apart(values + 2 * d + slot % 2, first, count);
    }
  }

  template <class KeyOf>
  static void write(const KeyOf& key_of, const PageRows& rows, Element* keys, Element* values) {
    for (std::int64_t token = 0; token < rows.tokens; ++token)
      write_key(key_of(rows.k + token * rows.stride, rows.first_token + token), rows.first_slot + token,
                rows.head_dim, keys);
    for (std::int64_t token = 0; token < rows.tokens;) {
      const std::int64_t slot = rows.first_slot + token;
      const bool pair = slot % 2 == 0 && token + 1 < rows.tokens;
      write_values(rows.v + token * rows.stride, rows.stride, pair, slot, rows.head_dim, values);
      token += pair ? 2 : 1;
    }
  }
};

}  // namespace lathe::vector
