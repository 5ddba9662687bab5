// Pieces that the files of the block formats share: reading words and halves, and placing codes into packed
// records. A word is four columns of one row, the first in its lowest byte, so codes travel as words and not
// one by one.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "base/half.h"
#include "quant/block_format.h"
#include "quant/packed.h"

namespace lathe::block_codec {

static_assert(std::endian::native == std::endian::little);

inline constexpr std::uint32_t kLowNibbles = 0x0f0f0f0fu;

inline std::uint32_t load_word(const std::byte* source) {
  std::uint32_t word = 0;
  std::memcpy(&word, source, sizeof word);
  return word;
}

/// Word `index` of `lane` among interleaved codes: columns 4 * index to 4 * index + 3.
inline void store_word(std::byte* codes, int index, int lane, std::uint32_t word) {
  std::memcpy(codes + 64 * index + 4 * lane, &word, sizeof word);
}

inline float load_half(const std::byte* source) {
  std::uint16_t bits = 0;
  std::memcpy(&bits, source, sizeof bits);
  return half_to_float(bits);
}

inline void store_half(std::byte* factors, int lane, const std::byte* source) {
  std::memcpy(factors + 2 * lane, source, 2);
}

/// Rounds to a half, to nearest even.
inline void store_as_half(std::byte* destination, float value) {
  const std::uint16_t bits = float_to_half(value);
  std::memcpy(destination, &bits, sizeof bits);
}

inline int byte_at(const std::byte* source, int index) { return std::to_integer<int>(source[index]); }

/// 16 bytes of nibbles, column j low and column j + 16 high, looked up in a table.
inline void split_table(const std::byte* source, const std::int8_t table[16], std::int8_t* codes) {
  for (int j = 0; j < 16; ++j) {
    codes[j] = table[byte_at(source, j) & 15];
    codes[j + 16] = table[byte_at(source, j) >> 4];
  }
}

/// The way back; `index` says where in the table a code is.
inline void join_table(const std::int8_t* codes, const auto& index, std::byte* destination) {
  for (int j = 0; j < 16; ++j)
    destination[j] = static_cast<std::byte>(index[codes[j]] | index[codes[j + 16]] << 4);
}

/// Codes of five bits from -`offset` on: 32 fifth bits, and nibbles in the same order.
inline void join_five_bits(const std::int8_t* codes, int offset, std::byte* high, std::byte* low) {
  std::uint32_t bits = 0;
  for (int j = 0; j < 32; ++j) bits |= static_cast<std::uint32_t>((codes[j] + offset) >> 4) << j;
  std::memcpy(high, &bits, sizeof bits);
  for (int j = 0; j < 16; ++j)
    low[j] = static_cast<std::byte>(((codes[j] + offset) & 15) | ((codes[j + 16] + offset) & 15) << 4);
}

/// 16 bytes of nibbles, column j low and column j + 16 high, are the packed order of one lane already.
inline void store_nibbles(std::byte* codes, int lane, const std::byte* source) {
  for (int word = 0; word < 4; ++word) store_word(codes, word, lane, load_word(source + 4 * word));
}

/// Bit `column` of `bits` is the fifth bit of that column's code. `high` must be zero before the first lane.
inline void store_high_bits(std::byte* high, int lane, std::uint32_t bits) {
  for (int word = 0; word < 8; ++word)
    high[8 * word + lane / 2] |= static_cast<std::byte>(((bits >> (4 * word)) & 15u) << (4 * (lane % 2)));
}

/// Bits `shift` and `shift` + 1 of each of 32 bytes, one per column.
inline void store_two_bits(std::byte* codes, int lane, const std::byte* source, int shift) {
  for (int word = 0; word < 2; ++word) {
    std::uint32_t bits = 0;
    for (int part = 0; part < 4; ++part)  // 8 columns apart
      bits |= ((load_word(source + 8 * part + 4 * word) >> shift) & 0x03030303u) << (2 * part);
    store_word(codes, word, lane, bits);
  }
}

/// The lowest bit of each of the four bytes of `word`, as bits 0 to 3.
inline std::uint32_t gather_bits(std::uint32_t word) { return ((word & 0x01010101u) * 0x01020408u) >> 24; }

/// 32 bytes of which bit s of byte j belongs to column j of sub-block s: the bits of each sub-block.
inline void split_high_bits(const std::byte* source, std::uint32_t high[8]) {
  for (int s = 0; s < 8; ++s) high[s] = 0;
  for (int word = 0; word < 8; ++word) {
    const std::uint32_t bits = load_word(source + 4 * word);
    for (int s = 0; s < 8; ++s) high[s] |= gather_bits(bits >> s) << (4 * word);
  }
}

/// 8 scales and 8 minima of 6 bits in 12 bytes, as q4_k and q5_k store them:
///   bytes 0-3  EEAAAAAA FFBBBBBB GGCCCCCC HHDDDDDD   scales A..D, top bits of scales E..H
///   bytes 4-7  eeaaaaaa ffbbbbbb ggcccccc hhdddddd   the same for minima
///   bytes 8-11 eeeeEEEE ffffFFFF ggggGGGG hhhhHHHH   low nibbles of E..H and e..h
struct SubScales {
  std::uint8_t scales[8];
  std::uint8_t minima[8];
};

inline SubScales load_sub_scales(const std::byte* source) {
  const std::uint32_t scales = load_word(source);
  const std::uint32_t minima = load_word(source + 4);
  const std::uint32_t low = load_word(source + 8);
  const std::uint32_t words[4] = {
      scales & 0x3f3f3f3fu,
      (low & kLowNibbles) | ((scales >> 2) & 0x30303030u),
      minima & 0x3f3f3f3fu,
      ((low >> 4) & kLowNibbles) | ((minima >> 2) & 0x30303030u),
  };
  SubScales out;
  std::memcpy(&out, words, sizeof out);
  return out;
}

inline void store_sub_scales(const std::uint16_t halves[2], const std::uint8_t scales[8],
                             const std::uint8_t minima[8], std::byte* block) {
  std::memcpy(block, halves, 4);
  for (int s = 0; s < 4; ++s) {
    const int scale = scales[s + 4];
    const int minimum = minima[s + 4];
    block[4 + s] = static_cast<std::byte>(scales[s] | scale >> 4 << 6);
    block[8 + s] = static_cast<std::byte>(minima[s] | minimum >> 4 << 6);
    block[12 + s] = static_cast<std::byte>((scale & 15) | (minimum & 15) << 4);
  }
}

/// The factors of q4_k and q5_k, whose blocks both start with d, dmin and SubScales.
inline void split_sub_scales(const std::byte* block, BlockCodes& out) {
  const float d = load_half(block);
  const float dmin = load_half(block + 2);
  const SubScales sub = load_sub_scales(block + 4);
  for (int s = 0; s < 8; ++s) {
    out.scales[s] = d * static_cast<float>(sub.scales[s]);
    out.minima[s] = -(dmin * static_cast<float>(sub.minima[s]));
  }
}

/// What packed4k and packed5k share: 16 f16 d | 16 f16 dmin | 8 x 16 u8 scales | 8 x 16 u8 minima | 8 x 256 B
/// codes. `chunks` are the block's 4 x 32 bytes of nibbles: byte j of chunk i holds column j of sub-block 2i
/// low, of 2i + 1 high.
inline void pack_sub_scales(const std::byte* block, const std::byte* chunks, int lane, std::byte* record) {
  store_half(record, lane, block);
  store_half(record + 32, lane, block + 2);
  const SubScales sub = load_sub_scales(block + 4);
  for (int s = 0; s < 8; ++s) {
    record[64 + 16 * s + lane] = static_cast<std::byte>(sub.scales[s]);
    record[192 + 16 * s + lane] = static_cast<std::byte>(sub.minima[s]);
  }
  for (int chunk = 0; chunk < 4; ++chunk)
    for (int word = 0; word < 4; ++word) {
      const std::uint32_t first = load_word(chunks + 32 * chunk + 4 * word);
      const std::uint32_t second = load_word(chunks + 32 * chunk + 16 + 4 * word);  // 16 columns on
      std::byte* codes = record + 320 + 512 * chunk;
      store_word(codes, word, lane, (first & kLowNibbles) | ((second & kLowNibbles) << 4));
      store_word(codes + 256, word, lane, ((first >> 4) & kLowNibbles) | (second & ~kLowNibbles));
    }
}

/// decode by way of split: `Bytes` per block, `Elements` values of which `Group` share their factors.
template <auto Split, int Bytes, int Elements, int Group, bool HasMinimum>
void decode_blocks(const std::byte* source, float* values, std::int64_t blocks) {
  BlockCodes block;
  for (std::int64_t i = 0; i < blocks; ++i, source += Bytes, values += Elements) {
    Split(source, block);
    for (int group = 0; group < Elements / Group; ++group) {
      const float scale = block.scales[group];
      const float minimum = block.minima[group];
      for (int j = group * Group; j < (group + 1) * Group; ++j) {
        const float value = scale * static_cast<float>(block.codes[j]);
        values[j] = HasMinimum ? value + minimum : value;
      }
    }
  }
}

/// 0, or NaN where a value is not finite: added to a factor, it marks the block.
inline float not_finite_mark(const float* values, int count) {
  float mark = 0.0f;
  for (int i = 0; i < count; ++i) mark += 0.0f * values[i];
  return mark;
}

/// encode by way of EncodeBlock(values, block).
template <auto EncodeBlock, int Bytes, int Elements>
void encode_blocks(const float* values, std::byte* destination, std::int64_t blocks) {
  for (std::int64_t i = 0; i < blocks; ++i) EncodeBlock(values + i * Elements, destination + i * Bytes);
}

/// pack_group by way of PackBlock(block, lane, record), which finds the record zeroed.
template <auto PackBlock, int Bytes, PackedLayoutInfo Layout>
void pack_blocks(const std::byte* const rows[16], std::int64_t columns, std::byte* group) {
  const std::int64_t records = columns / Layout.columns_per_record;
  for (std::int64_t i = 0; i < records; ++i) {
    std::byte* record = group + i * Layout.record_bytes;
    std::memset(record, 0, Layout.record_bytes);
    for (int lane = 0; lane < kPackedRows; ++lane)
      if (rows[lane] != nullptr) PackBlock(rows[lane] + i * Bytes, lane, record);
  }
}

}  // namespace lathe::block_codec
