// Runs the epilogue of a convolution (graph/conv_epilogue.h) over outputs that lie one behind the other in
// the cache. Plain data and functions of internal linkage, so that ISA files may include it. Every function
// computes what the op of its name computes, bit for bit: those that are written out here with the same
// operations, in double where the op is, and the others by `Functions`, whose members are static:
//   unary(function, y, count)   sigmoid, swish, tanh, gelu and gelu_tanh of y, in place
#pragma once

#include "backend/kernel_call.h"
#include "cpu/element_formulas.h"
#include "graph/conv_epilogue.h"

namespace lathe::conv {
namespace {

/// Attributes epilogue, alpha and beta follow each other in an op's row.
struct Epilogue {
  ConvEpilogue program;
  double alpha;
  double beta;
  const TensorArg* operands;
};

[[maybe_unused]] Epilogue epilogue_of(const KernelCall& call, int first_attribute, int first_operand) {
  return {conv_epilogue(call.attributes[first_attribute].text), call.attributes[first_attribute + 1].real,
          call.attributes[first_attribute + 2].real, call.inputs + first_operand};
}

template <class Function>
void transform(float* y, std::int64_t count, Function function) {
  for (std::int64_t i = 0; i < count; ++i) y[i] = function(y[i]);
}

template <class Function>
void combine(float* y, const TensorArg& operand, std::int64_t offset, std::int64_t count, Function function) {
  const auto* data = static_cast<const float*>(operand.data);
  bool is_number = true;
  for (int i = 0; i < operand.rank; ++i) is_number = is_number && operand.dims[i] == 1;
  if (is_number) {
    const float number = *data;
    for (std::int64_t i = 0; i < count; ++i) y[i] = function(y[i], number);
    return;
  }
  for (std::int64_t i = 0; i < count; ++i) y[i] = function(y[i], data[offset + i]);
}

/// The step's function of outputs [offset, offset + count), which lie at y.
template <class Functions>
void run_step(EpilogueFunction step, const Epilogue& epilogue, const TensorArg& operand, float* y,
              std::int64_t offset, std::int64_t count) {
  using enum EpilogueFunction;
  const double alpha = epilogue.alpha;
  const double beta = epilogue.beta;
  switch (step) {
    case add:
      return combine(y, operand, offset, count, [](float a, float b) { return a + b; });
    case mul:
      return combine(y, operand, offset, count, [](float a, float b) { return a * b; });
    case max:
      return combine(y, operand, offset, count, [](float a, float b) { return formulas::greatest(a, b); });
    case min:
      return combine(y, operand, offset, count, [](float a, float b) { return formulas::least(a, b); });
    case relu:
      return transform(y, count, [](float x) { return formulas::relu(x); });
    case clip: {
      const formulas::Bounds bounds = formulas::clip_bounds(alpha, beta);
      return transform(y, count, [bounds](float x) { return formulas::clip(x, bounds); });
    }
    case leaky_relu:
      return transform(y, count, [alpha](float x) { return formulas::leaky_relu(x, alpha); });
    case hard_sigmoid:
      return transform(y, count, [alpha, beta](float x) { return formulas::hard_sigmoid(x, alpha, beta); });
    case hard_swish:
      return transform(y, count, [](float x) { return formulas::hard_swish(x); });
    case sigmoid:
    case swish:
    case tanh:
    case gelu:
    case gelu_tanh:
      return Functions::unary(step, y, count);
    case unknown:
      return;
  }
}

template <class Functions>
void run_epilogue(const Epilogue& epilogue, float* y, std::int64_t offset, std::int64_t count) {
  const TensorArg* operand = epilogue.operands;
  for (int i = 0; i < epilogue.program.count; ++i) {
    run_step<Functions>(epilogue.program.steps[i], epilogue, *operand, y, offset, count);
    if (has_operand(epilogue.program.steps[i])) ++operand;
  }
}

}  // namespace
}  // namespace lathe::conv
