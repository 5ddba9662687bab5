// Rows of keys and values as codes (backend/cache_layout.h says where they lie): a row is rotated by a
// Hadamard transform, which spreads a column that stands out over all, and rounded group by group.
//   of 8 bits  scale = greatest magnitude / 127, to f16; code = x / scale to nearest even
//   of 4 bits  of the two steps of 3 bits of mantissa that enclose (greatest - least) / 15, zero included in
//              the range, the one with the smaller sum of squares
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

struct CodesOf8 {
  static constexpr CacheCodes kLayout = kCacheQ8;

  static std::uint16_t encode(const float* x, std::int32_t* codes) {
    float most = 0;
    for (std::int64_t i = 0; i < kLayout.group; ++i) most = std::max(std::fabs(x[i]), most);
    const std::uint16_t word = float_to_half(most / 127.0f);
    const float scale = half_to_float(word);
    std::fill_n(codes, kLayout.group, 0);
    if (!all_finite(x, kLayout.group) || !std::isfinite(scale)) return kScaleOfNan;
    const float inverse = scale > 0 ? 1.0f / scale : 0.0f;
    for (std::int64_t i = 0; i < kLayout.group; ++i)
      codes[i] = static_cast<std::int32_t>(nearest_whole(std::clamp(x[i] * inverse, -127.0f, 127.0f)));
    return word;
  }

  static float decode(std::int32_t code, std::uint16_t word) {
    return static_cast<float>(static_cast<std::int8_t>(code)) * half_to_float(word);
  }

  static void store_key(std::uint8_t* codes, std::int64_t head_dim, std::int64_t slot, std::int64_t d,
                        std::int32_t code) {
    codes[pair_key_index(head_dim, slot, d)] = static_cast<std::uint8_t>(code);
  }
  static void store_value(std::uint8_t* codes, std::int64_t head_dim, std::int64_t slot, std::int64_t d,
                          std::int32_t code) {
    codes[pair_value_index(head_dim, slot, d)] = static_cast<std::uint8_t>(code);
  }
  static std::int32_t key(const std::uint8_t* codes, std::int64_t head_dim, std::int64_t slot,
                          std::int64_t d) {
    return codes[pair_key_index(head_dim, slot, d)];
  }
  static std::int32_t value(const std::uint8_t* codes, std::int64_t head_dim, std::int64_t slot,
                            std::int64_t d) {
    return codes[pair_value_index(head_dim, slot, d)];
  }
};

struct CodesOf4 {
  static constexpr CacheCodes kLayout = kCacheQ4;

  static float step(std::int32_t byte) {
    return std::bit_cast<float>((byte << kStepShift) + kStepBase) * kStepFactor;
  }

  /// Codes by this step, and the error of what they stand for.
  static std::uint16_t encode_by(std::int32_t byte, const float* x, float middle, std::int32_t* codes,
                                 float& error) {
    const float scale = step(byte);
    const float inverse = 1.0f / scale;
    const float zero = nearest_whole(std::clamp((7.5f - middle * inverse) * 16.0f, 0.0f, 255.0f));
    const float origin = zero * 0.0625f;
    float squares[16];
    for (int i = 0; i < 16; ++i) {
      const float code = nearest_whole(std::clamp(std::fma(x[i], inverse, origin), 0.0f, 15.0f));
      const float difference = std::fma(scale, code - origin, -x[i]);
      codes[i] = static_cast<std::int32_t>(code);
      squares[i] = difference * difference;
    }
    for (int half = 8; half > 0; half /= 2)
      for (int i = 0; i < half; ++i) squares[i] += squares[i + half];
    error = squares[0];
    return static_cast<std::uint16_t>(byte | static_cast<std::int32_t>(zero) << 8);
  }

  static std::uint16_t encode(const float* x, std::int32_t* codes) {
    float least = 0;
    float most = 0;
    for (int i = 0; i < 16; ++i) {
      least = std::min(x[i], least);
      most = std::max(x[i], most);
    }
    const auto range = std::bit_cast<std::int32_t>((most - least) / 15.0f);
    const std::int32_t below = std::max(range - kLeastStep, 0) >> kStepShift;
    std::fill_n(codes, 16, 0);
    if (!all_finite(x, 16) || below > kGreatestStep) return kStepOfNan;
    const float middle = 0.5f * (least + most);
    float error = 0;
    const std::uint16_t word = encode_by(below, x, middle, codes, error);
    if (below == kGreatestStep) return word;
    std::int32_t other_codes[16];
    float other_error = 0;
    const std::uint16_t other = encode_by(below + 1, x, middle, other_codes, other_error);
    if (!(other_error < error)) return word;
    std::copy_n(other_codes, 16, codes);
    return other;
  }

  static float decode(std::int32_t code, std::uint16_t word) {
    const float scale = step(word & 0xff);
    const float origin = static_cast<float>(word >> 8) * -0.0625f;
    return std::fma(static_cast<float>(code), scale, scale * origin);
  }

  static void store_nibble(std::uint8_t& byte, bool is_high, std::int32_t code) {
    byte = static_cast<std::uint8_t>(is_high ? (byte & 0x0f) | code << 4 : (byte & 0xf0) | code);
  }
  static void store_key(std::uint8_t* codes, std::int64_t, std::int64_t slot, std::int64_t d,
                        std::int32_t code) {
    store_nibble(codes[key_nibble(slot, d)], key_nibble_is_high(d), code);
  }
  static void store_value(std::uint8_t* codes, std::int64_t head_dim, std::int64_t slot, std::int64_t d,
                          std::int32_t code) {
    store_nibble(codes[value_nibble(head_dim, slot, d)], value_nibble_is_high(d), code);
  }
  static std::int32_t key(const std::uint8_t* codes, std::int64_t, std::int64_t slot, std::int64_t d) {
    return codes[key_nibble(slot, d)] >> (key_nibble_is_high(d) ? 4 : 0) & 15;
  }
  static std::int32_t value(const std::uint8_t* codes, std::int64_t head_dim, std::int64_t slot,
                            std::int64_t d) {
    return codes[value_nibble(head_dim, slot, d)] >> (value_nibble_is_high(d) ? 4 : 0) & 15;
  }
};

/// One head's keys or values in a page.
template <class Codes, class Byte>
struct CodeRecord {
  Byte* codes;
  std::int64_t head_dim;

  auto* words() const {
    using Word = std::conditional_t<std::is_const_v<Byte>, const std::uint16_t, std::uint16_t>;
    return reinterpret_cast<Word*>(codes + Codes::kLayout.code_bytes(head_dim));
  }
};

/// Rounds a row that is rotated into its slot.
template <class Codes, bool kKeys>
void store_codes(const CodeRecord<Codes, std::uint8_t>& record, std::int64_t slot, const float* row) {
  constexpr std::int64_t kGroup = Codes::kLayout.group;
  for (std::int64_t first = 0; first < record.head_dim; first += kGroup) {
    std::int32_t codes[kGroup];
    const std::uint16_t word = Codes::encode(row + first, codes);
    if constexpr (kKeys)
      record.words()[Codes::kLayout.key_word(slot, first)] = word;
    else
      record.words()[Codes::kLayout.value_word(record.head_dim, slot, first)] = word;
    for (std::int64_t i = 0; i < kGroup; ++i) {
      if constexpr (kKeys)
        Codes::store_key(record.codes, record.head_dim, slot, first + i, codes[i]);
      else
        Codes::store_value(record.codes, record.head_dim, slot, first + i, codes[i]);
    }
  }
}

/// Slots [begin, end) as bf16, as they lie in a page of it.
template <class Codes>
void read_keys(const CodeRecord<Codes, const std::uint8_t>& record, std::int64_t begin, std::int64_t end,
               std::uint16_t* keys) {
  const std::int64_t head_dim = record.head_dim;
  for (std::int64_t d = 0; d < head_dim; ++d)
    for (std::int64_t slot = begin; slot < end; ++slot)
      keys[pair_key_index(head_dim, slot, d)] = round_to_pair_element(Codes::decode(
          Codes::key(record.codes, head_dim, slot, d), record.words()[Codes::kLayout.key_word(slot, d)]));
}

template <class Codes>
void read_values(const CodeRecord<Codes, const std::uint8_t>& record, std::int64_t begin, std::int64_t end,
                 std::uint16_t* values) {
  const std::int64_t head_dim = record.head_dim;
  for (std::int64_t slot = begin; slot < end; ++slot)
    for (std::int64_t d = 0; d < head_dim; ++d)
      values[pair_value_index(head_dim, slot, d)] =
          round_to_pair_element(Codes::decode(Codes::value(record.codes, head_dim, slot, d),
                                              record.words()[Codes::kLayout.value_word(head_dim, slot, d)]));
}

}  // namespace lathe::portable
