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

  static constexpr std::int64_t record_bytes(std::int64_t head_dim) { return 2 * kPageTokens * head_dim; }
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

/// Pages of codes of 8 bits, decoded to `page`.
struct Q8Source {
  static constexpr bool kDecodes = true;

  static constexpr std::int64_t record_bytes(std::int64_t head_dim) {
    return kCacheQ8.record_bytes(head_dim);
  }

  template <class Pairs>
  static void decode(const std::uint8_t* codes, typename Pairs::Floats low, typename Pairs::Floats high,
                     std::uint16_t* target) {
    store(target,
          rounded(Pairs{}, signed_codes(Pairs{}, codes) * low, signed_codes(Pairs{}, codes + kLanes) * high));
  }

  template <class Pairs>
  static const std::uint16_t* keys(const PageRecord& record, std::uint16_t* page) {
    const auto* words = words_of(record);
    fetch_next(record, record_bytes(record.head_dim));
    for (std::int64_t d = 0; d < record.head_dim; d += kCacheQ8.group)
      for (std::int64_t slot = 0; slot < kPageTokens; slot += kLanes) {
        const std::uint16_t* word = words + kCacheQ8.key_word(slot, d);
        const auto low = scales_of(repeat_each(Pairs{}, word));
        const auto high = scales_of(repeat_each(Pairs{}, word + kLanes / 2));
        const std::int64_t first = d * kPageTokens + 2 * slot;
        for (std::int64_t i = 0; i < kCacheQ8.group; i += 2)
          decode<Pairs>(record.bytes + first + i * kPageTokens, low, high, page + first + i * kPageTokens);
      }
    return page;
  }

  template <class Pairs>
  static const std::uint16_t* values(const PageRecord& record, std::uint16_t* page) {
    const auto* words = words_of(record);
    fetch_next(record, record_bytes(record.head_dim));
    for (std::int64_t slot = 0; slot < kPageTokens; slot += 2)
      for (std::int64_t d = 0; d < record.head_dim; d += kCacheQ8.group) {
        const auto scales =
            scales_of(alternate(Pairs{}, words + kCacheQ8.value_word(record.head_dim, slot, d)));
        const std::int64_t first = slot * record.head_dim + 2 * d;
        decode<Pairs>(record.bytes + first, scales, scales, page + first);
        decode<Pairs>(record.bytes + first + 2 * kLanes, scales, scales, page + first + 2 * kLanes);
      }
    return page;
  }

 private:
  static const std::uint16_t* words_of(const PageRecord& record) {
    return reinterpret_cast<const std::uint16_t*>(record.bytes + kCacheQ8.code_bytes(record.head_dim));
  }
};

/// Pages of codes of 4 bits.
struct Q4Source {
  static constexpr bool kDecodes = true;

  static constexpr std::int64_t record_bytes(std::int64_t head_dim) {
    return kCacheQ4.record_bytes(head_dim);
  }

  /// Columns i and i + 2 of 16 slots.
  template <class Pairs>
  static const std::uint16_t* keys(const PageRecord& record, std::uint16_t* page) {
    const auto* words = words_of(record);
    fetch_next(record, record_bytes(record.head_dim));
    for (std::int64_t d = 0; d < record.head_dim; d += kCacheQ4.group)
      for (std::int64_t slot = 0; slot < kPageTokens; slot += kLanes) {
        const std::uint16_t* word = words + kCacheQ4.key_word(slot, d);
        const auto low = steps_of(repeat_each(Pairs{}, word));
        const auto high = steps_of(repeat_each(Pairs{}, word + kLanes / 2));
        for (std::int64_t i = 0; i < kCacheQ4.group; i += 4) {
          const std::uint8_t* codes = record.bytes + key_nibble(slot, d + i);
          const auto first = byte_words(Pairs{}, codes);
          const auto second = byte_words(Pairs{}, codes + kLanes);
          std::uint16_t* target = page + (d + i) * kPageTokens + 2 * slot;
          store(target, rounded(Pairs{}, fma(low_codes(first), low.scale, low.offset),
                                fma(low_codes(second), high.scale, high.offset)));
          store(target + 2 * kPageTokens, rounded(Pairs{}, fma(high_codes(first), low.scale, low.offset),
                                                  fma(high_codes(second), high.scale, high.offset)));
        }
      }
    return page;
  }

  template <class Pairs>
  static const std::uint16_t* values(const PageRecord& record, std::uint16_t* page) {
    const auto* words = words_of(record);
    fetch_next(record, record_bytes(record.head_dim));
    for (std::int64_t slot = 0; slot < kPageTokens; slot += 2)
      for (std::int64_t d = 0; d < record.head_dim; d += kCacheQ4.group) {
        const auto steps =
            steps_of(alternate(Pairs{}, words + kCacheQ4.value_word(record.head_dim, slot, d)));
        const auto codes = byte_words(Pairs{}, record.bytes + value_nibble(record.head_dim, slot, d));
        store(page + slot * record.head_dim + 2 * d,
              rounded(Pairs{}, fma(low_codes(codes), steps.scale, steps.offset),
                      fma(high_codes(codes), steps.scale, steps.offset)));
      }
    return page;
  }

 private:
  static const std::uint16_t* words_of(const PageRecord& record) {
    return reinterpret_cast<const std::uint16_t*>(record.bytes + kCacheQ4.code_bytes(record.head_dim));
  }
};

}  // namespace lathe::vector
