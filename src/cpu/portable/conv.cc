// Conv in float32 (x [N, C, spatial...], weight [M, C / group, kernel...], bias [M]); conv.h has the
// arithmetic. Other types: simple_conv.cc.
#include <cmath>

#include "cpu/conv.h"
#include "cpu/portable/kernel_arguments.h"

namespace lathe::portable {
namespace {

struct Lanes {
  float lanes[conv::kLanes];
};

Lanes broadcast(Lanes, float x) {
  Lanes result;
  for (auto& lane : result.lanes) lane = x;
  return result;
}
Lanes load(Lanes, const float* source) {
  Lanes result;
  for (std::size_t i = 0; i < conv::kLanes; ++i) result.lanes[i] = source[i];
  return result;
}
Lanes load_first(Lanes rest, const float* source, std::int64_t count) {
  for (std::int64_t i = 0; i < count; ++i) rest.lanes[i] = source[i];
  return rest;
}
void store_first(float* target, const Lanes& x, std::int64_t count) {
  for (std::int64_t i = 0; i < count; ++i) target[i] = x.lanes[i];
}
void store(float* target, const Lanes& x) { store_first(target, x, conv::kLanes); }
Lanes operator+(Lanes a, const Lanes& b) {
  for (std::size_t i = 0; i < conv::kLanes; ++i) a.lanes[i] += b.lanes[i];
  return a;
}
Lanes fma(const Lanes& a, const Lanes& b, Lanes c) {
  for (std::size_t i = 0; i < conv::kLanes; ++i) c.lanes[i] = std::fma(a.lanes[i], b.lanes[i], c.lanes[i]);
  return c;
}

std::size_t scratch_bytes(const KernelCall&) { return conv::kScratchBytes; }

bool serial(const KernelCall& call) {
  constexpr std::int64_t kFewProducts = 50000;
  const TensorArg& weight = call.inputs[1];
  const std::int64_t depth = weight.dims[0] == 0 ? 0 : element_count(weight) / weight.dims[0];
  return element_count(call.outputs[0]) * depth <= kFewProducts;
}

}  // namespace

std::span<const Kernel> conv_kernels() {
  static const Kernel kKernels[] = {{.name = "portable.conv.f32",
                                     .op = "Conv",
                                     .arithmetic = "f32",
                                     .accepts = accepts_f32,
                                     .run = conv::run<Lanes, 4, 1>,
                                     .scratch_bytes = scratch_bytes,
                                     .serial = serial}};
  return kKernels;
}

}  // namespace lathe::portable
