// The driver of RNN, GRU and LSTM in float32 with tanh and sigmoid, over a vector type V of 16 floats and the
// `Functions` of cpu/conv_epilogue.h. Plain data and functions of internal linkage, so that ISA files may
// include it.
//
// A thread walks a sequence in one direction. What x gives the gates is computed for kBlockRows rows at once,
// so that w is read once for them; what the state gives them, row by row. A sum of products is 16 lanes of
// fused multiply-add over ascending columns, lanes i, i + 16, ..., added up in a tree: it does not depend on
// how many rows are computed together. Behind it all is added in the order written.
#pragma once

#include "backend/kernel_call.h"
#include "graph/conv_epilogue.h"

namespace lathe::recurrence {
namespace {

constexpr std::int64_t kLanes = 16;
constexpr std::int64_t kBlockRows = 8;  // of x whose gates are computed at once
constexpr std::int32_t kNone = 53;      // Dtype::none
constexpr std::int32_t kI32 = 6;        // Dtype::i32

enum Input : std::uint8_t { kX, kW, kR, kBias, kLengths, kState, kCell, kPeepholes };
enum Attribute : std::uint8_t {
  kDirection = 4,
  kInputForget = 5,
  kLayout = 6,
  kLinearBeforeReset = 7,
  kOutputs = 8
};

/// Of a whole call. Gates are those of an op: 1, 3 (z, r, h) or 4 (i, o, f, c).
struct Sizes {
  std::int64_t directions;
  std::int64_t batch;
  std::int64_t rows;
  std::int64_t inputs;
  std::int64_t hidden;
  std::int64_t gates;
  bool batch_first;

  std::int64_t x_place(std::int64_t row, std::int64_t item) const {
    return (batch_first ? item * rows + row : row * batch + item) * inputs;
  }
  std::int64_t y_place(std::int64_t row, std::int64_t direction, std::int64_t item) const {
    const std::int64_t place = batch_first ? (item * rows + row) * directions + direction
                                           : (row * directions + direction) * batch + item;
    return place * hidden;
  }
  std::int64_t state_place(std::int64_t direction, std::int64_t item) const {
    return (batch_first ? item * directions + direction : direction * batch + item) * hidden;
  }
};

[[maybe_unused]] Sizes sizes_of(const KernelCall& call) {
  const bool batch_first = call.attributes[kLayout].integer != 0;
  const auto& x = call.inputs[kX];
  const std::int64_t hidden = call.inputs[kR].dims[2];
  const std::int64_t gates = hidden == 0 ? 1 : call.inputs[kW].dims[1] / hidden;
  return {call.inputs[kW].dims[0],
          x.dims[batch_first ? 0 : 1],
          x.dims[batch_first ? 1 : 0],
          x.dims[2],
          hidden,
          gates,
          batch_first};
}

/// Gates of a block and of the state, three rows for the state, the cell and what a step needs.
[[maybe_unused]] std::size_t scratch_bytes(const KernelCall& call) {
  const Sizes sizes = sizes_of(call);
  return static_cast<std::size_t>(((kBlockRows + 1) * sizes.gates + 3) * sizes.hidden) * sizeof(float);
}

[[maybe_unused]] bool serial(const KernelCall& call) {
  const Sizes sizes = sizes_of(call);
  return sizes.directions * sizes.batch == 1;
}

/// Null where the input is absent.
[[maybe_unused]] const float* floats_of(const KernelCall& call, int input) {
  if (input >= call.input_count || call.inputs[input].dtype == kNone) return nullptr;
  return static_cast<const float*>(call.inputs[input].data);
}

/// sums[v * sums_stride + r] = matrix row r times vector v, for kRows rows and kVectors vectors.
template <class V, int kRows, int kVectors>
[[gnu::always_inline]] inline void multiply_tile(const float* matrix, const float* x, std::int64_t x_stride,
                                                 std::int64_t columns, float* sums,
                                                 std::int64_t sums_stride) {
  const V zero = broadcast(V{}, 0.0f);
  V totals[kRows][kVectors];
  for (auto& row : totals)
    for (auto& total : row) total = zero;
  std::int64_t k = 0;
  for (; k + kLanes <= columns; k += kLanes) {
    V values[kVectors];
#pragma GCC unroll 8
    for (int v = 0; v < kVectors; ++v) values[v] = load(V{}, x + v * x_stride + k);
#pragma GCC unroll 8
    for (int r = 0; r < kRows; ++r) {
      const V weights = load(V{}, matrix + r * columns + k);
#pragma GCC unroll 8
      for (int v = 0; v < kVectors; ++v) totals[r][v] = fma(weights, values[v], totals[r][v]);
    }
  }
  if (k < columns)
    for (int r = 0; r < kRows; ++r) {
      const V weights = load_first(zero, matrix + r * columns + k, columns - k);
      for (int v = 0; v < kVectors; ++v)
        totals[r][v] = fma(weights, load_first(zero, x + v * x_stride + k, columns - k), totals[r][v]);
    }
  for (int r = 0; r < kRows; ++r)
    for (int v = 0; v < kVectors; ++v) sums[v * sums_stride + r] = tree_sum(totals[r][v]);
}

/// sums [vectors, rows] = x [vectors, columns] times the transposed matrix [rows, columns].
template <class V>
void multiply(const float* matrix, std::int64_t rows, std::int64_t columns, const float* x,
              std::int64_t x_stride, std::int64_t vectors, float* sums, std::int64_t sums_stride) {
  std::int64_t r = 0;
  for (; r + 4 <= rows; r += 4) {
    const float* weights = matrix + r * columns;
    std::int64_t v = 0;
    for (; v + 4 <= vectors; v += 4)
      multiply_tile<V, 4, 4>(weights, x + v * x_stride, x_stride, columns, sums + v * sums_stride + r,
                             sums_stride);
    for (; v < vectors; ++v)
      multiply_tile<V, 4, 1>(weights, x + v * x_stride, x_stride, columns, sums + v * sums_stride + r,
                             sums_stride);
  }
  for (; r < rows; ++r)
    for (std::int64_t v = 0; v < vectors; ++v)
      multiply_tile<V, 1, 1>(matrix + r * columns, x + v * x_stride, x_stride, columns,
                             sums + v * sums_stride + r, sums_stride);
}

/// y[i] = function(a[i], b[i]); y may be a or b.
template <class V, class Function>
void combine(const float* a, const float* b, float* y, std::int64_t count, Function function) {
  std::int64_t i = 0;
  for (; i + kLanes <= count; i += kLanes) store(y + i, function(load(V{}, a + i), load(V{}, b + i)));
  const V zero = broadcast(V{}, 0.0f);
  if (i < count)
    store_first(y + i, function(load_first(zero, a + i, count - i), load_first(zero, b + i, count - i)),
                count - i);
}

template <class V>
void add(const float* a, const float* b, float* y, std::int64_t count) {
  combine<V>(a, b, y, count, [](V p, V q) { return p + q; });
}

template <class V>
void multiply_by(const float* a, const float* b, float* y, std::int64_t count) {
  combine<V>(a, b, y, count, [](V p, V q) { return p * q; });
}

/// y += a * b
template <class V>
void add_product(const float* a, const float* b, float* y, float* products, std::int64_t count) {
  multiply_by<V>(a, b, products, count);
  add<V>(y, products, y, count);
}

template <class V>
void copy(const float* from, float* to, std::int64_t count) {
  combine<V>(from, from, to, count, [](V p, V) { return p; });
}

template <class V>
void clear(float* to, std::int64_t count) {
  const V zero = broadcast(V{}, 0.0f);
  std::int64_t i = 0;
  for (; i + kLanes <= count; i += kLanes) store(to + i, zero);
  if (i < count) store_first(to + i, zero, count - i);
}

/// A sequence in one direction.
struct Walk {
  Sizes sizes;
  const float* w;          // [gates * hidden, inputs]
  const float* r;          // [gates * hidden, hidden]
  const float* bias;       // [2, gates * hidden], or null
  const float* peepholes;  // [3, hidden], i o f, or null
  bool linear_before_reset;
  bool input_forget;
  float* block;  // [kBlockRows, gates * hidden]: what x gives the gates
  float* past;   // [gates, hidden]: what the state gives them
  float* state;  // [hidden]
  float* cell;   // [hidden]
  float* spare;  // [hidden]
};

template <class V, class Functions>
void step_rnn(const Walk& walk, float* gates) {
  add<V>(gates, walk.past, walk.state, walk.sizes.hidden);
  Functions::unary(EpilogueFunction::tanh, walk.state, walk.sizes.hidden);
}

/// Gates z, r, h.
template <class V, class Functions>
void step_gru(const Walk& walk, float* gates) {
  const std::int64_t n = walk.sizes.hidden;
  float* reset = walk.spare;
  float* past_h = walk.past + 2 * n;
  add<V>(gates + n, walk.past + n, reset, n);
  Functions::unary(EpilogueFunction::sigmoid, reset, n);
  if (walk.linear_before_reset) {
    multiply_by<V>(past_h, reset, past_h, n);
  } else {
    multiply_by<V>(reset, walk.state, reset, n);
    multiply<V>(walk.r + 2 * n * n, n, n, reset, n, 1, past_h, n);
    if (walk.bias != nullptr) add<V>(past_h, walk.bias + 5 * n, past_h, n);
  }
  add<V>(gates, walk.past, gates, 2 * n);
  add<V>(gates + 2 * n, past_h, gates + 2 * n, n);
  Functions::unary(EpilogueFunction::sigmoid, gates, n);
  Functions::unary(EpilogueFunction::tanh, gates + 2 * n, n);
  // (1 - z) h + z state
  multiply_by<V>(gates, walk.state, walk.state, n);
  combine<V>(gates, gates + 2 * n, gates, n, [](V z, V h) { return (broadcast(V{}, 1.0f) - z) * h; });
  add<V>(gates, walk.state, walk.state, n);
}

/// Gates i, o, f, c.
template <class V, class Functions>
void step_lstm(const Walk& walk, float* gates) {
  const std::int64_t n = walk.sizes.hidden;
  float* input = gates;
  float* output = gates + n;
  float* forget = gates + 2 * n;
  float* fresh = gates + 3 * n;
  add<V>(gates, walk.past, gates, 4 * n);
  if (walk.peepholes != nullptr) {
    add_product<V>(walk.peepholes, walk.cell, input, walk.spare, n);
    add_product<V>(walk.peepholes + 2 * n, walk.cell, forget, walk.spare, n);
  }
  Functions::unary(EpilogueFunction::sigmoid, input, n);
  if (walk.input_forget)
    combine<V>(input, input, forget, n, [](V i, V) { return broadcast(V{}, 1.0f) - i; });
  else
    Functions::unary(EpilogueFunction::sigmoid, forget, n);
  Functions::unary(EpilogueFunction::tanh, fresh, n);
  multiply_by<V>(forget, walk.cell, walk.cell, n);
  add_product<V>(input, fresh, walk.cell, walk.spare, n);
  if (walk.peepholes != nullptr) add_product<V>(walk.peepholes + n, walk.cell, output, walk.spare, n);
  Functions::unary(EpilogueFunction::sigmoid, output, n);
  copy<V>(walk.cell, walk.state, n);
  Functions::unary(EpilogueFunction::tanh, walk.state, n);
  multiply_by<V>(output, walk.state, walk.state, n);
}

template <class V, class Functions>
void step(const Walk& walk, float* gates) {
  const std::int64_t count = walk.sizes.gates * walk.sizes.hidden;
  multiply<V>(walk.r, count, walk.sizes.hidden, walk.state, walk.sizes.hidden, 1, walk.past, count);
  if (walk.bias != nullptr) {
    add<V>(gates, walk.bias, gates, count);
    add<V>(walk.past, walk.bias + count, walk.past, count);
  }
  if (walk.sizes.gates == 1) step_rnn<V, Functions>(walk, gates);
  if (walk.sizes.gates == 3) step_gru<V, Functions>(walk, gates);
  if (walk.sizes.gates == 4) step_lstm<V, Functions>(walk, gates);
}

/// How long sequence `item` is; 0 and a fault where that is no length.
[[maybe_unused]] std::int64_t length_of(const KernelCall& call, const Sizes& sizes, std::int64_t item) {
  if (kLengths >= call.input_count || call.inputs[kLengths].dtype == kNone) return sizes.rows;
  const TensorArg& lengths = call.inputs[kLengths];
  const std::int64_t length = lengths.dtype == kI32 ? static_cast<const std::int32_t*>(lengths.data)[item]
                                                    : static_cast<const std::int64_t*>(lengths.data)[item];
  if (length >= 0 && length <= sizes.rows) return length;
  if (call.fault != nullptr) *call.fault = 1;
  return 0;
}

template <class V>
void begin(const float* first, std::int64_t place, float* values, std::int64_t count) {
  if (first == nullptr)
    clear<V>(values, count);
  else
    copy<V>(first + place, values, count);
}

template <class V, class Functions>
void walk_sequence(const KernelCall& call, const Sizes& sizes, std::int64_t direction, std::int64_t item) {
  const std::int64_t n = sizes.hidden;
  const std::int64_t count = sizes.gates * n;
  const float* bias = floats_of(call, kBias);
  const float* peepholes = floats_of(call, kPeepholes);
  auto* scratch = static_cast<float*>(call.scratch);
  float* rows = scratch + (kBlockRows + 1) * count;
  const Walk walk{sizes,
                  floats_of(call, kW) + direction * count * sizes.inputs,
                  floats_of(call, kR) + direction * count * n,
                  bias == nullptr ? nullptr : bias + direction * 2 * count,
                  peepholes == nullptr ? nullptr : peepholes + direction * 3 * n,
                  call.attributes[kLinearBeforeReset].integer != 0,
                  call.attributes[kInputForget].integer != 0,
                  scratch,
                  scratch + kBlockRows * count,
                  rows,
                  rows + n,
                  rows + 2 * n};
  const std::int64_t place = sizes.state_place(direction, item);
  begin<V>(floats_of(call, kState), place, walk.state, n);
  begin<V>(floats_of(call, kCell), place, walk.cell, n);
  const std::int64_t length = length_of(call, sizes, item);
  const bool reverse = direction == 1 || call.attributes[kDirection].text[0] == 'r';
  const auto* x = static_cast<const float*>(call.inputs[kX].data);
  auto* y = static_cast<float*>(call.outputs[0].data);
  const std::int64_t x_stride = sizes.x_place(1, 0);
  for (std::int64_t done = 0; done < length; done += kBlockRows) {
    const std::int64_t now = length - done < kBlockRows ? length - done : kBlockRows;
    const std::int64_t first = reverse ? length - done - now : done;
    multiply<V>(walk.w, count, sizes.inputs, x + sizes.x_place(first, item), x_stride, now, walk.block,
                count);
    for (std::int64_t i = 0; i < now; ++i) {
      const std::int64_t inside = reverse ? now - 1 - i : i;
      step<V, Functions>(walk, walk.block + inside * count);
      copy<V>(walk.state, y + sizes.y_place(first + inside, direction, item), n);
    }
  }
  for (std::int64_t row = length; row < sizes.rows; ++row)
    clear<V>(y + sizes.y_place(row, direction, item), n);
  const std::int64_t outputs = call.attributes[kOutputs].integer;
  if (outputs > 1) copy<V>(walk.state, static_cast<float*>(call.outputs[1].data) + place, n);
  if (outputs > 2) copy<V>(walk.cell, static_cast<float*>(call.outputs[2].data) + place, n);
}

template <class V, class Functions>
void run(const KernelCall& call) {
  const Sizes sizes = sizes_of(call);
  const std::int64_t walks = sizes.directions * sizes.batch;
  const std::int64_t end = walks * (call.thread + 1) / call.threads;
  for (std::int64_t i = walks * call.thread / call.threads; i < end; ++i)
    walk_sequence<V, Functions>(call, sizes, i / sizes.batch, i % sizes.batch);
}

}  // namespace
}  // namespace lathe::recurrence
