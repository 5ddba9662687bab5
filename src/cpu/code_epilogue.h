// What ConvCodes and LinearCodes do with 16 exact sums at once (graph/code_product.h), over a vector type V
// of 16 floats, its sums of 32 bits and the functions of avx2/code_vector.h and avx512/code_vector.h. Plain
// data and functions of internal linkage, so that ISA files may include it.
#pragma once

#include <cstdint>

#include "backend/kernel_call.h"
#include "graph/code_product.h"

namespace lathe::codes {
namespace {

// Numbers of dtypes, which portable/code_epilogue.h holds against Dtype.
constexpr std::int32_t kI8 = 4;
constexpr std::int32_t kU8 = 39;
constexpr std::int32_t kNone = 53;

[[maybe_unused]] bool is_given(const KernelCall& call, int input) {
  return input < call.input_count && call.inputs[input].dtype != kNone;
}

[[maybe_unused]] std::int32_t code_of(const TensorArg& number) {
  return number.dtype == kI8 ? *static_cast<const std::int8_t*>(number.data)
                             : *static_cast<const std::uint8_t*>(number.data);
}

/// x's zero point as x is multiplied: codes of i8 are moved up by 128.
[[maybe_unused]] std::int32_t unsigned_zero(const KernelCall& call) {
  const TensorArg& zero = call.inputs[code_product::kXZero];
  return zero.dtype == kI8 ? code_of(zero) + 128 : code_of(zero);
}

struct Epilogue {
  const float* factors;            // of each row
  const float* bias;               // or null
  const std::int32_t* whole_bias;  // or null
  bool in_one_step;                // factors lead to codes of y, without a scale
  const void* addend;              // as y, or null
  std::int32_t addend_dtype;
  float addend_scale;
  float addend_zero;
  void* y;
  bool is_codes;  // y
  // of y, or where it is codes of y / y_scale: whole numbers whose codes, y_zero more, the type holds
  float least;
  float most;
  float y_scale;
  std::int32_t y_zero;
};

/// A bound in steps of the scale, among `low` to `high`; a NaN is `low`.
[[maybe_unused]] float bound_in_steps(float bound, float scale, float low, float high) {
  const float steps = __builtin_rintf(bound / scale);
  if (!(steps > low)) return low;
  return steps < high ? steps : high;
}

/// `least` is the index of that attribute; `most` follows.
[[maybe_unused]] Epilogue epilogue_of(const KernelCall& call, int least) {
  using namespace code_product;
  Epilogue epilogue{};
  const auto number = [&call](int input) { return *static_cast<const float*>(call.inputs[input].data); };
  epilogue.factors = static_cast<const float*>(call.inputs[kFactors].data);
  epilogue.is_codes = is_given(call, kYZero);
  epilogue.in_one_step = epilogue.is_codes && !is_given(call, kYScale);
  if (is_given(call, kBias) && epilogue.in_one_step)
    epilogue.whole_bias = static_cast<const std::int32_t*>(call.inputs[kBias].data);
  else if (is_given(call, kBias))
    epilogue.bias = static_cast<const float*>(call.inputs[kBias].data);
  if (is_given(call, kAddend)) {
    epilogue.addend = call.inputs[kAddend].data;
    epilogue.addend_dtype = call.inputs[kAddend].dtype;
  }
  if (is_given(call, kAddendScale)) {
    epilogue.addend_scale = number(kAddendScale);
    epilogue.addend_zero = static_cast<float>(code_of(call.inputs[kAddendZero]));
  }
  epilogue.least = least_of(call.attributes[least].real);
  epilogue.most = most_of(call.attributes[least + 1].real);
  epilogue.y = call.outputs[0].data;
  if (!epilogue.is_codes) return epilogue;
  epilogue.y_zero = code_of(call.inputs[kYZero]);
  const auto low = static_cast<float>((call.outputs[0].dtype == kI8 ? -128 : 0) - epilogue.y_zero);
  if (epilogue.in_one_step) {
    epilogue.least = low;
    epilogue.most = low + 255.0f;
    return epilogue;
  }
  epilogue.y_scale = number(kYScale);
  epilogue.least = bound_in_steps(epilogue.least, epilogue.y_scale, low, low + 255.0f);
  epilogue.most = bound_in_steps(epilogue.most, epilogue.y_scale, low, low + 255.0f);
  return epilogue;
}

template <class V>
using Sums = decltype(broadcast_sum(V{}, 0));

/// What the rows of 16 sums are multiplied with, and what is added. An absent bias is -0, or no step, which
/// changes nothing.
template <class V>
struct RowTerms {
  V factors;
  V bias;
  Sums<V> whole_bias;
};

/// Of one row.
template <class V>
[[gnu::always_inline]] inline RowTerms<V> terms_of_row(const Epilogue& epilogue, std::int64_t row) {
  return {broadcast(V{}, epilogue.factors[row]),
          broadcast(V{}, epilogue.bias == nullptr ? -0.0f : epilogue.bias[row]),
          broadcast_sum(V{}, epilogue.whole_bias == nullptr ? 0 : epilogue.whole_bias[row])};
}

/// Of at most 16 rows.
template <class V>
[[gnu::always_inline]] inline RowTerms<V> terms_of_rows(const Epilogue& epilogue, std::int64_t first,
                                                        std::int64_t count) {
  RowTerms<V> terms{load_first(broadcast(V{}, 0.0f), epilogue.factors + first, count), broadcast(V{}, -0.0f),
                    broadcast_sum(V{}, 0)};
  if (epilogue.bias != nullptr) terms.bias = load_first(terms.bias, epilogue.bias + first, count);
  if (epilogue.whole_bias != nullptr)
    terms.whole_bias = load_first_sums(V{}, epilogue.whole_bias + first, count);
  return terms;
}

/// Writes elements [at, at + count) of y, at most 16.
template <class V>
[[gnu::always_inline]] inline void finish(const Epilogue& epilogue, Sums<V> sums, const RowTerms<V>& terms,
                                          std::int64_t at, std::int64_t count) {
  if (epilogue.in_one_step) {
    store_scaled_codes(static_cast<std::uint8_t*>(epilogue.y) + at, added(sums, terms.whole_bias),
                       terms.factors, epilogue.y_zero, epilogue.least, epilogue.most, count);
    return;
  }
  V value = real(sums) * terms.factors + terms.bias;
  if (epilogue.addend != nullptr) {
    if (epilogue.addend_dtype == kI8 || epilogue.addend_dtype == kU8) {
      const auto* source = static_cast<const std::uint8_t*>(epilogue.addend) + at;
      const V codes = load_codes(V{}, source, epilogue.addend_dtype == kI8, count);
      value = value + (codes - broadcast(V{}, epilogue.addend_zero)) * broadcast(V{}, epilogue.addend_scale);
    } else {
      value =
          value + load_first(broadcast(V{}, 0.0f), static_cast<const float*>(epilogue.addend) + at, count);
    }
  }
  const V least = broadcast(V{}, epilogue.least);
  const V most = broadcast(V{}, epilogue.most);
  if (epilogue.is_codes) {
    value = value / broadcast(V{}, epilogue.y_scale);
    value = lesser(greater(value, least), most);
    store_codes(static_cast<std::uint8_t*>(epilogue.y) + at, value, epilogue.y_zero, count);
  } else {
    value = lesser(most, greater(least, value));
    store_first(static_cast<float*>(epilogue.y) + at, value, count);
  }
}

}  // namespace
}  // namespace lathe::codes
