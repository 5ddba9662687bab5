// The little program of a fused node: what is computed of each element or row while it is in the first-level
// cache. Plain data, so that ISA files may include it; fused_program_text.h reads and writes the text that
// graphs hold.
//
//   o0 = add(x0, x1); t0 = rms(o0, x2, 1e-05); o1 = quantize(t0)
//
// Statements run in order over one row [columns], or any tile of one where nothing reduces.
//   xN  the node's input number N, of the row program; of a FusedLinear input number N behind the weights
//   wN  of a FusedLinear alone: the product with weight number N
//   tN  a temporary
//   oN  the node's output number N; also readable by later statements, before it is quantized
// An input has the output's shape, or is one row of it [columns], or one number; ones may stand in front.
#pragma once

#include <cstdint>

namespace lathe {

inline constexpr int kMaxFusedInstructions = 32;
inline constexpr int kMaxFusedInputs = 16;
inline constexpr int kMaxFusedOutputs = 8;
inline constexpr int kMaxFusedTemporaries = 8;

enum class FusedFunction : std::int32_t {
  add,  // a + b
  mul,
  sub,
  div,
  max,  // of equal ones a; NaN where one is
  min,
  swish,      // a / (1 + exp(-a)); so the next ones, of a alone
  gelu,       // with erf
  gelu_tanh,  // with tanh
  tanh,
  sigmoid,
  relu,
  clip,          // within both constants, of which the greatest number is none
  leaky_relu,    // constant * a below 0
  hard_sigmoid,  // constant * a + constant, within 0 and 1
  hard_swish,
  exp,
  erf,
  abs,
  neg,
  sqrt,
  reciprocal,  // 1 / a
  rms,         // RMSNormalization(a, scale b, constant: epsilon); reduces
  layer,       // LayerNormalization(a, scale b, bias c or none, constant: epsilon); reduces
  store,       // a as float32 to output `result`
  quantize,    // a as 8-bit codes (quant/activation.h) to output `result`; b, an input or none: marks of fine
               // columns
};

/// Of two numbers, the result a number.
static constexpr bool is_binary(FusedFunction function) { return function <= FusedFunction::min; }

/// Of one number.
static constexpr bool is_unary(FusedFunction function) {
  return function >= FusedFunction::swish && function <= FusedFunction::reciprocal;
}

enum class FusedPlace : std::int32_t { none, input, product, temporary };

struct FusedOperand {
  FusedPlace place;
  std::int32_t index;
};

struct FusedInstruction {
  FusedFunction function;
  std::int32_t result;       // a temporary; of store and quantize an output
  FusedOperand operands[3];  // a, b, c
  float constants[2];
};

/// Temporaries are numbered so that few are alive at once; every oN that is read again is one of them too.
struct FusedProgram {
  std::int32_t count;        // of instructions
  std::int32_t temporaries;  // that a tile needs
  std::int32_t inputs;       // xN with N below this
  std::int32_t products;     // wN with N below this
  std::int32_t outputs;
  bool reduces;  // needs whole rows
  bool quantized[kMaxFusedOutputs];
  FusedInstruction instructions[kMaxFusedInstructions];
};

}  // namespace lathe
