// GlobalAveragePool, GlobalMaxPool and GlobalLpPool of any float type: a number for each plane of
// x [N, C, spatial...]. Sums are those of plane_mean.h. NaN stays NaN.
#include <cmath>
#include <limits>

#include "cpu/plane_mean.h"
#include "cpu/portable/float_element.h"

namespace lathe::portable {
namespace {

template <class Element>
double average(const typename Element::Stored* x, std::int64_t count, const KernelCall&) {
  return lane_sum(count, [x](std::int64_t i) { return static_cast<double>(Element::load(x[i])); }) /
         static_cast<double>(count);
}

template <class Element>
double greatest(const typename Element::Stored* x, std::int64_t count, const KernelCall&) {
  double result = -std::numeric_limits<double>::infinity();
  for (std::int64_t i = 0; i < count; ++i) {
    const auto value = static_cast<double>(Element::load(x[i]));
    if (value > result || value != value) result = value;
    if (value != value) break;
  }
  return result;
}

template <class Element>
double norm(const typename Element::Stored* x, std::int64_t count, const KernelCall& call) {
  const auto p = static_cast<double>(call.attributes[0].integer);
  const double total = lane_sum(count, [x, p](std::int64_t i) {
    return std::pow(std::fabs(static_cast<double>(Element::load(x[i]))), p);
  });
  return std::pow(total, 1 / p);
}

template <class Element, double (*function)(const typename Element::Stored*, std::int64_t, const KernelCall&)>
void run(const KernelCall& call) {
  const auto* x = data_of<const typename Element::Stored>(call.inputs[0]);
  auto* y = data_of<typename Element::Stored>(call.outputs[0]);
  const std::int64_t planes = element_count(call.outputs[0]);
  if (planes == 0) return;
  const std::int64_t count = element_count(call.inputs[0]) / planes;
  const Share share = share_of(call, planes);
  for (std::int64_t i = share.begin; i < share.end; ++i)
    y[i] = Element::store(static_cast<typename Element::Number>(function(x + i * count, count, call)));
}

bool serial(const KernelCall& call) { return is_small(call.inputs[0], 8192); }

template <class Element>
void add(std::vector<Kernel>& kernels, const std::string& dtype) {
  const auto row = [&](const char* name, std::string_view op, KernelFunction function) {
    kernels.push_back({.name = "portable." + std::string(name) + "." + dtype,
                       .op = op,
                       .arithmetic = "f32",
                       .accepts = accepts_element<Element>,
                       .run = function,
                       .serial = serial});
  };
  row("global_average_pool", "GlobalAveragePool", run<Element, average<Element>>);
  row("global_max_pool", "GlobalMaxPool", run<Element, greatest<Element>>);
  row("global_lp_pool", "GlobalLpPool", run<Element, norm<Element>>);
}

}  // namespace

std::span<const Kernel> global_pool_kernels() {
  static const std::vector<Kernel> kKernels = [] {
    std::vector<Kernel> kernels;
    add<F32Element>(kernels, "f32");
    add<F64Element>(kernels, "f64");
    add<F16Element>(kernels, "f16");
    add<Bf16Element>(kernels, "bf16");
    return kernels;
  }();
  return kKernels;
}

}  // namespace lathe::portable
