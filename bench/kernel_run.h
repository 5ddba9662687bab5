// Runs one kernel as a plan does: every thread of a pool with its own scratch.
#pragma once

#include <benchmark/benchmark.h>

#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "aligned_bytes.h"
#include "base/cpu_features.h"
#include "base/thread_pool.h"
#include "cpu/kernels.h"

namespace lathe {

/// The op's kernel with the highest rank at the level that LATHE_ISA chooses; `ending` is its name's.
inline const Kernel& kernel_of(std::string_view op, std::string_view ending = "") {
  static const std::vector<Kernel> kKernels = cpu_kernels(chosen_isa());
  const Kernel* best = nullptr;
  for (const auto& kernel : kKernels)
    if (kernel.op == op && kernel.name.ends_with(ending) && (best == nullptr || kernel.rank > best->rank))
      best = &kernel;
  if (best == nullptr) throw std::runtime_error("no kernel of " + std::string(op));
  return *best;
}

inline TensorArg argument(const AlignedBytes& bytes, Dtype dtype, std::initializer_list<std::int64_t> dims) {
  TensorArg tensor{bytes.get(), {}, static_cast<std::int32_t>(dims.size()), static_cast<std::int32_t>(dtype)};
  std::copy(dims.begin(), dims.end(), tensor.dims);
  return tensor;
}

/// `advance(inputs)` comes before each call, so that it may give it other weights.
template <class Advance>
void run_kernel(benchmark::State& state, const Kernel& kernel, std::vector<TensorArg> inputs,
                const std::vector<TensorArg>& outputs, const std::vector<AttributeValue>& attributes,
                int threads, Advance advance) {
  const KernelCall call{
      inputs.data(), outputs.data(), attributes.data(), nullptr, static_cast<std::int32_t>(inputs.size()), 0,
      threads};
  const std::size_t scratch_bytes =
      kernel.scratch_bytes != nullptr ? kernel.scratch_bytes(call) / 64 * 64 + 64 : 0;
  const auto scratch = allocate(scratch_bytes * static_cast<std::size_t>(threads));
  ThreadPool pool(threads);
  const auto task = [&](int thread) {
    KernelCall own = call;
    own.thread = thread;
    own.scratch = scratch.get() + static_cast<std::size_t>(thread) * scratch_bytes;
    kernel.run(own);
  };
  for (auto _ : state) {
    advance(inputs);
    pool.run(task);
  }
}

inline void run_kernel(benchmark::State& state, const Kernel& kernel, std::vector<TensorArg> inputs,
                       const std::vector<TensorArg>& outputs, const std::vector<AttributeValue>& attributes,
                       int threads) {
  run_kernel(state, kernel, std::move(inputs), outputs, attributes, threads, [](auto&) {});
}

}  // namespace lathe
