// A step over the paged cache as tests need it: sequences with a past, shuffled pages, poisoned slots.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstring>

#include "backend/cache_layout.h"
#include "base/half.h"
#include "cpu/portable/pair_arithmetic.h"
#include "parity/harness.h"
#include "tensor/cache_type.h"

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

/// Of a cache of codes: where an element's code and word lie.
struct CodePlace {
  CacheCodes codes;
  std::size_t byte;   // of the lowest bits
  int shift;          // of the code in the byte
  std::size_t fifth;  // byte of a fifth bit; `byte` where there is none
  int fifth_shift;
  std::size_t word;  // byte of it
};

inline CodePlace code_place(const Tensor& cache, const Step& step, const SequenceEntry& sequence,
                            std::int64_t layer, int kind, std::int64_t head, std::int64_t position,
                            std::int64_t d) {
  const bool wide = cache.dtype == kCacheOfQ8;
  const CacheCodes of_keys = wide ? kCacheQ8 : kCacheQ4Keys;
  const CacheCodes of_values = wide ? kCacheQ8 : kCacheQ4Values;
  const CacheCodes codes = kind == 0 ? of_keys : of_values;
  const auto entry = static_cast<std::size_t>(sequence.first_page_entry + position / kPageTokens);
  const std::int64_t slot = position % kPageTokens;
  const std::int64_t kv_heads = cache.dims[3];
  const std::int64_t head_dim = cache.dims[4] / kPageTokens;
  const std::int64_t page = layer * cache.dims[1] + step.block_tables[entry];
  const std::int64_t record =
      page * kv_heads * (of_keys.record_bytes(head_dim) + of_values.record_bytes(head_dim)) +
      kind * kv_heads * of_keys.record_bytes(head_dim) + head * codes.record_bytes(head_dim);
  const std::int64_t word = kind == 0 ? key_word(slot, d) : value_word(head_dim, slot, d);
  std::int64_t byte = kind == 0 ? pair_key_index(head_dim, slot, d) : pair_value_index(head_dim, slot, d);
  int shift = 0;
  if (!wide) {
    byte = kind == 0 ? key_nibble(slot, d) : value_nibble(head_dim, slot, d);
    shift = (kind == 0 ? key_nibble_is_high(d) : value_nibble_is_high(d)) ? 4 : 0;
  }
  const std::int64_t fifth = codes.bits == 5 ? key_fifth(head_dim, slot, d) : byte;
  return {codes,
          static_cast<std::size_t>(record + byte),
          shift,
          static_cast<std::size_t>(record + fifth),
          key_fifth_bit(d),
          static_cast<std::size_t>(record + codes.code_bytes(head_dim) + 2 * word)};
}

inline void set_bits(std::uint8_t& byte, int shift, int mask, int bits) {
  byte = static_cast<std::uint8_t>((byte & ~(mask << shift)) | (bits & mask) << shift);
}

/// A code near the value, and a word that groups share unevenly; a NaN is one in the word.
inline void set_code(Tensor& cache, const CodePlace& place, float value) {
  const bool wide = place.codes.bits == 8;
  const bool even = place.word % 4 == 0;
  std::uint16_t word = float_to_half(even ? 0.03f : 0.021f);
  if (place.codes.bits == 5) word = even ? 0x7880 : 0x7183;  // 15 and 14.1 below zero, steps of 0.12 and 0.17
  if (place.codes.bits == 4) word = even ? 0x7888 : 0x718b;  // 7.5 and 7.1 below zero, steps of 0.25 and 0.34
  if (std::isnan(value)) word = wide ? kScaleOfNan : kStepOfNan;
  auto* bytes = cache.as<std::uint8_t>();
  if (!std::isnan(value)) {
    const float most = wide ? 127.0f : place.codes.greatest();
    const float near = wide ? 40 * value : most * (0.5f + 0.2f * value);
    const auto code = static_cast<int>(std::lrint(std::clamp(near, wide ? -most : 0.0f, most)));
    set_bits(bytes[place.byte], place.shift, wide ? 0xff : 15, code);
    if (place.codes.bits == 5) set_bits(bytes[place.fifth], place.fifth_shift, 1, code >> 4);
  }
  std::memcpy(bytes + place.word, &word, sizeof word);
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
