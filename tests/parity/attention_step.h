// A step over the paged cache as tests need it: sequences with a past, shuffled pages, poisoned slots.
#pragma once

#include <algorithm>

#include "backend/cache_layout.h"
#include "base/half.h"
#include "cpu/portable/pair_arithmetic.h"
#include "parity/harness.h"

namespace lathe::parity {

struct AttentionShape {
  std::int64_t heads;
  std::int64_t kv_heads;
  std::int64_t head_dim;
  Dtype cache_dtype = Dtype::f16;
  std::int64_t layers = 1;
  std::int64_t layer = 0;
  std::int64_t window = 0;
  double softcap = 0;
  bool causal = true;
};

struct SequenceShape {
  std::int64_t tokens;
  std::int64_t past;
};

/// Block tables and entries for sequences whose pages lie shuffled among a few that nobody uses.
struct Step {
  std::int64_t tokens = 0;
  std::int64_t pages = 0;
  std::vector<SequenceEntry> entries;
  std::vector<std::int32_t> block_tables;

  Step(Random& random, std::span<const SequenceShape> sequences) {
    for (const auto& sequence : sequences) {
      entries.push_back({static_cast<std::int32_t>(tokens), static_cast<std::int32_t>(sequence.tokens),
                         static_cast<std::int32_t>(sequence.past),
                         static_cast<std::int32_t>(block_tables.size())});
      tokens += sequence.tokens;
      const auto count = (sequence.past + sequence.tokens + kPageTokens - 1) / kPageTokens;
      block_tables.resize(block_tables.size() + static_cast<std::size_t>(count));
    }
    pages = static_cast<std::int64_t>(block_tables.size()) + 3;
    std::vector<std::int32_t> numbers(static_cast<std::size_t>(pages));
    for (std::size_t i = 0; i < numbers.size(); ++i) numbers[i] = static_cast<std::int32_t>(i);
    std::shuffle(numbers.begin(), numbers.end(), random);
    std::copy_n(numbers.begin(), block_tables.size(), block_tables.begin());
  }

  Tensor sequences_tensor() const {
    const auto* words = reinterpret_cast<const std::int32_t*>(entries.data());
    return integers(std::span(words, 4 * entries.size()), {static_cast<std::int64_t>(entries.size()), 4});
  }
  Tensor block_tables_tensor() const {
    return integers(block_tables, {static_cast<std::int64_t>(block_tables.size())});
  }
};

inline Tensor poisoned_cache(const AttentionShape& shape, std::int64_t pages) {
  return empty(shape.cache_dtype, {shape.layers, pages, 2, shape.kv_heads, kPageTokens * shape.head_dim});
}

/// Index of a cache element: kind 0 is keys, 1 values.
inline std::size_t cache_index(const Tensor& cache, const Step& step, const SequenceEntry& sequence,
                               std::int64_t layer, int kind, std::int64_t head, std::int64_t position,
                               std::int64_t d) {
  const auto entry = static_cast<std::size_t>(sequence.first_page_entry + position / kPageTokens);
  const std::int64_t slot = position % kPageTokens;
  const std::int64_t head_dim = cache.dims[4] / kPageTokens;
  const std::int64_t page =
      ((layer * cache.dims[1] + step.block_tables[entry]) * 2 + kind) * cache.dims[3] + head;
  std::int64_t place = kind == 0 ? d * kPageTokens + slot : slot * head_dim + d;
  if (cache.dtype == Dtype::bf16)
    place = kind == 0 ? pair_key_index(head_dim, slot, d) : pair_value_index(head_dim, slot, d);
  return static_cast<std::size_t>(page * cache.dims[4] + place);
}

inline float cache_value(const Tensor& cache, std::size_t index) {
  if (cache.dtype == Dtype::f32) return cache.as<float>()[index];
  const std::uint16_t bits = cache.as<std::uint16_t>()[index];
  return cache.dtype == Dtype::f16 ? half_to_float(bits) : bfloat_to_float(bits);
}

inline void set_cache_value(Tensor& cache, std::size_t index, float value) {
  if (cache.dtype == Dtype::f32)
    cache.as<float>()[index] = value;
  else
    cache.as<std::uint16_t>()[index] =
        cache.dtype == Dtype::f16 ? float_to_half(value) : portable::round_to_pair_element(value);
}

}  // namespace lathe::parity
