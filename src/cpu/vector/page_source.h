// Where attention's tiles read the pages of pairs: in the cache, or from its codes, which are decoded near it
// page by page, for all rows of a tile. In a page that is decoded the next one's codes are fetched.
#pragma once

#include "backend/cache_layout.h"
#include "cpu/vector/call.h"

namespace lathe::vector {

/// One head's keys or values in a page, and those that come next.
struct PageRecord {
  const std::uint8_t* bytes;
  const std::uint8_t* next;
  std::int64_t head_dim;
};

/// Pages of bf16.
struct PairSource {
  static constexpr bool kDecodes = false;

  static constexpr std::int64_t key_bytes(std::int64_t head_dim) { return 2 * kPageTokens * head_dim; }
  static constexpr std::int64_t value_bytes(std::int64_t head_dim) { return 2 * kPageTokens * head_dim; }
  template <class Pairs>
  static const std::uint16_t* keys(const PageRecord& record, std::uint16_t*) {
    return reinterpret_cast<const std::uint16_t*>(record.bytes);
  }
  template <class Pairs>
  static const std::uint16_t* values(const PageRecord& record, std::uint16_t*) {
    return reinterpret_cast<const std::uint16_t*>(record.bytes);
  }
};

static inline void fetch_next(const PageRecord& record, std::int64_t bytes) {
  constexpr int kIntoSecondLevel = 2;
  for (std::int64_t i = 0; i < bytes; i += 64) __builtin_prefetch(record.next + i, 0, kIntoSecondLevel);
}

static inline const std::uint16_t* words_of(const PageRecord& record, const CacheCodes& codes) {
  return reinterpret_cast<const std::uint16_t*>(record.bytes + codes.code_bytes(record.head_dim));
}

/// Pages of q8, decoded to `page`.
struct Q8Source {
  static constexpr bool kDecodes = true;

  static constexpr std::int64_t key_bytes(std::int64_t head_dim) { return kCacheQ8.record_bytes(head_dim); }
  static constexpr std::int64_t value_bytes(std::int64_t head_dim) { return kCacheQ8.record_bytes(head_dim); }

  template <class Pairs>
  static void decode(const std::uint8_t* codes, typename Pairs::Floats low, typename Pairs::Floats high,
                     std::uint16_t* target) {
    store(target,
          rounded(Pairs{}, signed_codes(Pairs{}, codes) * low, signed_codes(Pairs{}, codes + kLanes) * high));
  }

  template <class Pairs>
  static const std::uint16_t* keys(const PageRecord& record, std::uint16_t* page) {
    const auto* words = words_of(record, kCacheQ8);
    fetch_next(record, key_bytes(record.head_dim));
    for (std::int64_t d = 0; d < record.head_dim; d += kCodeColumns)
      for (std::int64_t slot = 0; slot < kPageTokens; slot += kLanes) {
        const std::uint16_t* word = words + key_word(slot, d);
        const auto low = scales_of(repeat_each(Pairs{}, word));
        const auto high = scales_of(repeat_each(Pairs{}, word + kLanes / 2));
        const std::int64_t first = d * kPageTokens + 2 * slot;
        for (std::int64_t i = 0; i < kCodeColumns; i += 2)
          decode<Pairs>(record.bytes + first + i * kPageTokens, low, high, page + first + i * kPageTokens);
      }
    return page;
  }

  template <class Pairs>
  static const std::uint16_t* values(const PageRecord& record, std::uint16_t* page) {
    const auto* words = words_of(record, kCacheQ8);
    fetch_next(record, value_bytes(record.head_dim));
    for (std::int64_t slot = 0; slot < kPageTokens; slot += 2)
      for (std::int64_t d = 0; d < record.head_dim; d += kCodeColumns) {
        const auto scales = scales_of(alternate(Pairs{}, words + value_word(record.head_dim, slot, d)));
        const std::int64_t first = slot * record.head_dim + 2 * d;
        decode<Pairs>(record.bytes + first, scales, scales, page + first);
        decode<Pairs>(record.bytes + first + 2 * kLanes, scales, scales, page + first + 2 * kLanes);
      }
    return page;
  }
};

/// Pages of q4.
struct Q4Source {
  static constexpr bool kDecodes = true;

  static constexpr std::int64_t key_bytes(std::int64_t head_dim) {
    return kCacheQ4Keys.record_bytes(head_dim);
  }
  static constexpr std::int64_t value_bytes(std::int64_t head_dim) {
    return kCacheQ4Values.record_bytes(head_dim);
  }

  template <class Pairs>
  static const std::uint16_t* keys(const PageRecord& record, std::uint16_t* page) {
    const auto* words = words_of(record, kCacheQ4Keys);
    const auto factor = -kCacheQ4Keys.zero_part();
    fetch_next(record, key_bytes(record.head_dim));
    for (std::int64_t d = 0; d < record.head_dim; d += kCodeColumns)
      for (std::int64_t slot = 0; slot < kPageTokens; slot += kLanes) {
        const std::uint16_t* word = words + key_word(slot, d);
        const auto low = steps_of(repeat_each(Pairs{}, word), factor);
        const auto high = steps_of(repeat_each(Pairs{}, word + kLanes / 2), factor);
        for (std::int64_t i = d; i < d + kCodeColumns; i += 8) {
          const std::uint8_t* fifths = record.bytes + key_fifth(record.head_dim, slot, i);
          const auto low_fifths = fifth_bits(Pairs{}, fifths);
          const auto high_fifths = fifth_bits(Pairs{}, fifths + kLanes / 2);
          decode_four<Pairs, 0>(record.bytes, low, high, low_fifths, high_fifths, slot, i, page);
          decode_four<Pairs, 2>(record.bytes, low, high, low_fifths, high_fifths, slot, i + 4, page);
        }
      }
    return page;
  }

  template <class Pairs>
  static const std::uint16_t* values(const PageRecord& record, std::uint16_t* page) {
    const auto* words = words_of(record, kCacheQ4Values);
    const auto factor = -kCacheQ4Values.zero_part();
    fetch_next(record, value_bytes(record.head_dim));
    for (std::int64_t slot = 0; slot < kPageTokens; slot += 2)
      for (std::int64_t d = 0; d < record.head_dim; d += kCodeColumns) {
        const auto steps = steps_of(alternate(Pairs{}, words + value_word(record.head_dim, slot, d)), factor);
        for (std::int64_t i = d; i < d + kCodeColumns; i += 16) {
          const auto codes = byte_words(Pairs{}, record.bytes + value_nibble(record.head_dim, slot, i));
          store(page + slot * record.head_dim + 2 * i,
                rounded(Pairs{}, fma(low_codes(codes), steps.scale, steps.offset),
                        fma(high_codes(codes), steps.scale, steps.offset)));
        }
      }
    return page;
  }

 private:
  /// Columns d to d + 3 of 16 slots; the fifth bits of the first two columns are bit kBit.
  template <class Pairs, int kBit, class Steps, class Fifths>
  static void decode_four(const std::uint8_t* bytes, const Steps& low, const Steps& high,
                          const Fifths& low_fifths, const Fifths& high_fifths, std::int64_t slot,
                          std::int64_t d, std::uint16_t* page) {
    const std::uint8_t* codes = bytes + key_nibble(slot, d);
    const auto first = byte_words(Pairs{}, codes);
    const auto second = byte_words(Pairs{}, codes + kLanes);
    std::uint16_t* target = page + d * kPageTokens + 2 * slot;
    store(target, rounded(Pairs{}, fma(with_fifth<kBit>(low_codes(first), low_fifths), low.scale, low.offset),
                          fma(with_fifth<kBit>(low_codes(second), high_fifths), high.scale, high.offset)));
    store(target + 2 * kPageTokens,
          rounded(Pairs{}, fma(with_fifth<kBit + 1>(high_codes(first), low_fifths), low.scale, low.offset),
                  fma(with_fifth<kBit + 1>(high_codes(second), high_fifths), high.scale, high.offset)));
  }
};

}  // namespace lathe::vector
