// Rows of keys and values as codes (backend/cache_layout.h says where they lie): a row is rotated by a
// Hadamard transform, which spreads a column that stands out over all, and rounded group by group.
//   q8  scale = greatest magnitude / 127, to f16; code = x / scale to nearest even
//   q4  of the two steps of 3 bits of mantissa that enclose (greatest - least) / greatest code, zero included
//       in the range, the one with the smaller sum of squares
// What is not finite makes its group NaN.
#pragma once

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>

#include "backend/cache_layout.h"
#include "base/half.h"
#include "cpu/portable/pair_arithmetic.h"

namespace lathe::portable {

inline float as_it_is(float x) { return x; }

/// The rows of an orthonormal Hadamard matrix times x, in place; its own inverse.
template <class Finish>
void rotate_columns(float* x, std::int64_t head_dim, Finish finish) {
  const std::int64_t size = rotated_columns(head_dim);
  const float factor = 1.0f / std::sqrt(static_cast<float>(size));
  for (std::int64_t i = 0; i < head_dim; ++i) x[i] = finish(x[i]);
  for (std::int64_t stride = 1; stride < size; stride *= 2)
    for (std::int64_t i = 0; i < head_dim; ++i) {
      if (i & stride) continue;
      const float a = x[i];
      const float b = x[i + stride];
      x[i] = finish(a + b);
      x[i + stride] = finish(a - b);
    }
  for (std::int64_t i = 0; i < head_dim; ++i) x[i] = finish(factor * x[i]);
}

inline float nearest_whole(float x) { return (x + 0x1.8p23f) - 0x1.8p23f; }  // of small numbers

inline bool all_finite(const float* x, std::int64_t count) {
  return std::all_of(x, x + count, [](float value) { return std::isfinite(value); });
}

/// Of 8 bits, with a scale.
struct ScaledCodes {
  static constexpr CacheCodes kLayout = kCacheQ8;

  static std::uint16_t encode(const float* x, std::int32_t* codes) {
    float most = 0;
    for (std::int64_t i = 0; i < kCodeColumns; ++i) most = std::max(std::fabs(x[i]), most);
    const std::uint16_t word = float_to_half(most / 127.0f);
    const float scale = half_to_float(word);
    std::fill_n(codes, kCodeColumns, 0);
    if (!all_finite(x, kCodeColumns) || !std::isfinite(scale)) return kScaleOfNan;
    const float inverse = scale > 0 ? 1.0f / scale : 0.0f;
    for (std::int64_t i = 0; i < kCodeColumns; ++i)
      codes[i] = static_cast<std::int32_t>(nearest_whole(std::clamp(x[i] * inverse, -127.0f, 127.0f)));
    return word;
  }

  static float decode(std::int32_t code, std::uint16_t word) {
    return static_cast<float>(static_cast<std::int8_t>(code)) * half_to_float(word);
  }
};

/// Of fewer, with a step and a zero point.
template <std::int32_t kBits>
struct SteppedCodes {
  static constexpr CacheCodes kLayout{kBits};

  static float step(std::int32_t byte) {
    return std::bit_cast<float>((byte << kStepShift) + kStepBase) * kStepFactor;
  }

  /// Codes by this step, and the error of what they stand for.
  static std::uint16_t encode_by(std::int32_t byte, const float* x, float middle, std::int32_t* codes,
                                 float& error) {
    const float scale = step(byte);
    const float inverse = 1.0f / scale;
    const float centre = (0.5f * kLayout.greatest() - middle * inverse) / kLayout.zero_part();
    const float zero = nearest_whole(std::clamp(centre, 0.0f, 255.0f));
    const float origin = zero * kLayout.zero_part();
    float squares[kCodeColumns];
    for (std::int64_t i = 0; i < kCodeColumns; ++i) {
      const float code = nearest_whole(std::clamp(std::fma(x[i], inverse, origin), 0.0f, kLayout.greatest()));
      const float difference = std::fma(scale, code - origin, -x[i]);
      codes[i] = static_cast<std::int32_t>(code);
      squares[i] = difference * difference;
    }
    for (std::int64_t half = kCodeColumns / 2; half > 0; half /= 2)
      for (std::int64_t i = 0; i < half; ++i) squares[i] += squares[i + half];
    error = squares[0];
    return static_cast<std::uint16_t>(byte | static_cast<std::int32_t>(zero) << 8);
  }

  static std::uint16_t encode(const float* x, std::int32_t* codes) {
    float least = 0;
    float most = 0;
    for (std::int64_t i = 0; i < kCodeColumns; ++i) {
      least = std::min(x[i], least);
      most = std::max(x[i], most);
    }
    const auto range = std::bit_cast<std::int32_t>((most - least) / kLayout.greatest());
    const std::int32_t below = std::max(range - kLeastStep, 0) >> kStepShift;
    std::fill_n(codes, kCodeColumns, 0);
    if (!all_finite(x, kCodeColumns) || below > kGreatestStep) return kStepOfNan;
    const float middle = 0.5f * (least + most);
    float error = 0;
    const std::uint16_t word = encode_by(below, x, middle, codes, error);
    if (below == kGreatestStep) return word;
    std::int32_t other_codes[kCodeColumns];
    float other_error = 0;
    const std::uint16_t other = encode_by(below + 1, x, middle, other_codes, other_error);
    if (!(other_error < error)) return word;
    std::copy_n(other_codes, kCodeColumns, codes);
    return other;
  }

  static float decode(std::int32_t code, std::uint16_t word) {
    const float scale = step(word & 0xff);
    const float origin = static_cast<float>(word >> 8) * -kLayout.zero_part();
    return std::fma(static_cast<float>(code), scale, scale * origin);
  }
};

/// Where a column's word lies, and the column in a page of bf16.
struct KeyPlaces {
  static std::int64_t word(std::int64_t, std::int64_t slot, std::int64_t d) { return key_word(slot, d); }
  static std::int64_t pair_index(std::int64_t head_dim, std::int64_t slot, std::int64_t d) {
    return pair_key_index(head_dim, slot, d);
  }
};
struct ValuePlaces {
  static std::int64_t word(std::int64_t head_dim, std::int64_t slot, std::int64_t d) {
    return value_word(head_dim, slot, d);
  }
  static std::int64_t pair_index(std::int64_t head_dim, std::int64_t slot, std::int64_t d) {
    return pair_value_index(head_dim, slot, d);
  }
};

struct KeysOf8 : ScaledCodes, KeyPlaces {
  static void store(std::uint8_t* codes, std::int64_t head_dim, std::int64_t slot, std::int64_t d,
                    std::int32_t code) {
    codes[pair_key_index(head_dim, slot, d)] = static_cast<std::uint8_t>(code);
  }
  static std::int32_t load(const std::uint8_t* codes, std::int64_t head_dim, std::int64_t slot,
                           std::int64_t d) {
    return codes[pair_key_index(head_dim, slot, d)];
  }
};

struct ValuesOf8 : ScaledCodes, ValuePlaces {
  static void store(std::uint8_t* codes, std::int64_t head_dim, std::int64_t slot, std::int64_t d,
                    std::int32_t code) {
    codes[pair_value_index(head_dim, slot, d)] = static_cast<std::uint8_t>(code);
  }
  static std::int32_t load(const std::uint8_t* codes, std::int64_t head_dim, std::int64_t slot,
                           std::int64_t d) {
    return codes[pair_value_index(head_dim, slot, d)];
  }
};

inline void store_bits(std::uint8_t& byte, int shift, std::int32_t mask, std::int32_t bits) {
  byte = static_cast<std::uint8_t>((byte & ~(mask << shift)) | (bits & mask) << shift);
}

struct KeysOf5 : SteppedCodes<kCacheQ4Keys.bits>, KeyPlaces {
  static void store(std::uint8_t* codes, std::int64_t head_dim, std::int64_t slot, std::int64_t d,
                    std::int32_t code) {
    store_bits(codes[key_nibble(slot, d)], key_nibble_is_high(d) ? 4 : 0, 15, code);
    store_bits(codes[key_fifth(head_dim, slot, d)], key_fifth_bit(d), 1, code >> 4);
  }
  static std::int32_t load(const std::uint8_t* codes, std::int64_t head_dim, std::int64_t slot,
                           std::int64_t d) {
    const int low = codes[key_nibble(slot, d)] >> (key_nibble_is_high(d) ? 4 : 0) & 15;
    return low | (codes[key_fifth(head_dim, slot, d)] >> key_fifth_bit(d) & 1) << 4;
  }
};

struct ValuesOf4 : SteppedCodes<kCacheQ4Values.bits>, ValuePlaces {
  static void store(std::uint8_t* codes, std::int64_t head_dim, std::int64_t slot, std::int64_t d,
                    std::int32_t code) {
    store_bits(codes[value_nibble(head_dim, slot, d)], value_nibble_is_high(d) ? 4 : 0, 15, code);
  }
  static std::int32_t load(const std::uint8_t* codes, std::int64_t head_dim, std::int64_t slot,
                           std::int64_t d) {
    return codes[value_nibble(head_dim, slot, d)] >> (value_nibble_is_high(d) ? 4 : 0) & 15;
  }
};

/// The types of cache.
struct CodesOfQ8 {
  using Keys = KeysOf8;
  using Values = ValuesOf8;
};
struct CodesOfQ4 {
  using Keys = KeysOf5;
  using Values = ValuesOf4;
};

/// One head's keys or values in a page.
template <class Codes, class Byte>
struct CodeRecord {
  Byte* codes;
  std::int64_t head_dim;

  auto& word(std::int64_t slot, std::int64_t d) const {
    using Word = std::conditional_t<std::is_const_v<Byte>, const std::uint16_t, std::uint16_t>;
    auto* words = reinterpret_cast<Word*>(codes + Codes::kLayout.code_bytes(head_dim));
    return words[Codes::word(head_dim, slot, d)];
  }
};

/// Rounds a row that is rotated into its slot.
template <class Codes>
void store_codes(const CodeRecord<Codes, std::uint8_t>& record, std::int64_t slot, const float* row) {
  for (std::int64_t first = 0; first < record.head_dim; first += kCodeColumns) {
    std::int32_t codes[kCodeColumns];
    record.word(slot, first) = Codes::encode(row + first, codes);
    for (std::int64_t i = 0; i < kCodeColumns; ++i)
      Codes::store(record.codes, record.head_dim, slot, first + i, codes[i]);
  }
}

/// Slots [begin, end) as bf16, as they lie in a page of it.
template <class Codes>
void read_codes(const CodeRecord<Codes, const std::uint8_t>& record, std::int64_t begin, std::int64_t end,
                std::uint16_t* page) {
  for (std::int64_t slot = begin; slot < end; ++slot)
    for (std::int64_t d = 0; d < record.head_dim; ++d)
      page[Codes::pair_index(record.head_dim, slot, d)] = round_to_pair_element(
          Codes::decode(Codes::load(record.codes, record.head_dim, slot, d), record.word(slot, d)));
}

}  // namespace lathe::portable
