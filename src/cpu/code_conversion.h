// QuantizeLinear and DequantizeLinear between float32 and bytes with one scale, over a vector type V of 16
// floats and the functions of avx2/code_vector.h and avx512/code_vector.h. Plain data and functions of
// internal linkage, so that ISA files may include it.
#pragma once

#include "cpu/code_epilogue.h"

namespace lathe::codes {
namespace {

constexpr std::int64_t kAtOnce = 16;

/// The zero point; 0 where it was left out.
[[maybe_unused]] std::int32_t zero_of(const KernelCall& call) {
  return is_given(call, 2) ? code_of(call.inputs[2]) : 0;
}

/// Calls body(first, count) for this thread's elements, at most 16 at once.
template <class Body>
void for_each_part(const KernelCall& call, Body body) {
  const TensorArg& x = call.inputs[0];
  std::int64_t elements = 1;
  for (int i = 0; i < x.rank; ++i) elements *= x.dims[i];
  const std::int64_t end = elements * (call.thread + 1) / call.threads;
  for (std::int64_t i = elements * call.thread / call.threads; i < end; i += kAtOnce)
    body(i, end - i < kAtOnce ? end - i : kAtOnce);
}

template <class V>
void quantize(const KernelCall& call) {
  const auto* x = static_cast<const float*>(call.inputs[0].data);
  auto* y = static_cast<std::uint8_t*>(call.outputs[0].data);
  const std::int32_t zero = zero_of(call);
  const auto low = static_cast<float>((call.outputs[0].dtype == kI8 ? -128 : 0) - zero);
  const V scale = broadcast(V{}, *static_cast<const float*>(call.inputs[1].data));
  const V least = broadcast(V{}, low);
  const V most = broadcast(V{}, low + 255.0f);
  const V none = broadcast(V{}, 0.0f);
  for_each_part(call, [&](std::int64_t i, std::int64_t count) {
    // bounds that are whole numbers hold what is rounded too; a NaN is the least
    const V steps = load_first(none, x + i, count) / scale;
    store_codes(y + i, lesser(greater(steps, least), most), zero, count);
  });
}

template <class V>
void dequantize(const KernelCall& call) {
  const auto* x = static_cast<const std::uint8_t*>(call.inputs[0].data);
  auto* y = static_cast<float*>(call.outputs[0].data);
  const bool is_signed = call.inputs[0].dtype == kI8;
  const V scale = broadcast(V{}, *static_cast<const float*>(call.inputs[1].data));
  const V zero = broadcast(V{}, static_cast<float>(zero_of(call)));
  for_each_part(call, [&](std::int64_t i, std::int64_t count) {
    store_first(y + i, (load_codes(V{}, x + i, is_signed, count) - zero) * scale, count);
  });
}

}  // namespace
}  // namespace lathe::codes
