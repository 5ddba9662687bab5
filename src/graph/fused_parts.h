// The program of a FusedLinear in parts that do not read each other's products: outputs with the same number
// of columns, and the instructions that they need. Plain data and functions of internal linkage, so that ISA
// files may include it.
#pragma once

#include <cstdint>

#include "graph/fused_program.h"

namespace lathe {

/// Sets of numbers below 32, as bits.
/// Matrices of one FusedLinear.
inline constexpr int kMaxFusedWeights = 8;

struct FusedPart {
  std::uint32_t instructions;
  std::uint32_t products;
  std::uint32_t inputs;
  std::uint32_t outputs;
};

struct FusedParts {
  std::int32_t count;
  FusedPart part[kMaxFusedOutputs];
};

static constexpr FusedPart fused_union(const FusedPart& a, const FusedPart& b) {
  return {a.instructions | b.instructions, a.products | b.products, a.inputs | b.inputs,
          a.outputs | b.outputs};
}

static constexpr bool in_set(std::uint32_t set, std::int32_t number) { return (set >> number & 1u) != 0; }

/// Parts in the order of their first outputs.
static constexpr FusedParts fused_parts(const FusedProgram& program) {
  FusedParts parts{};
  FusedPart temporaries[kMaxFusedTemporaries] = {};  // what each one's present value is made of
  for (std::int32_t i = 0; i < program.count; ++i) {
    const FusedInstruction& instruction = program.instructions[i];
    FusedPart made{1u << i, 0, 0, 0};
    for (const FusedOperand& operand : instruction.operands) {
      if (operand.place == FusedPlace::product) made.products |= 1u << operand.index;
      if (operand.place == FusedPlace::input) made.inputs |= 1u << operand.index;
      if (operand.place == FusedPlace::temporary) made = fused_union(made, temporaries[operand.index]);
    }
    if (instruction.function != FusedFunction::store && instruction.function != FusedFunction::quantize) {
      temporaries[instruction.result] = made;
      continue;
    }
    made.outputs = 1u << instruction.result;
    // It joins the first part that has one of its products; what else has one joins that.
    std::int32_t home = -1;
    std::int32_t kept = 0;
    for (std::int32_t p = 0; p < parts.count; ++p) {
      if ((parts.part[p].products & made.products) == 0 || home < 0) {
        const bool joins = (parts.part[p].products & made.products) != 0;
        if (joins) home = kept;
        parts.part[kept++] = joins ? fused_union(parts.part[p], made) : parts.part[p];
      } else {
        parts.part[home] = fused_union(parts.part[home], parts.part[p]);
      }
    }
    parts.count = kept;
    if (home < 0) parts.part[parts.count++] = made;
  }
  return parts;
}

}  // namespace lathe
