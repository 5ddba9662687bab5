// KvWrite and KvScratch.
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
};

/// Pages of f32 and f16.
template <class V, class ElementType>
struct PlainPage {
  using Element = ElementType;

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

/// `inputs` starts at k. Pages of one head are dealt to the threads in turn.
template <class Page, class KeyOf>
void write_tokens(const KernelCall& call, const TensorArg* inputs, std::int64_t layer, const KeyOf& key_of) {
  using Element = typename Page::Element;
  const TensorArg& cache = call.outputs[0];
  const auto* sequences = static_cast<const SequenceEntry*>(inputs[2].data);
  const auto* block_tables = static_cast<const std::int32_t*>(inputs[3].data);
  const std::int64_t kv_heads = inputs[0].dims[1];
  const std::int64_t head_dim = inputs[0].dims[2];
  const std::int64_t page_elements = kPageTokens * head_dim;
  auto* pages = static_cast<Element*>(cache.data) + layer * cache.dims[1] * 2 * kv_heads * page_elements;
  std::int64_t item = 0;
  for (std::int64_t q = 0; q < inputs[2].dims[0]; ++q) {
    const SequenceEntry& sequence = sequences[q];
    for (std::int64_t done = 0; done < sequence.tokens;) {
      const std::int64_t position = sequence.past + done;
      const std::int64_t slot = position % kPageTokens;
      const std::int64_t left = sequence.tokens - done;
      const std::int64_t tokens = kPageTokens - slot < left ? kPageTokens - slot : left;
      const std::int64_t page = block_tables[sequence.first_page_entry + position / kPageTokens];
      for (std::int64_t head = 0; head < kv_heads; ++head, ++item) {
        if (item % call.threads != call.thread) continue;
        const std::int64_t row = ((sequence.first_token + done) * kv_heads + head) * head_dim;
        Element* keys = pages + (page * 2 * kv_heads + head) * page_elements;
        Page::write(
            key_of,
            {static_cast<const float*>(inputs[0].data) + row, static_cast<const float*>(inputs[1].data) + row,
             kv_heads * head_dim, sequence.first_token + done, tokens, slot, head_dim},
            keys, keys + kv_heads * page_elements);
      }
      done += tokens;
    }
  }
}

template <class V, class KeyOf>
void write_by_type(const KernelCall& call, const TensorArg* inputs, std::int64_t layer, const KeyOf& key_of) {
  if (call.outputs[0].dtype == kCacheF32)
    write_tokens<PlainPage<V, float>>(call, inputs, layer, key_of);
  else if (call.outputs[0].dtype == kCacheBfloat)
    write_tokens<PairPage<V>>(call, inputs, layer, key_of);
  else
    write_tokens<PlainPage<V, std::uint16_t>>(call, inputs, layer, key_of);
}

struct KeyAsItIs {
  const float* operator()(const float* key, std::int64_t) const { return key; }
};

template <class V>
void run_kv_write(const KernelCall& call) {
  write_by_type<V>(call, call.inputs + 1, call.attributes[0].integer, KeyAsItIs());
}

template <class V>
void run_kv_scratch(const KernelCall& call) {
  write_by_type<V>(call, call.inputs, 0, KeyAsItIs());
}

}  // namespace lathe::vector
