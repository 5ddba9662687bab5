// KvWrite and KvScratch.
#pragma once

#include "cpu/vector/code_page.h"
#include "cpu/vector/element_page.h"

namespace lathe::vector {

/// `inputs` starts at k; `spare` [head_dim] is for page types. Pages of one head are dealt to the threads in
/// turn.
template <class Page, class KeyOf>
void write_tokens(const KernelCall& call, const TensorArg* inputs, std::int64_t layer, const KeyOf& key_of,
                  float* spare) {
  using Element = typename Page::Element;
  const TensorArg& cache = call.outputs[0];
  const auto* sequences = static_cast<const SequenceEntry*>(inputs[2].data);
  const auto* block_tables = static_cast<const std::int32_t*>(inputs[3].data);
  const std::int64_t kv_heads = inputs[0].dims[1];
  const std::int64_t head_dim = inputs[0].dims[2];
  const std::int64_t key_elements = Page::key_elements(head_dim);
  const std::int64_t value_elements = Page::value_elements(head_dim);
  const std::int64_t page_elements = kv_heads * (key_elements + value_elements);
  auto* pages = static_cast<Element*>(cache.data) + layer * cache.dims[1] * page_elements;
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
        Element* keys = pages + page * page_elements;
        Page::write(
            key_of,
            {static_cast<const float*>(inputs[0].data) + row, static_cast<const float*>(inputs[1].data) + row,
             kv_heads * head_dim, sequence.first_token + done, tokens, slot, head_dim, spare},
            keys + head * key_elements, keys + kv_heads * key_elements + head * value_elements);
      }
      done += tokens;
    }
  }
}

template <class V, class KeyOf>
void write_by_type(const KernelCall& call, const TensorArg* inputs, std::int64_t layer, const KeyOf& key_of,
                   float* spare) {
  if (call.outputs[0].dtype == kCacheF32)
    write_tokens<PlainPage<V, float>>(call, inputs, layer, key_of, spare);
  else if (call.outputs[0].dtype == kCacheBfloat)
    write_tokens<PairPage<V>>(call, inputs, layer, key_of, spare);
  else if (call.outputs[0].dtype == kCacheCodes8)
    write_tokens<CodePage<V, KeysOf8<V>, ValuesOf8<V>>>(call, inputs, layer, key_of, spare);
  else if (call.outputs[0].dtype == kCacheCodes4)
    write_tokens<CodePage<V, KeysOf5<V>, ValuesOf4<V>>>(call, inputs, layer, key_of, spare);
  else
    write_tokens<PlainPage<V, std::uint16_t>>(call, inputs, layer, key_of, spare);
}

struct KeyAsItIs {
  const float* operator()(const float* key, std::int64_t) const { return key; }
};

template <class V>
void run_kv_write(const KernelCall& call) {
  write_by_type<V>(call, call.inputs + 1, call.attributes[0].integer, KeyAsItIs(),
                   static_cast<float*>(call.scratch));
}

template <class V>
void run_kv_scratch(const KernelCall& call) {
  write_by_type<V>(call, call.inputs, 0, KeyAsItIs(), static_cast<float*>(call.scratch));
}

}  // namespace lathe::vector
