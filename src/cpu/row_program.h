// Running a RowProgram: what it works on, tile by tile, whatever the instructions of the processor. Plain
// data and functions of internal linkage, so that ISA files may include it.
//
// A tile is a part of one row whose temporaries lie in scratch and stay in the first-level cache: up to
// `tile` columns where nothing reduces, else the whole row. Every instruction runs over the whole tile, so
// that it is looked at once per tile. Threads share rows, and where nothing reduces blocks of 32 columns, in
// which quantization works. Each function computes what the op of its name computes, with the same code.
//
// A `Functions` type has the functions on one tile, all static:
//   binary(function, a, b, y, count)            a or b may be one number
//   unary(function, constants, x, y, count)     y may be x, here and below
//   gated(function, x, b, y, count)             function(x) * b, of functions that take a gate
//   rms(x, scale, epsilon, y, count)
//   layer(x, scale, bias or nullptr, epsilon, y, count)
//   quantize(values, marks of fine columns or nullptr, first block, blocks, columns, row)
#pragma once

#include "backend/kernel_call.h"
#include "cpu/matmul_shape.h"
#include "graph/fused_program.h"

namespace lathe::row_program {
namespace {

constexpr std::int64_t kTiles[] = {1024, 256, 512, 2048};  // columns; by KernelCall::variant

/// Numbers of one tile, or one number for all of it.
struct TileOperand {
  const float* data;
  bool single;
};

/// Where a value's numbers lie: those of row r from column c on at base + r * row_stride + c * column_stride.
struct Location {
  float* base;
  std::int64_t row_stride;
  std::int64_t column_stride;
  bool single;
};

constexpr float* address(const Location& location, std::int64_t row, std::int64_t column) {
  return location.base + row * location.row_stride + column * location.column_stride;
}

struct TileStep {
  FusedFunction function;
  bool has_gate;  // the result is multiplied with operands[1]
  bool has_bias;
  bool has_marks;  // of quantize: operands[1] are those of fine columns
  float constants[2];
  Location operands[3];
  Location result;
  std::uint8_t* codes;  // of quantize: the output's first row
};

struct Work {
  std::int64_t rows;
  std::int64_t columns;
  std::int64_t tile;  // columns
  std::int64_t slot;  // numbers between two slots of scratch
  bool reduces;
  Location copied;  // an input that the first output overwrites before its last use...
  float* copy;      // ...and where its tile is kept; nullptr: there is none
  std::int32_t steps;
  TileStep step[kMaxFusedInstructions];
};

constexpr std::int64_t count_of(const TensorArg& tensor) {
  std::int64_t count = 1;
  for (int i = 0; i < tensor.rank; ++i) count *= tensor.dims[i];
  return count;
}

constexpr std::int64_t columns_of(const TensorArg& tensor) {
  return tensor.rank == 0 ? 1 : tensor.dims[tensor.rank - 1];
}

enum class InputKind { full, row, single };

constexpr InputKind kind_of(const KernelCall& call, int input) {
  const TensorArg& first = call.inputs[0];
  const TensorArg& tensor = call.inputs[input];
  const std::int64_t count = count_of(tensor);
  if (tensor.rank == first.rank && count == count_of(first)) return InputKind::full;
  return count == 1 && columns_of(first) != 1 ? InputKind::single : InputKind::row;
}

constexpr const FusedProgram& program_of(const KernelCall& call) { return *call.attributes[0].program; }

/// True where rows do not matter: the tensors are then one long row.
constexpr bool is_flat(const KernelCall& call) {
  const FusedProgram& program = program_of(call);
  for (int i = 0; i < program.outputs; ++i)
    if (program.quantized[i]) return false;
  for (int i = 0; i < call.input_count; ++i)
    if (kind_of(call, i) == InputKind::row) return false;
  return !program.reduces;
}

constexpr std::int64_t row_columns(const KernelCall& call) {
  return is_flat(call) ? count_of(call.inputs[0]) : columns_of(call.inputs[0]);
}

/// Numbers between two slots of scratch: a tile, and a line more, so that slots do not fall on each other in
/// the cache.
constexpr std::int64_t slot_size(const KernelCall& call) {
  const std::int64_t columns = row_columns(call);
  const std::int64_t tile = kTiles[call.variant];
  const std::int64_t longest = program_of(call).reduces || columns < tile ? columns : tile;
  return (longest + 15) / 16 * 16 + 16;
}

/// One for each temporary, and for each input that may have to be spread or copied.
[[maybe_unused]] constexpr std::int64_t scratch_bytes(const KernelCall& call) {
  std::int64_t slots = program_of(call).temporaries + 1;
  for (int i = 0; i < call.input_count; ++i) slots += kind_of(call, i) == InputKind::single ? 1 : 0;
  return slots * slot_size(call) * static_cast<std::int64_t>(sizeof(float));
}

constexpr bool is_output(FusedFunction function) {
  return function == FusedFunction::store || function == FusedFunction::quantize;
}

constexpr bool takes_gate(FusedFunction function) {
  return function >= FusedFunction::swish && function <= FusedFunction::sigmoid;
}

constexpr bool reads(const FusedInstruction& instruction, FusedPlace place, std::int32_t index) {
  for (const FusedOperand& operand : instruction.operands)
    if (operand.place == place && operand.index == index) return true;
  return false;
}

/// Turns instructions into steps over addresses. A temporary that is stored is computed where it is stored.
class Preparation {
 public:
  Preparation(const KernelCall& call, Work& work) : call_(call), program_(program_of(call)), work_(work) {
    work.columns = row_columns(call);
    work.rows = work.columns == 0 ? 0 : count_of(call.inputs[0]) / work.columns;
    work.tile = kTiles[call.variant];
    work.slot = slot_size(call);
    work.reduces = program_.reduces;
    work.copy = nullptr;
    work.steps = 0;
    next_slot_ = static_cast<float*>(call.scratch);
    for (int i = 0; i < program_.temporaries; ++i) slots_[i] = take_slot();
    for (int i = 0; i < call.input_count; ++i) inputs_[i] = input_location(i);
    keep_overwritten_input();
  }

  void run() {
    for (std::int32_t i = 0; i < program_.count; ++i) i += add_step(i);
  }

 private:
  Location take_slot() {
    const Location slot{next_slot_, 0, 0, false};
    next_slot_ += work_.slot;
    return slot;
  }

  Location input_location(int input) const {
    auto* data = static_cast<float*>(call_.inputs[input].data);
    const InputKind kind = kind_of(call_, input);
    if (kind == InputKind::single) return {data, 0, 0, true};
    return {data, kind == InputKind::full ? work_.columns : 0, 1, false};
  }

  Location output_location(std::int32_t output) const {
    return {static_cast<float*>(call_.outputs[output].data), work_.columns, 1, false};
  }

  /// The first output may be the first input, changed in place: an instruction that reads the input after the
  /// output is written gets a copy.
  void keep_overwritten_input() {
    if (program_.quantized[0] || call_.outputs[0].data != call_.inputs[0].data) return;
    std::int32_t written = 0;
    while (!(program_.instructions[written].function == FusedFunction::store &&
             program_.instructions[written].result == 0))
      ++written;
    const FusedOperand& stored = program_.instructions[written].operands[0];
    if (stored.place == FusedPlace::temporary) {
      --written;
      while (is_output(program_.instructions[written].function) ||
             program_.instructions[written].result != stored.index)
        --written;
    }
    for (std::int32_t i = written + 1; i < program_.count; ++i) {
      if (!reads(program_.instructions[i], FusedPlace::input, 0)) continue;
      work_.copied = inputs_[0];
      inputs_[0] = take_slot();
      work_.copy = inputs_[0].base;
      return;
    }
  }

  /// Numbers for the whole tile, where the input is one.
  Location spread(const Location& location) {
    if (!location.single) return location;
    for (std::int32_t i = 0; i < call_.input_count; ++i) {
      if (inputs_[i].base != location.base || !inputs_[i].single) continue;
      if (spread_[i].base == nullptr) {
        spread_[i] = take_slot();
        for (std::int64_t k = 0; k < work_.slot; ++k) spread_[i].base[k] = *location.base;
      }
      return spread_[i];
    }
    return location;
  }

  Location location_of(const FusedOperand& operand) const {
    return operand.place == FusedPlace::input ? inputs_[operand.index] : temporaries_[operand.index];
  }

  /// The output that the temporary made by instruction `at` is stored to, or -1.
  std::int32_t stored_to(std::int32_t at) const {
    const std::int32_t temporary = program_.instructions[at].result;
    for (std::int32_t i = at + 1; i < program_.count; ++i) {
      const FusedInstruction& later = program_.instructions[i];
      if (later.function == FusedFunction::store && reads(later, FusedPlace::temporary, temporary))
        return later.result;
      if (!is_output(later.function) && later.result == temporary) return -1;
    }
    return -1;
  }

  bool read_after(std::int32_t temporary, std::int32_t at) const {
    if (!is_output(program_.instructions[at].function) && program_.instructions[at].result == temporary)
      return false;
    for (std::int32_t i = at + 1; i < program_.count; ++i) {
      const FusedInstruction& later = program_.instructions[i];
      if (reads(later, FusedPlace::temporary, temporary)) return true;
      if (!is_output(later.function) && later.result == temporary) return false;
    }
    return false;
  }

  /// Whether instruction `at` and the next are function(x) * b, and nothing else needs function(x).
  bool is_gate(std::int32_t at) const {
    if (!takes_gate(program_.instructions[at].function) || at + 1 == program_.count) return false;
    const FusedInstruction& next = program_.instructions[at + 1];
    const std::int32_t temporary = program_.instructions[at].result;
    const FusedOperand& gate = next.operands[1];
    return next.function == FusedFunction::mul && next.operands[0].place == FusedPlace::temporary &&
           next.operands[0].index == temporary && !location_of(gate).single &&
           !(gate.place == FusedPlace::temporary && gate.index == temporary) &&
           !read_after(temporary, at + 1);
  }

  TileStep& append(FusedFunction function) {
    TileStep& step = work_.step[work_.steps++];
    step.function = function;
    step.has_gate = step.has_bias = step.has_marks = false;
    step.codes = nullptr;
    return step;
  }

  void add_output(const FusedInstruction& instruction) {
    const Location source = location_of(instruction.operands[0]);
    const Location target = output_location(instruction.result);
    if (instruction.function == FusedFunction::store && source.base == target.base && !source.single) return;
    TileStep& step = append(instruction.function);
    step.operands[0] = spread(source);
    step.has_marks = instruction.operands[1].place != FusedPlace::none;
    if (step.has_marks) step.operands[1] = spread(location_of(instruction.operands[1]));
    step.result = target;
    step.codes = static_cast<std::uint8_t*>(call_.outputs[instruction.result].data);
  }

  /// The step of instruction `at`; returns how many more instructions it covers.
  std::int32_t add_step(std::int32_t at) {
    const FusedInstruction& instruction = program_.instructions[at];
    if (is_output(instruction.function)) {
      add_output(instruction);
      return 0;
    }
    TileStep& step = append(instruction.function);
    for (int k = 0; k < 2; ++k) step.constants[k] = instruction.constants[k];
    step.has_gate = is_gate(at);
    const bool binary = is_binary(instruction.function);
    for (int k = 0; k < 3 && instruction.operands[k].place != FusedPlace::none; ++k) {
      const Location operand = location_of(instruction.operands[k]);
      const bool one_number = binary && (k == 0 || !step.operands[0].single);
      step.operands[k] = one_number ? operand : spread(operand);
      step.has_bias = k == 2;
    }
    if (step.has_gate) step.operands[1] = location_of(program_.instructions[at + 1].operands[1]);
    const std::int32_t last = step.has_gate ? at + 1 : at;
    const std::int32_t output = stored_to(last);
    const std::int32_t temporary = program_.instructions[last].result;
    step.result = output >= 0 ? output_location(output) : slots_[temporary];
    temporaries_[temporary] = step.result;
    return last - at;
  }

  const KernelCall& call_;
  const FusedProgram& program_;
  Work& work_;
  float* next_slot_ = nullptr;
  Location slots_[kMaxFusedTemporaries] = {};
  Location inputs_[kMaxFusedInputs] = {};
  Location spread_[kMaxFusedInputs] = {};
  Location temporaries_[kMaxFusedTemporaries] = {};  // where each is now
};

constexpr TileOperand tile_operand(const Location& location, std::int64_t row, std::int64_t column) {
  return {address(location, row, column), location.single};
}

template <class Functions>
void run_step(const Work& work, const TileStep& step, std::int64_t row, std::int64_t column,
              std::int64_t count) {
  using enum FusedFunction;
  const float* x = address(step.operands[0], row, column);
  float* y = address(step.result, row, column);
  if (is_binary(step.function))
    return Functions::binary(step.function, tile_operand(step.operands[0], row, column),
                             tile_operand(step.operands[1], row, column), y, count);
  switch (step.function) {
    case rms:
      return Functions::rms(x, address(step.operands[1], row, column), step.constants[0], y, count);
    case layer:
      return Functions::layer(x, address(step.operands[1], row, column),
                              step.has_bias ? address(step.operands[2], row, column) : nullptr,
                              step.constants[0], y, count);
    case store:
      __builtin_memcpy(y, x, static_cast<std::size_t>(count) * sizeof(float));
      return;
    case quantize:
      return Functions::quantize(x, step.has_marks ? address(step.operands[1], row, column) : nullptr,
                                 column / kActivationBlock, count / kActivationBlock, work.columns,
                                 step.codes + row * activation_row_bytes(work.columns));
    default:
      if (step.has_gate)
        return Functions::gated(step.function, x, address(step.operands[1], row, column), y, count);
      return Functions::unary(step.function, step.constants, x, y, count);
  }
}

template <class Functions>
void run_tile(const Work& work, std::int64_t row, std::int64_t column, std::int64_t count) {
  if (work.copy != nullptr)
    __builtin_memcpy(work.copy, address(work.copied, row, column),
                     static_cast<std::size_t>(count) * sizeof(float));
  for (std::int32_t i = 0; i < work.steps; ++i) run_step<Functions>(work, work.step[i], row, column, count);
}

template <class Functions>
void run(const KernelCall& call) {
  Work work;
  Preparation(call, work).run();
  if (work.reduces) {
    const Share rows = thread_share(work.rows, call.thread, call.threads);
    for (std::int64_t row = rows.begin; row < rows.end; ++row)
      run_tile<Functions>(work, row, 0, work.columns);
    return;
  }
  const std::int64_t blocks = (work.columns + kActivationBlock - 1) / kActivationBlock;
  const Share share = thread_share(work.rows * blocks, call.thread, call.threads);
  for (std::int64_t i = share.begin; i < share.end;) {
    const std::int64_t row = i / blocks;
    const std::int64_t next = (row + 1) * blocks < share.end ? (row + 1) * blocks : share.end;
    std::int64_t column = (i - row * blocks) * kActivationBlock;
    const std::int64_t limit = (next - row * blocks) * kActivationBlock;
    const std::int64_t end = limit < work.columns ? limit : work.columns;
    for (; column < end; column += work.tile)
      run_tile<Functions>(work, row, column, end - column < work.tile ? end - column : work.tile);
    i = next;
  }
}

}  // namespace
}  // namespace lathe::row_program
