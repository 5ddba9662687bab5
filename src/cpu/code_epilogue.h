// What ConvCodes and LinearCodes do with 16 exact sums at once (graph/code_product.h), over a vector type V
// of 16 floats and the functions of avx2/code_vector.h and avx512/code_vector.h. Plain data and functions of
// internal linkage, so that ISA files may include it.
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
  const float* factors;  // of each row
  const float* bias;     // or null
  const void* addend;    // as y, or null
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
  epilogue.bias = is_given(call, kBias) ? static_cast<const float*>(call.inputs[kBias].data) : nullptr;
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
  epilogue.is_codes = is_given(call, kYScale);
  if (!epilogue.is_codes) return epilogue;
  epilogue.y_scale = number(kYScale);
  epilogue.y_zero = code_of(call.inputs[kYZero]);
  const auto low = static_cast<float>((call.outputs[0].dtype == kI8 ? -128 : 0) - epilogue.y_zero);
  epilogue.least = bound_in_steps(epilogue.least, epilogue.y_scale, low, low + 255.0f);
  epilogue.most = bound_in_steps(epilogue.most, epilogue.y_scale, low, low + 255.0f);
  return epilogue;
}

/// Writes elements [at, at + count) of y, at most 16. An absent bias is -0, which changes nothing.
template <class V>
[[gnu::always_inline]] inline void finish(const Epilogue& epilogue, V sums, V factors, V bias,
                                          std::int64_t at, std::int64_t count) {
  V value = sums * factors + bias;
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
