// LinearAttention: a state [key columns, value columns] of each key head walks along the rows:
//   state = exp(decay) * state (gated), v = beta * (v - state^T k) (delta), state += k v^T,
//   y = scale * q^T state
// q [batch, rows, q heads * d], k [batch, rows, heads * d], v [batch, rows, heads * D], past state [batch,
// heads, d, D], decay [batch, rows, heads] or [batch, rows, heads * d], beta [batch, rows, heads or 1].
// Computed in float.
#include "cpu/portable/typed.h"

namespace lathe::portable {
namespace {

struct HeadSizes {
  std::int64_t rows;
  std::int64_t heads;
  std::int64_t group;  // query heads of a key head
  std::int64_t keys;
  std::int64_t values;

  explicit HeadSizes(const KernelCall& call)
      : rows(call.inputs[0].dims[1]),
        heads(call.attributes[1].integer),
        group(call.attributes[2].integer / heads),
        keys(call.inputs[1].dims[2] / heads),
        values(call.inputs[2].dims[2] / heads) {}
};

struct LinearAttention {
  template <class T>
  static void run(const KernelCall& call) {
    const HeadSizes size(call);
    const std::int64_t states = call.inputs[0].dims[0] * size.heads;
    const Share share = share_of(call, states);
    for (std::int64_t i = share.begin; i < share.end; ++i)
      walk<T>(call, size, i / size.heads, i % size.heads);
  }

  template <class T>
  static void walk(const KernelCall& call, const HeadSizes& size, std::int64_t batch, std::int64_t head) {
    auto* state = static_cast<float*>(call.scratch);  // [keys, values]
    float* value = state + size.keys * size.values;   // [values]
    const std::int64_t elements = size.keys * size.values;
    const std::int64_t place = (batch * size.heads + head) * elements;
    for (std::int64_t i = 0; i < elements; ++i)
      state[i] = has_input(call, 3) ? static_cast<float>(real_at(call.inputs[3], place + i)) : 0.0f;
    for (std::int64_t row = 0; row < size.rows; ++row) {
      const std::int64_t line = batch * size.rows + row;
      if (has_input(call, 4)) decay(call, size, line, head, state);
      update<T>(call, size, line, head, state, value);
      for (std::int64_t g = 0; g < size.group; ++g)
        read<T>(call, size, line, head * size.group + g, state, value);
    }
    if (call.attributes[5].integer < 2) return;
    const bool is_f32 = call.outputs[1].dtype == static_cast<std::int32_t>(Dtype::f32);
    const bool is_half = call.outputs[1].dtype == static_cast<std::int32_t>(Dtype::f16);
    for (std::int64_t i = 0; i < elements; ++i) {
      if (is_f32)
        data_of<float>(call.outputs[1])[place + i] = state[i];
      else if (is_half)
        data_of<Half>(call.outputs[1])[place + i] = Half(state[i]);
      else
        data_of<Bfloat>(call.outputs[1])[place + i] = Bfloat(state[i]);
    }
  }

  static void decay(const KernelCall& call, const HeadSizes& size, std::int64_t line, std::int64_t head,
                    float* state) {
    const auto& gate = call.inputs[4];
    const bool by_key = gate.dims[2] == size.heads * size.keys;
    const std::int64_t first = by_key ? (line * size.heads + head) * size.keys : line * size.heads + head;
    for (std::int64_t k = 0; k < size.keys; ++k) {
      const float factor = std::exp(static_cast<float>(real_at(gate, by_key ? first + k : first)));
      for (std::int64_t v = 0; v < size.values; ++v) state[k * size.values + v] *= factor;
    }
  }

  template <class T>
  static void update(const KernelCall& call, const HeadSizes& size, std::int64_t line, std::int64_t head,
                     float* state, float* value) {
    const T* key = data_of<const T>(call.inputs[1]) + (line * size.heads + head) * size.keys;
    const T* given = data_of<const T>(call.inputs[2]) + (line * size.heads + head) * size.values;
    for (std::int64_t v = 0; v < size.values; ++v) value[v] = load(given[v]);
    if (has_input(call, 5)) {
      const auto& rates = call.inputs[5];
      const std::int64_t columns = rates.dims[2];
      const auto rate = static_cast<float>(real_at(rates, line * columns + (columns == 1 ? 0 : head)));
      for (std::int64_t k = 0; k < size.keys; ++k)
        for (std::int64_t v = 0; v < size.values; ++v) value[v] -= state[k * size.values + v] * load(key[k]);
      for (std::int64_t v = 0; v < size.values; ++v) value[v] *= rate;
    }
    for (std::int64_t k = 0; k < size.keys; ++k)
      for (std::int64_t v = 0; v < size.values; ++v) state[k * size.values + v] += load(key[k]) * value[v];
  }

  template <class T>
  static void read(const KernelCall& call, const HeadSizes& size, std::int64_t line, std::int64_t query_head,
                   const float* state, float* sums) {
    const std::int64_t query_heads = size.heads * size.group;
    const T* query = data_of<const T>(call.inputs[0]) + (line * query_heads + query_head) * size.keys;
    T* y = data_of<T>(call.outputs[0]) + (line * query_heads + query_head) * size.values;
    const double given = call.attributes[3].real;
    const auto scale =
        static_cast<float>(given == 0 ? 1.0 / std::sqrt(static_cast<double>(size.keys)) : given);
    std::fill_n(sums, size.values, 0.0f);
    for (std::int64_t k = 0; k < size.keys; ++k)
      for (std::int64_t v = 0; v < size.values; ++v) sums[v] += load(query[k]) * state[k * size.values + v];
    for (std::int64_t v = 0; v < size.values; ++v) y[v] = static_cast<T>(scale * sums[v]);
  }
};

std::size_t scratch_bytes(const KernelCall& call) {
  const HeadSizes size(call);
  return static_cast<std::size_t>((size.keys + 1) * size.values) * sizeof(float);
}

bool serial(const KernelCall& call) { return is_small(call.inputs[0], 1024); }

using ShortTypes = Types<float, Half, Bfloat>;

}  // namespace

std::span<const Kernel> linear_attention_kernels() {
  using Attention = Typed<LinearAttention, ShortTypes>;
  static const Kernel kKernels[] = {{.name = "portable.linear_attention",
                                     .op = "LinearAttention",
                                     .arithmetic = "any",
                                     .accepts = Attention::accepts,
                                     .run = Attention::run,
                                     .scratch_bytes = scratch_bytes,
                                     .serial = serial}};
  return kKernels;
}

}  // namespace lathe::portable
