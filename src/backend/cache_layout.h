// How a step's tokens and the cache's pages lie in memory. Plain data, so that ISA files may include it.
//
// A step takes T tokens of Q sequences, packed without padding; the tokens of one sequence are neighbours and
// have ascending positions without gaps. The graph's inputs are:
//   ids          i32[T]
//   positions    i32[T]
//   sequences    i32[Q, 4]   SequenceEntry
//   block_tables i32[B]      page numbers; a sequence's pages start at its first_page_entry, in order of
//   position out_rows     i32[S]      the tokens (0 to T-1) whose logits are asked for
//
// The cache is one buffer, [layers, pages, 2, kv_heads, kPageTokens * head_dim] of f32, f16, bf16, or of
// codes (tensor/cache_type.h). In a page of one head of f32 or f16
//   keys   [head_dim][kPageTokens]   transposed: positions are lanes when scores are computed
//   values [kPageTokens][head_dim]
// and of bf16, as dot products of pairs read them,
//   keys   [head_dim / 2][kPageTokens][2]   columns (2i, 2i + 1); the last of an odd number [kPageTokens]
//   values [kPageTokens / 2][head_dim][2]   positions (2i, 2i + 1)
// Of codes a page of one head, keys or values, is a record: codes, then 16-bit words that say how the
// codes of 32 neighbouring columns of one token are read (a group; its values are rotated,
// rotated_columns()). The records of a page's keys come first, then those of its values.
//   q8  signed 8-bit codes; the word is a scale, f16: value = scale * code
//   keys   codes [head_dim / 2][kPageTokens][2]    as pairs of bf16 lie
//   values codes [kPageTokens / 2][head_dim][2]
//   q4  keys of 5 bits, values of 4: the word's low byte is a scale s of 5 bits of exponent and 3 of
//   mantissa,
//       the high byte a zero point z, of keys in eighths, of values in sixteenths: value = s * (code - z)
//   keys   codes [head_dim / 4][kPageTokens][2]    byte i: columns i (low half) and i + 2 (high half)
//          their fifth bits [head_dim / 8][kPageTokens]    columns 0, 2, 4, 6, 1, 3, 5, 7 from bit 0 on
//   values codes [kPageTokens / 2][head_dim / 16][8][2]   byte i of 8: columns i and i + 8
//   keys   words [head_dim / 32][kPageTokens]
//   values words [kPageTokens / 2][head_dim / 32][2]
// A page holds kPageTokens consecutive positions that start at a multiple of kPageTokens. Slots that no token
// has may hold anything.
#pragma once

#include <cstdint>

namespace lathe {

inline constexpr int kPageTokens = 64;

struct SequenceEntry {
  std::int32_t first_token;       // row of its first token in this step
  std::int32_t tokens;            // how many rows
  std::int32_t past;              // position of the first of them: tokens already in the cache
  std::int32_t first_page_entry;  // index into block_tables of the page with position 0
};

/// Where column d of the slot's key lies in a bf16 page of keys.
static constexpr std::int64_t pair_key_index(std::int64_t head_dim, std::int64_t slot, std::int64_t d) {
  const std::int64_t first = d / 2 * 2;
  return first + 1 == head_dim ? d * kPageTokens + slot : first * kPageTokens + 2 * slot + d % 2;
}

/// Where column d of the slot's value lies in a bf16 page of values.
static constexpr std::int64_t pair_value_index(std::int64_t head_dim, std::int64_t slot, std::int64_t d) {
  return 2 * (slot / 2 * head_dim + d) + slot % 2;
}

inline constexpr std::int64_t kCodeColumns = 32;  // share a word; a head dimension is a multiple of it

/// Of keys or of values.
struct CacheCodes {
  std::int32_t bits;  // of a code

  /// Bytes of one head's in a page, and those of its codes.
  constexpr std::int64_t code_bytes(std::int64_t head_dim) const { return kPageTokens * head_dim * bits / 8; }
  constexpr std::int64_t record_bytes(std::int64_t head_dim) const {
    return code_bytes(head_dim) + kPageTokens * head_dim / kCodeColumns * 2;
  }
  // Of codes with a zero point.
  constexpr float greatest() const { return static_cast<float>((1 << bits) - 1); }
  constexpr float zero_part() const { return 1.0f / static_cast<float>(256 >> bits); }
};

inline constexpr CacheCodes kCacheQ8{8};
inline constexpr CacheCodes kCacheQ4Keys{5};
inline constexpr CacheCodes kCacheQ4Values{4};

/// Words of one head's keys, and of its values.
static constexpr std::int64_t key_word(std::int64_t slot, std::int64_t d) {
  return d / kCodeColumns * kPageTokens + slot;
}
static constexpr std::int64_t value_word(std::int64_t head_dim, std::int64_t slot, std::int64_t d) {
  return (slot / 2 * (head_dim / kCodeColumns) + d / kCodeColumns) * 2 + slot % 2;
}

// Scales of codes with a zero point: byte b is the float32 of bits (b << 20) + (224 << 23) times 2^-116; 255
// is NaN.
inline constexpr std::int32_t kStepShift = 20;
inline constexpr std::int32_t kStepBase = 224 << 23;
inline constexpr float kStepFactor = 0x1p-116f;
inline constexpr std::int32_t kLeastStep = 108 << 23;  // bits of byte 0's
inline constexpr std::int32_t kGreatestStep = 247;
inline constexpr std::int32_t kStepOfNan = 255;
inline constexpr std::uint16_t kScaleOfNan = 0x7e00;  // f16

/// Rows of codes are rotated in blocks of so many columns: the greatest power of two that divides head_dim.
static constexpr std::int64_t rotated_columns(std::int64_t head_dim) { return head_dim & -head_dim; }

/// The byte of a code's lowest four bits, which are its high half if nibble_is_high.
static constexpr std::int64_t key_nibble(std::int64_t slot, std::int64_t d) {
  return (d / 4 * kPageTokens + slot) * 2 + d % 2;
}
static constexpr bool key_nibble_is_high(std::int64_t d) { return d % 4 >= 2; }
static constexpr std::int64_t value_nibble(std::int64_t head_dim, std::int64_t slot, std::int64_t d) {
  return slot / 2 * head_dim + d / 16 * 16 + d % 8 * 2 + slot % 2;
}
static constexpr bool value_nibble_is_high(std::int64_t d) { return d % 16 >= 8; }

/// The byte and the bit of a key's fifth bit.
static constexpr std::int64_t key_fifth(std::int64_t head_dim, std::int64_t slot, std::int64_t d) {
  return kPageTokens * head_dim / 2 + d / 8 * kPageTokens + slot;
}
static constexpr int key_fifth_bit(std::int64_t d) { return static_cast<int>(d % 8 / 2 + d % 2 * 4); }

}  // namespace lathe
