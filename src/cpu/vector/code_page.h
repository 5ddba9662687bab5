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

template <class V>
struct Codes8 {
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
      __builtin_memset(codes, 0, static_cast<std::size_t>(kLayout.group));
      return kScaleOfNan;
    }
    const V inverse = broadcast(V{}, scale > 0 ? 1.0f / scale : 0.0f);
    const auto shifted = [inverse](V part) {
      const V bounded = lesser(greater(part * inverse, broadcast(V{}, -127.0f)), broadcast(V{}, 127.0f));
      return bounded + broadcast(V{}, kToWhole);
    };
    float whole[2 * kLanes];
    store(whole, shifted(first));
    store(whole + kLanes, shifted(second));
    whole_bytes(whole, codes, 2 * kLanes);
    return halves[0];
  }

  /// Of the columns from d on.
  static void store_key(const std::uint8_t* codes, std::int64_t, std::int64_t slot, std::int64_t d,
                        std::uint8_t* record) {
    for (std::int64_t i = 0; i < kLayout.group; i += 2)
      __builtin_memcpy(record + (d + i) * kPageTokens + 2 * slot, codes + i, 2);
  }
  static void store_value(const std::uint8_t* codes, std::int64_t head_dim, std::int64_t slot, std::int64_t d,
                          std::uint8_t* record) {
    std::uint8_t* target = record + 2 * (slot / 2 * head_dim + d) + slot % 2;
    for (std::int64_t i = 0; i < kLayout.group; ++i) target[2 * i] = codes[i];
  }
};

template <class V>
struct Codes4 {
  static constexpr CacheCodes kLayout = kCacheQ4;

  struct Rounded {
    V shifted;  // codes plus kToWhole
    float error;
    std::uint16_t word;
  };

  static Rounded encode_by(std::int32_t byte, V x, float middle) {
    const std::int32_t bits = (byte << kStepShift) + kStepBase;
    float scale;
    __builtin_memcpy(&scale, &bits, sizeof scale);
    scale *= kStepFactor;
    const float inverse = 1.0f / scale;
    const float centre = (7.5f - middle * inverse) * 16.0f;
    const float bounded = centre < 0.0f ? 0.0f : centre > 255.0f ? 255.0f : centre;
    const float zero = (bounded + kToWhole) - kToWhole;
    const V origin = broadcast(V{}, zero * 0.0625f);
    const V near = fma(x, broadcast(V{}, inverse), origin);
    const V shifted = lesser(greater(near, V{}), broadcast(V{}, 15.0f)) + broadcast(V{}, kToWhole);
    const V code = shifted - broadcast(V{}, kToWhole);
    const V difference = fma(broadcast(V{}, scale), code - origin, -x);
    return {shifted, tree_sum(difference * difference),
            static_cast<std::uint16_t>(byte | static_cast<std::int32_t>(zero) << 8)};
  }

  static std::uint16_t encode(const float* source, std::uint8_t* codes) {
    const V x = load(V{}, source);
    const float least = -greatest(greater(-x, V{}));
    const float most = greatest(greater(x, V{}));
    const float range = (most - least) / 15.0f;
    std::int32_t bits;
    __builtin_memcpy(&bits, &range, sizeof bits);
    const std::int32_t below = (bits < kLeastStep ? 0 : bits - kLeastStep) >> kStepShift;
    if (!all_finite(x) || below > kGreatestStep) {
      __builtin_memset(codes, 0, static_cast<std::size_t>(kLayout.group));
      return kStepOfNan;
    }
    const float middle = 0.5f * (least + most);
    Rounded chosen = encode_by(below, x, middle);
    if (below < kGreatestStep) {
      const Rounded above = encode_by(below + 1, x, middle);
      if (above.error < chosen.error) chosen = above;
    }
    float whole[kLanes];
    store(whole, chosen.shifted);
    whole_bytes(whole, codes, kLanes);
    return chosen.word;
  }

  static std::uint8_t both(std::uint8_t low, std::uint8_t high) {
    return static_cast<std::uint8_t>((low & 15) | high << 4);
  }
  static void store_key(const std::uint8_t* codes, std::int64_t, std::int64_t slot, std::int64_t d,
                        std::uint8_t* record) {
    for (std::int64_t i = 0; i < kLayout.group; i += 4) {
      std::uint8_t* target = record + key_nibble(slot, d + i);
      target[0] = both(codes[i], codes[i + 2]);
      target[1] = both(codes[i + 1], codes[i + 3]);
    }
  }
  static void store_value(const std::uint8_t* codes, std::int64_t head_dim, std::int64_t slot, std::int64_t d,
                          std::uint8_t* record) {
    std::uint8_t* target = record + value_nibble(head_dim, slot, d);
    for (std::int64_t i = 0; i < 8; ++i) target[2 * i] = both(codes[i], codes[i + 8]);
  }
};

template <class V, class Codes>
struct CodePage {
  using Element = std::uint8_t;

  static std::int64_t elements(std::int64_t head_dim) { return Codes::kLayout.record_bytes(head_dim); }

  template <class KeyOf>
  static void write(const KeyOf& key_of, const PageRows& rows, Element* keys, Element* values) {
    constexpr CacheCodes kLayout = Codes::kLayout;
    const std::int64_t head_dim = rows.head_dim;
    auto* key_words = reinterpret_cast<std::uint16_t*>(keys + kLayout.code_bytes(head_dim));
    auto* value_words = reinterpret_cast<std::uint16_t*>(values + kLayout.code_bytes(head_dim));
    std::uint8_t codes[kLayout.group];
    for (std::int64_t token = 0; token < rows.tokens; ++token) {
      const std::int64_t slot = rows.first_slot + token;
      rotate_columns<V>(key_of(rows.k + token * rows.stride, rows.first_token + token), rows.row, head_dim);
      for (std::int64_t d = 0; d < head_dim; d += kLayout.group) {
        key_words[kLayout.key_word(slot, d)] = Codes::encode(rows.row + d, codes);
        Codes::store_key(codes, head_dim, slot, d, keys);
      }
      rotate_columns<V>(rows.v + token * rows.stride, rows.row, head_dim);
      for (std::int64_t d = 0; d < head_dim; d += kLayout.group) {
        value_words[kLayout.value_word(head_dim, slot, d)] = Codes::encode(rows.row + d, codes);
        Codes::store_value(codes, head_dim, slot, d, values);
      }
    }
  }
};

}  // namespace lathe::vector
