// KvWrite and KvScratch.
#pragma once

#include "backend/cache_layout.h"
#include "cpu/vector/call.h"

namespace lathe::vector {

/// Slots [first_slot, first_slot + tokens) of one head's page from rows that are `stride` apart. The key that
/// is stored is key_of(row of k, token of the step), where `first_token` is the first one's.
template <class V, class Element, class KeyOf>
void write_page(const KeyOf& key_of, const float* k, const float* v, std::int64_t stride,
                std::int64_t first_token, std::int64_t tokens, std::int64_t first_slot, std::int64_t head_dim,
                Element* keys, Element* values) {
  for (std::int64_t token = 0; token < tokens; ++token, k += stride, v += stride) {
    const std::int64_t slot = first_slot + token;
    const float* key = key_of(k, first_token + token);
    for (std::int64_t d = 0; d < head_dim; d += kLanes) {
      const std::int64_t count = head_dim - d < kLanes ? head_dim - d : kLanes;
      store_first(values + slot * head_dim + d, load_first(V{}, v + d, count), count);
      Element column[kLanes];
      store(column, load_first(V{}, key + d, count));
      for (std::int64_t i = 0; i < count; ++i) keys[(d + i) * kPageTokens + slot] = column[i];
    }
  }
}

/// `inputs` starts at k. Pages of one head are dealt to the threads in turn.
template <class V, class Element, class KeyOf>
void write_tokens(const KernelCall& call, const TensorArg* inputs, std::int64_t layer, const KeyOf& key_of) {
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
        write_page<V>(key_of, static_cast<const float*>(inputs[0].data) + row,
                      static_cast<const float*>(inputs[1].data) + row, kv_heads * head_dim,
                      sequence.first_token + done, tokens, slot, head_dim, keys,
                      keys + kv_heads * page_elements);
      }
      done += tokens;
    }
  }
}

template <class V, class KeyOf>
void write_by_type(const KernelCall& call, const TensorArg* inputs, std::int64_t layer, const KeyOf& key_of) {
  if (call.outputs[0].dtype == kCacheF32)
    write_tokens<V, float>(call, inputs, layer, key_of);
  else
    write_tokens<V, std::uint16_t>(call, inputs, layer, key_of);
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
