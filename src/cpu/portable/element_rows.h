// Kernels of one and two inputs as functions of runs of elements, one for each type, and what walks a tensor
// with them: broadcasting, threads, and the kernel's description.
#pragma once

#include <string>

#include "cpu/portable/element_types.h"
#include "cpu/portable/strided.h"

namespace lathe::portable {

inline std::int64_t element_bytes(const TensorArg& tensor) {
  return static_cast<std::int64_t>(info(static_cast<Dtype>(tensor.dtype)).block_bytes);
}

inline Dtype dtype_of(const TensorArg& tensor) { return static_cast<Dtype>(tensor.dtype); }

/// Two inputs' elements, `step` apart (0: one for all), and the output's.
struct BinaryRun {
  const void* a;
  std::int64_t step_a;
  const void* b;
  std::int64_t step_b;
  void* y;
  std::int64_t count;
};

using BinaryFunction = void (*)(const BinaryRun& run, const KernelCall& call);

/// Inputs 0 and 1, broadcast to the output.
inline void run_broadcast(const KernelCall& call, BinaryFunction function) {
  const auto& output = call.outputs[0];
  const std::array strides = {broadcast_strides(call.inputs[0], output),
                              broadcast_strides(call.inputs[1], output)};
  const auto* a = data_of<const std::byte>(call.inputs[0]);
  const auto* b = data_of<const std::byte>(call.inputs[1]);
  auto* y = data_of<std::byte>(output);
  const std::int64_t a_bytes = element_bytes(call.inputs[0]);
  const std::int64_t b_bytes = element_bytes(call.inputs[1]);
  const std::int64_t y_bytes = element_bytes(output);
  for_each_run(output, strides, share_of(call, element_count(output)),
               [&](std::int64_t i, std::int64_t length, const auto& offsets, const auto& steps) {
                 function({a + offsets[0] * a_bytes, steps[0], b + offsets[1] * b_bytes, steps[1],
                           y + i * y_bytes, length},
                          call);
               });
}

/// Operation::apply(a, b, call) of elements of type Element; results of type Result.
template <class Operation, class Element, class Result>
void binary_run(const BinaryRun& run, const KernelCall& call) {
  const auto* a = static_cast<const Element*>(run.a);
  const auto* b = static_cast<const Element*>(run.b);
  auto* y = static_cast<Result*>(run.y);
  if (run.step_a == 1 && run.step_b == 1) {
    for (std::int64_t i = 0; i < run.count; ++i)
      y[i] = store<Result>(Operation::apply(load(a[i]), load(b[i]), call));
    return;
  }
  for (std::int64_t i = 0; i < run.count; ++i)
    y[i] = store<Result>(Operation::apply(load(a[i * run.step_a]), load(b[i * run.step_b]), call));
}

/// KernelFunction of an operation that names its types, Operation::Types; its results are of the same type,
/// or of Operation::Result where it names one.
template <class Operation>
void run_binary(const KernelCall& call) {
  visit(typename Operation::Types(), dtype_of(call.inputs[0]), [&]<class Element>() {
    if constexpr (requires { typename Operation::Result; })
      run_broadcast(call, binary_run<Operation, Element, typename Operation::Result>);
    else
      run_broadcast(call, binary_run<Operation, Element, Element>);
  });
}

/// Operation::apply(x, call) of each element, of the types that Operation::Types names.
template <class Operation>
void run_unary(const KernelCall& call) {
  visit(typename Operation::Types(), dtype_of(call.inputs[0]), [&]<class Element>() {
    const auto* x = data_of<const Element>(call.inputs[0]);
    const Share share = share_of(call, element_count(call.outputs[0]));
    if constexpr (requires { typename Operation::Result; }) {
      auto* y = data_of<typename Operation::Result>(call.outputs[0]);
      for (std::int64_t i = share.begin; i < share.end; ++i)
        y[i] = store<typename Operation::Result>(Operation::apply(load(x[i]), call));
    } else {
      auto* y = data_of<Element>(call.outputs[0]);
      for (std::int64_t i = share.begin; i < share.end; ++i)
        y[i] = store<Element>(Operation::apply(load(x[i]), call));
    }
  });
}

inline bool is_few_elements(const KernelCall& call) { return is_small(call.outputs[0], 8192); }

inline constexpr int kInPlace = 0;
inline constexpr int kNotInPlace = -1;

/// A kernel for the dtypes of input 0 that `accepts` knows.
inline Kernel element_kernel(std::string name, std::string_view op, KernelFunction function,
                             bool (*accepts)(const NodeTypes&), int in_place_input = kNotInPlace) {
  return {.name = "portable." + std::move(name),
          .op = op,
          .arithmetic = "element",
          .accepts = accepts,
          .run = function,
          .serial = is_few_elements,
          .in_place_input = in_place_input};
}

template <class Types>
bool accepts_first(const NodeTypes& types) {
  return !types.inputs.empty() && contains(Types(), types.inputs[0].dtype);
}

template <class Operation>
Kernel binary_kernel(std::string name, std::string_view op) {
  return element_kernel(std::move(name), op, run_binary<Operation>, accepts_first<typename Operation::Types>);
}

template <class Operation>
Kernel unary_kernel(std::string name, std::string_view op) {
  return element_kernel(std::move(name), op, run_unary<Operation>, accepts_first<typename Operation::Types>,
                        kInPlace);
}

}  // namespace lathe::portable
