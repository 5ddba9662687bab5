// Rows of keys and values on their way into a page of codes: portable/cache_codes.h, the same operations.
#pragma once

#include "cpu/vector/element_page.h"
#include "cpu/vector/rotation.h"

namespace lathe::vector {

static constexpr float kToWhole = 0x1.8p23f;  // added to a small number, leaves it whole in the lowest bits

template <class V>
bool all_finite(V x) {
  return tree_sum(x * V{}) == 0;
}

/// Stores `count` codes, each plus kToWhole, as bytes.
static inline void whole_bytes(const float* shifted, std::uint8_t* bytes, int count) {
  for (int i = 0; i < count; ++i) {
    std::uint32_t bits;
    __builtin_memcpy(&bits, shifted + i, sizeof bits);
    bytes[i] = static_cast<std::uint8_t>(bits);
  }
}

/// Of 8 bits, with a scale.
template <class V>
struct ScaledCodes {
  static constexpr CacheCodes kLayout = kCacheQ8;

  static std::uint16_t encode(const float* x, std::uint8_t* codes) {
    const V first = load(V{}, x);
    const V second = load(V{}, x + kLanes);
    const float most = greatest(greater(greater(first, -first), greater(second, -second)));
    std::uint16_t halves[kLanes];
    float scales[kLanes];
    store(halves, broadcast(V{}, most / 127.0f));
    store(scales, load(V{}, halves));
    const float scale = scales[0];
    if (!all_finite(first) || !all_finite(second) || scale - scale != 0) {
      __builtin_memset(codes, 0, static_cast<std::size_t>(kCodeColumns));
      return kScaleOfNan;
    }
    const V inverse = broadcast(V{}, scale > 0 ? 1.0f / scale : 0.0f);
    const auto shifted = [inverse](V part) {
      const V bounded = lesser(greater(part * inverse, broadcast(V{}, -127.0f)), broadcast(V{}, 127.0f));
      return bounded + broadcast(V{}, kToWhole);
    };
    float whole[kCodeColumns];
    store(whole, shifted(first));
    store(whole + kLanes, shifted(second));
    whole_bytes(whole, codes, kCodeColumns);
    return halves[0];
  }
};

template <class V>
struct KeysOf8 : ScaledCodes<V> {
  /// Of the columns from d on.
  static void store(const std::uint8_t* codes, std::int64_t, std::int64_t slot, std::int64_t d,
                    std::uint8_t* record) {
    for (std::int64_t i = 0; i < kCodeColumns; i += 2)
      __builtin_memcpy(record + (d + i) * kPageTokens + 2 * slot, codes + i, 2);
  }
};

template <class V>
struct ValuesOf8 : ScaledCodes<V> {
  static void store(const std::uint8_t* codes, std::int64_t head_dim, std::int64_t slot, std::int64_t d,
                    std::uint8_t* record) {
    std::uint8_t* target = record + 2 * (slot / 2 * head_dim + d) + slot % 2;
    for (std::int64_t i = 0; i < kCodeColumns; ++i) target[2 * i] = codes[i];
  }
};

/// Of fewer, with a step and a zero point.
template <class V, std::int32_t kBits>
struct SteppedCodes {
  static constexpr CacheCodes kLayout{kBits};

  struct Rounded {
    V first, second;  // codes plus kToWhole
    float error;
    std::uint16_t word;
  };

  static Rounded encode_by(std::int32_t byte, V first, V second, float middle) {
    constexpr float kGreatest = kLayout.greatest();
    constexpr float kZeroPart = kLayout.zero_part();
    const std::int32_t bits = (byte << kStepShift) + kStepBase;
    float scale;
    __builtin_memcpy(&scale, &bits, sizeof scale);
    scale *= kStepFactor;
    const float inverse = 1.0f / scale;
    const float centre = (0.5f * kGreatest - middle * inverse) / kZeroPart;
    const float bounded = centre < 0.0f ? 0.0f : centre > 255.0f ? 255.0f : centre;
    const float zero = (bounded + kToWhole) - kToWhole;
    const V origin = broadcast(V{}, zero * kZeroPart);
    const auto shifted = [&](V x) {
      const V near = fma(x, broadcast(V{}, inverse), origin);
      return lesser(greater(near, V{}), broadcast(V{}, kGreatest)) + broadcast(V{}, kToWhole);
    };
    const auto difference = [&](V x, V code) {
      return fma(broadcast(V{}, scale), code - broadcast(V{}, kToWhole) - origin, -x);
    };
    const V first_codes = shifted(first);
    const V second_codes = shifted(second);
    const V first_difference = difference(first, first_codes);
    const V second_difference = difference(second, second_codes);
    return {first_codes, second_codes,
            tree_sum(first_difference * first_difference + second_difference * second_difference),
            static_cast<std::uint16_t>(byte | static_cast<std::int32_t>(zero) << 8)};
  }

  static std::uint16_t encode(const float* source, std::uint8_t* codes) {
    const V first = load(V{}, source);
    const V second = load(V{}, source + kLanes);
    const float least = -greatest(greater(greater(-first, -second), V{}));
    const float most = greatest(greater(greater(first, second), V{}));
    const float range = (most - least) / kLayout.greatest();
    std::int32_t bits;
    __builtin_memcpy(&bits, &range, sizeof bits);
    const std::int32_t below = (bits < kLeastStep ? 0 : bits - kLeastStep) >> kStepShift;
    if (!all_finite(first) || !all_finite(second) || below > kGreatestStep) {
      __builtin_memset(codes, 0, static_cast<std::size_t>(kCodeColumns));
      return kStepOfNan;
    }
    const float middle = 0.5f * (least + most);
    Rounded chosen = encode_by(below, first, second, middle);
    if (below < kGreatestStep) {
      const Rounded above = encode_by(below + 1, first, second, middle);
      if (above.error < chosen.error) chosen = above;
    }
    float whole[kCodeColumns];
    store(whole, chosen.first);
    store(whole + kLanes, chosen.second);
    whole_bytes(whole, codes, kCodeColumns);
    return chosen.word;
  }
};

static inline std::uint8_t both_halves(std::uint8_t low, std::uint8_t high) {
  return static_cast<std::uint8_t>((low & 15) | high << 4);
}

template <class V>
struct KeysOf5 : SteppedCodes<V, kCacheQ4Keys.bits> {
  static void store(const std::uint8_t* codes, std::int64_t head_dim, std::int64_t slot, std::int64_t d,
                    std::uint8_t* record) {
    for (std::int64_t i = 0; i < kCodeColumns; i += 4) {
      std::uint8_t* target = record + key_nibble(slot, d + i);
      target[0] = both_halves(codes[i], codes[i + 2]);
      target[1] = both_halves(codes[i + 1], codes[i + 3]);
    }
    for (std::int64_t i = 0; i < kCodeColumns; i += 8) {
      int bits = 0;
      for (std::int64_t k = 0; k < 8; ++k) bits |= (codes[i + k] >> 4 & 1) << key_fifth_bit(k);
      record[key_fifth(head_dim, slot, d + i)] = static_cast<std::uint8_t>(bits);
    }
  }
};

template <class V>
struct ValuesOf4 : SteppedCodes<V, kCacheQ4Values.bits> {
  static void store(const std::uint8_t* codes, std::int64_t head_dim, std::int64_t slot, std::int64_t d,
                    std::uint8_t* record) {
    for (std::int64_t i = 0; i < kCodeColumns; i += 16) {
      std::uint8_t* target = record + value_nibble(head_dim, slot, d + i);
      for (std::int64_t k = 0; k < 8; ++k) target[2 * k] = both_halves(codes[i + k], codes[i + k + 8]);
    }
  }
};

template <class V, class Keys, class Values>
struct CodePage {
  using Element = std::uint8_t;

  static std::int64_t key_elements(std::int64_t head_dim) { return Keys::kLayout.record_bytes(head_dim); }
  static std::int64_t value_elements(std::int64_t head_dim) { return Values::kLayout.record_bytes(head_dim); }

  template <class KeyOf>
  static void write(const KeyOf& key_of, const PageRows& rows, Element* keys, Element* values) {
    const std::int64_t head_dim = rows.head_dim;
    auto* key_words = reinterpret_cast<std::uint16_t*>(keys + Keys::kLayout.code_bytes(head_dim));
    auto* value_words = reinterpret_cast<std::uint16_t*>(values + Values::kLayout.code_bytes(head_dim));
    std::uint8_t codes[kCodeColumns];
    for (std::int64_t token = 0; token < rows.tokens; ++token) {
      const std::int64_t slot = rows.first_slot + token;
      rotate_columns<V>(key_of(rows.k + token * rows.stride, rows.first_token + token), rows.row, head_dim);
      for (std::int64_t d = 0; d < head_dim; d += kCodeColumns) {
        key_words[key_word(slot, d)] = Keys::encode(rows.row + d, codes);
        Keys::store(codes, head_dim, slot, d, keys);
      }
      rotate_columns<V>(rows.v + token * rows.stride, rows.row, head_dim);
      for (std::int64_t d = 0; d < head_dim; d += kCodeColumns) {
        value_words[value_word(head_dim, slot, d)] = Values::encode(rows.row + d, codes);
        Values::store(codes, head_dim, slot, d, values);
      }
    }
  }
};

}  // namespace lathe::vector
