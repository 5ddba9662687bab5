// RNN, GRU and LSTM. x [rows, batch, inputs], w [directions, gates * hidden, inputs], r [directions, gates *
// hidden, hidden], bias [directions, 2 * gates * hidden], lengths [batch], first state and cell [directions,
// batch, hidden], peepholes [directions, 3 * hidden]; with layout 1 the batch comes first. A thread walks a
// sequence in one direction. Computed in float, or in double for f64. In float32 with sigmoid and tanh, as
// nearly all networks have it: cpu/recurrence.h.
#include <string_view>

#include "cpu/portable/epilogue_functions.h"
#include "cpu/portable/kernel_arguments.h"
#include "cpu/portable/lanes.h"
#include "cpu/portable/recurrence_function.h"
#include "cpu/portable/typed.h"
#include "cpu/recurrence.h"

namespace lathe::portable {
namespace {

static_assert(lathe::recurrence::kNone == static_cast<std::int32_t>(Dtype::none));
static_assert(lathe::recurrence::kI32 == static_cast<std::int32_t>(Dtype::i32));

enum Attribute : std::uint8_t {
  kAlphas,
  kBetas,
  kActivations,
  kClip,
  kDirection,
  kInputForget,
  kLayout,
  kLinearBeforeReset,
  kOutputs
};
enum Input : std::uint8_t { kX, kW, kR, kBias, kLengths, kState, kCell, kPeepholes };

struct Sizes {
  std::int64_t directions;
  std::int64_t batch;
  std::int64_t rows;
  std::int64_t inputs;
  std::int64_t hidden;
  bool batch_first;

  explicit Sizes(const KernelCall& call)
      : directions(call.inputs[kW].dims[0]),
        inputs(call.inputs[kX].dims[2]),
        hidden(call.inputs[kR].dims[2]),
        batch_first(call.attributes[kLayout].integer != 0) {
    batch = call.inputs[kX].dims[batch_first ? 0 : 1];
    rows = call.inputs[kX].dims[batch_first ? 1 : 0];
  }
  std::int64_t x_place(std::int64_t row, std::int64_t item) const {
    return (batch_first ? item * rows + row : row * batch + item) * inputs;
  }
  std::int64_t y_place(std::int64_t row, std::int64_t direction, std::int64_t item) const {
    return (batch_first ? (item * rows + row) * directions + direction
                        : (row * directions + direction) * batch + item) *
           hidden;
  }
  std::int64_t state_place(std::int64_t direction, std::int64_t item) const {
    return (batch_first ? item * directions + direction : direction * batch + item) * hidden;
  }
};

/// A sequence in one direction.
template <class T>
struct Walk {
  using Value = Computed<T>;

  const KernelCall& call;
  const Sizes& sizes;
  std::int64_t direction;
  std::int64_t gate_count;
  const RecurrenceFunction* functions;  // of this direction
  Value* gates;                         // [gate_count, hidden]: of x, later of both
  Value* past;                          // [gate_count, hidden]: of the state
  Value* state;                         // [hidden]
  Value* cell;                          // [hidden]
  Value* reset;                         // [hidden]

  Value apply(std::size_t function, Value x) const {
    const auto& own = functions[function];
    const double clip = call.attributes[kClip].real;
    const auto value = static_cast<double>(x);
    return static_cast<Value>(
        own.apply(clip > 0 ? std::clamp(value, -clip, clip) : value, own.alpha, own.beta));
  }
  /// Rows [first, first + count) of the matrix of this direction times `x`.
  template <class X>
  void multiply(int input, const X* x, std::int64_t columns, std::int64_t first, std::int64_t count,
                Value* sums) const {
    const T* matrix =
        data_of<const T>(call.inputs[input]) + (direction * gate_count * sizes.hidden + first) * columns;
    for (std::int64_t row = 0; row < count; ++row) {
      Value sum = 0;
      for (std::int64_t k = 0; k < columns; ++k) sum += load(matrix[row * columns + k]) * load(x[k]);
      sums[row] = sum;
    }
  }
  /// 0: the bias of x, 1: that of the state.
  Value bias(std::int64_t which, std::int64_t index) const {
    if (!has_input(call, kBias)) return 0;
    const std::int64_t count = gate_count * sizes.hidden;
    return load(data_of<const T>(call.inputs[kBias])[(direction * 2 + which) * count + index]);
  }
  Value peephole(std::int64_t gate, std::int64_t i) const {
    if (!has_input(call, kPeepholes)) return 0;
    return load(data_of<const T>(call.inputs[kPeepholes])[(direction * 3 + gate) * sizes.hidden + i]);
  }
  void step(const T* x) const {
    const std::int64_t count = gate_count * sizes.hidden;
    multiply(kW, x, sizes.inputs, 0, count, gates);
    multiply(kR, state, sizes.hidden, 0, count, past);
    for (std::int64_t i = 0; i < count; ++i) {
      gates[i] += bias(0, i);
      past[i] += bias(1, i);
    }
    if (gate_count == 1)
      for (std::int64_t i = 0; i < count; ++i) state[i] = apply(0, gates[i] + past[i]);
    if (gate_count == 3) step_gru();
    if (gate_count == 4) step_lstm();
  }
  /// Gates z, r, h.
  void step_gru() const {
    const std::int64_t n = sizes.hidden;
    for (std::int64_t i = 0; i < n; ++i) reset[i] = apply(0, gates[n + i] + past[n + i]);
    if (call.attributes[kLinearBeforeReset].integer != 0) {
      for (std::int64_t i = 0; i < n; ++i) past[2 * n + i] *= reset[i];
    } else {
      for (std::int64_t i = 0; i < n; ++i) reset[i] *= state[i];
      multiply(kR, reset, n, 2 * n, n, past + 2 * n);
      for (std::int64_t i = 0; i < n; ++i) past[2 * n + i] += bias(1, 2 * n + i);
    }
    for (std::int64_t i = 0; i < n; ++i) {
      const Value update = apply(0, gates[i] + past[i]);
      const Value fresh = apply(1, gates[2 * n + i] + past[2 * n + i]);
      state[i] = (1 - update) * fresh + update * state[i];
    }
  }
  /// Gates i, o, f, c; peepholes i, o, f.
  void step_lstm() const {
    const std::int64_t n = sizes.hidden;
    const bool coupled = call.attributes[kInputForget].integer != 0;
    for (std::int64_t i = 0; i < n; ++i) {
      const auto sum = [&](std::int64_t gate) { return gates[gate * n + i] + past[gate * n + i]; };
      const Value input = apply(0, sum(0) + peephole(0, i) * cell[i]);
      const Value forget = coupled ? 1 - input : apply(0, sum(2) + peephole(2, i) * cell[i]);
      cell[i] = forget * cell[i] + input * apply(1, sum(3));
      const Value output = apply(0, sum(1) + peephole(1, i) * cell[i]);
      state[i] = output * apply(2, cell[i]);
    }
  }
};

std::int64_t gates_of(const KernelCall& call) {
  const std::int64_t hidden = call.inputs[kR].dims[2];
  return hidden == 0 ? 1 : call.inputs[kW].dims[1] / hidden;
}

struct Recurrence {
  template <class T>
  static void run(const KernelCall& call) {
    const Sizes sizes(call);
    const Share share = share_of(call, sizes.directions * sizes.batch);
    for (std::int64_t i = share.begin; i < share.end; ++i)
      walk<T>(call, sizes, i / sizes.batch, i % sizes.batch);
  }

  template <class T>
  static void walk(const KernelCall& call, const Sizes& sizes, std::int64_t direction, std::int64_t item) {
    using Value = Computed<T>;
    const RecurrenceFunctions functions(call.attributes[kActivations].text, call.attributes[kAlphas].text,
                                        call.attributes[kBetas].text);
    const std::int64_t gate_count = gates_of(call);
    const std::int64_t of_direction = gate_count == 1 ? 1 : gate_count - 1;  // functions
    const std::int64_t n = sizes.hidden;
    auto* scratch = static_cast<Value*>(call.scratch);
    const Walk<T> walk{call,
                       sizes,
                       direction,
                       gate_count,
                       functions.functions.data() + direction * of_direction,
                       scratch,
                       scratch + gate_count * n,
                       scratch + 2 * gate_count * n,
                       scratch + (2 * gate_count + 1) * n,
                       scratch + (2 * gate_count + 2) * n};
    const std::int64_t place = sizes.state_place(direction, item);
    for (std::int64_t i = 0; i < n; ++i) {
      walk.state[i] = has_input(call, kState) ? load(data_of<const T>(call.inputs[kState])[place + i]) : 0;
      walk.cell[i] = has_input(call, kCell) ? load(data_of<const T>(call.inputs[kCell])[place + i]) : 0;
    }
    const std::int64_t length = length_of(call, sizes, item);
    const bool reverse = direction == 1 || std::string_view(call.attributes[kDirection].text) == "reverse";
    for (std::int64_t step = 0; step < length; ++step) {
      const std::int64_t row = reverse ? length - 1 - step : step;
      walk.step(data_of<const T>(call.inputs[kX]) + sizes.x_place(row, item));
      put(walk.state, n, data_of<T>(call.outputs[0]) + sizes.y_place(row, direction, item));
    }
    for (std::int64_t row = length; row < sizes.rows; ++row)
      std::fill_n(data_of<T>(call.outputs[0]) + sizes.y_place(row, direction, item), n, T{});
    const std::int64_t outputs = call.attributes[kOutputs].integer;
    if (outputs > 1) put(walk.state, n, data_of<T>(call.outputs[1]) + place);
    if (outputs > 2) put(walk.cell, n, data_of<T>(call.outputs[2]) + place);
  }

  static std::int64_t length_of(const KernelCall& call, const Sizes& sizes, std::int64_t item) {
    if (!has_input(call, kLengths)) return sizes.rows;
    const std::int64_t length = integer_at(call.inputs[kLengths], item);
    if (length >= 0 && length <= sizes.rows) return length;
    if (call.fault != nullptr) *call.fault = 1;
    return 0;
  }

  template <class T>
  static void put(const Computed<T>* values, std::int64_t count, T* y) {
    for (std::int64_t i = 0; i < count; ++i) y[i] = static_cast<T>(values[i]);
  }
};

std::size_t scratch_bytes(const KernelCall& call) {
  return static_cast<std::size_t>((2 * gates_of(call) + 3) * call.inputs[kR].dims[2]) * sizeof(double);
}

Kernel kernel(const char* name, std::string_view op) {
  using Function = Typed<Recurrence, FloatTypes>;
  return {.name = name,
          .op = op,
          .arithmetic = "any",
          .accepts = Function::accepts,
          .run = Function::run,
          .scratch_bytes = scratch_bytes};
}

/// Sigmoid for the gates and tanh for the rest, in each direction.
bool has_usual_functions(const Node& node) {
  std::string one = node.op->name == "RNN" ? "1" : node.op->name == "GRU" ? "2,1" : "2,1,1";
  std::string given = node.text("activations");
  std::erase(given, ' ');
  return given == one || given == one + "," + one;
}

bool accepts_lanes(const NodeTypes& types) {
  return types.node != nullptr && has_usual_functions(*types.node) && types.node->real("clip") == 0 &&
         types.inputs[kX].dtype == Dtype::f32;
}

Kernel lanes_kernel(const char* name, std::string_view op) {
  return {.name = name,
          .op = op,
          .arithmetic = "lanes",
          .rank = 1,
          .accepts = accepts_lanes,
          .run = lathe::recurrence::run<Lanes, EpilogueFunctions>,
          .scratch_bytes = lathe::recurrence::scratch_bytes,
          .serial = lathe::recurrence::serial};
}

}  // namespace

std::span<const Kernel> recurrence_kernels() {
  static const Kernel kKernels[] = {kernel("portable.gru", "GRU"),
                                    kernel("portable.lstm", "LSTM"),
                                    kernel("portable.rnn", "RNN"),
                                    lanes_kernel("portable.gru.lanes", "GRU"),
                                    lanes_kernel("portable.lstm.lanes", "LSTM"),
                                    lanes_kernel("portable.rnn.lanes", "RNN")};
  return kKernels;
}

}  // namespace lathe::portable
