// What kernels compute of single numbers and of rows: one definition for the kernel of an op and for those
// that run several ops at once. The formulas stand in the files of the ops.
#pragma once

#include <bit>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>

#include "cpu/fine_columns.h"
#include "cpu/matmul_shape.h"
#include "cpu/portable/exp_f32.h"
#include "cpu/portable/gelu_f32.h"
#include "cpu/portable/tanh_f32.h"

namespace lathe::portable {

inline float swish_f32(float x) { return x / (1.0f + exp_f32(-x)); }

/// Sums of rows run in so many lanes, columns i, i + 64, ...: four vectors of 16, since one alone waits for
/// itself.
inline constexpr int kRowLanes = 64;

/// Lane i with i + 32, then + 16, and so on.
inline float tree_sum(float (&lanes)[kRowLanes]) {
  for (int half = kRowLanes / 2; half > 0; half /= 2)
    for (int i = 0; i < half; ++i) lanes[i] += lanes[i + half];
  return lanes[0];
}

inline float sum_of_squares(const float* x, std::int64_t columns) {
  float lanes[kRowLanes] = {};
  for (std::int64_t i = 0; i < columns; ++i)
    lanes[i % kRowLanes] = std::fma(x[i], x[i], lanes[i % kRowLanes]);
  return tree_sum(lanes);
}

/// RMSNormalization; y may be x.
inline void rms_normalize_row(const float* x, const float* scale, float epsilon, float* y,
                              std::int64_t columns) {
  const float mean = sum_of_squares(x, columns) / static_cast<float>(columns);
  const float r = 1.0f / std::sqrt(mean + epsilon);
  for (std::int64_t i = 0; i < columns; ++i) y[i] = (x[i] * r) * scale[i];
}

inline float mean_of(const float* x, std::int64_t columns) {
  float lanes[kRowLanes] = {};
  for (std::int64_t i = 0; i < columns; ++i) lanes[i % kRowLanes] += x[i];
  return tree_sum(lanes) / static_cast<float>(columns);
}

inline float variance_of(const float* x, float mean, std::int64_t columns) {
  float lanes[kRowLanes] = {};
  for (std::int64_t i = 0; i < columns; ++i) {
    const float difference = x[i] - mean;
    lanes[i % kRowLanes] = std::fma(difference, difference, lanes[i % kRowLanes]);
  }
  return tree_sum(lanes) / static_cast<float>(columns);
}

/// LayerNormalization; y may be x, bias may be null.
inline void layer_normalize_row(const float* x, const float* scale, const float* bias, float epsilon,
                                float* y, std::int64_t columns) {
  const float mean = mean_of(x, columns);
  const float r = 1.0f / std::sqrt(variance_of(x, mean, columns) + epsilon);
  for (std::int64_t i = 0; i < columns; ++i) {
    const float scaled = ((x[i] - mean) * r) * scale[i];
    y[i] = bias == nullptr ? scaled : scaled + bias[i];
  }
}

struct BlockFactors {
  float scale;
  std::int32_t zero;  // with the places of fine columns
  float sum;
  float half_sum;
  std::int32_t fine_codes;
};

struct BlockScale {
  float scale;
  float inverse;  // 0 where all codes are
  std::int32_t zero;
};

/// That holds both ends to half a step, if `zero` is the code of 0.
inline float scale_of(float low, float high, float zero) {
  return std::fmax(-low / (zero + 0.5f), high / (255.5f - zero));
}

/// Of a block between `low` and `high` (quant/activation.h).
inline BlockScale block_scale(float low, float high) {
  low = low < 0.0f ? low : 0.0f;
  high = high > 0.0f ? high : 0.0f;
  const float range = high - low;
  if (!(range <= std::numeric_limits<float>::max())) return {std::numeric_limits<float>::quiet_NaN(), 0, 0};
  if (range < kLeastRange) return {0, 0, 0};
  constexpr auto kStep = static_cast<float>(kZeroStep);
  const float lower = kStep * std::floor((low / range) * (-255.0f / kStep));
  const float upper = std::fmin(lower + kStep, 256.0f - kStep);
  const float lower_scale = scale_of(low, high, lower);
  const float upper_scale = scale_of(low, high, upper);
  const float zero = upper_scale < lower_scale ? upper : lower;
  auto bits = std::bit_cast<std::uint32_t>(std::fmin(lower_scale, upper_scale));
  constexpr std::uint32_t kLow = (1u << kScaleLowBits) - 1;
  bits = (bits + kLow) & ~kLow;
  const auto scale = std::bit_cast<float>(bits);
  return {scale, 1.0f / scale, static_cast<std::int32_t>(zero)};
}

/// The least and the greatest of some values, as block_scale() takes them: high is infinite where one is NaN.
struct ValueRange {
  float low;
  float high;
};

inline ValueRange range_of(const float* values, std::int64_t count) {
  ValueRange range{values[0], values[0]};
  bool has_nan = false;
  for (std::int64_t i = 0; i < count; ++i) {
    range.low = values[i] < range.low ? values[i] : range.low;
    range.high = values[i] > range.high ? values[i] : range.high;
    has_nan |= std::isnan(values[i]);
  }
  if (has_nan) range.high = std::numeric_limits<float>::infinity();
  return range;
}

/// Of one block with fine columns.
inline ValueRange range_of(const float* values, const FineColumns& fine) {
  float rest[kActivationBlock];
  for (std::uint32_t i = 0; i < kActivationBlock; ++i) rest[i] = fine.mask >> i & 1u ? 0.0f : values[i];
  ValueRange range = range_of(rest, kActivationBlock);
  range.high = std::fmax(range.high, fine_range(fine, values));
  return range;
}

/// Values beyond the scale's range get the outermost code.
inline BlockFactors quantize_block(const float* values, const BlockScale& block, std::uint8_t* codes,
                                   const FineColumns& fine = {}) {
  const FineCodes fine_values = fine_codes(fine, values, block.inverse);
  int sum = fine_values.sum;
  int half_sum = fine_values.half_sum;
  for (int i = 0; i < kActivationBlock; ++i) {
    const float value = fine.mask >> i & 1u ? 0.0f : values[i];
    float position = std::fma(value, block.inverse, static_cast<float>(block.zero));
    position = position > 0.0f ? position : 0.0f;  // and NaN becomes 0
    position = position < 255.0f ? position : 255.0f;
    const int code = static_cast<int>(std::nearbyint(position));
    codes[i] = static_cast<std::uint8_t>(code);
    sum += code - block.zero;
    if (i < kActivationBlock / 2) half_sum += code - block.zero;
  }
  return {block.scale, block.zero | fine_places(fine), block.scale * static_cast<float>(sum),
          block.scale * static_cast<float>(half_sum), packed_fine_codes(fine_values)};
}

/// What a row's record keeps of block `block` beside its codes.
inline void store_factors(const BlockFactors& factors, std::int64_t block, std::int64_t columns,
                          std::uint8_t* row) {
  const std::int64_t stride = columns / kActivationBlock * static_cast<std::int64_t>(sizeof(float));
  std::uint8_t* place = row + columns + block * static_cast<std::int64_t>(sizeof(float));
  std::memcpy(place, &factors.scale, sizeof(float));
  std::memcpy(place + stride, &factors.zero, sizeof(float));
  std::memcpy(place + 2 * stride, &factors.sum, sizeof(float));
  std::memcpy(place + 3 * stride, &factors.half_sum, sizeof(float));
  std::memcpy(place + 4 * stride, &factors.fine_codes, sizeof(float));
}

/// Those of a block's columns that are not 0 in `marks`; none where it is null.
inline FineColumns marked_columns(const float* marks) {
  std::uint32_t bits = 0;
  for (std::uint32_t i = 0; marks != nullptr && i < kActivationBlock; ++i)
    bits |= marks[i] != 0.0f ? 1u << i : 0u;
  return fine_columns(bits);
}

/// QuantizeActivation of `count` neighbouring blocks of a row from block `first` on, whose values are given,
/// and marks of their fine columns, or null, into the row's record.
inline void quantize_blocks(const float* values, const float* marks, std::int64_t first, std::int64_t count,
                            std::int64_t columns, std::uint8_t* row) {
  for (std::int64_t i = 0; i < count; ++i, values += kActivationBlock) {
    const FineColumns fine = marked_columns(marks == nullptr ? nullptr : marks + i * kActivationBlock);
    const ValueRange range = range_of(values, fine);
    store_factors(quantize_block(values, block_scale(range.low, range.high),
                                 row + (first + i) * kActivationBlock, fine),
                  first + i, columns, row);
  }
}

}  // namespace lathe::portable
