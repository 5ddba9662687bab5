// Attention: q [batch, heads, rows, head_dim], k [batch, kv_heads, columns, head_dim], v [batch, kv_heads,
// columns, D], optional mask that broadcasts to [batch, heads, rows, columns] -> [batch, heads, rows, D];
// attributes is_causal (row i sees columns 0 to i), scale (0: 1 / sqrt(head_dim)), softcap (0: none; c: c
// tanh(score / c)). The mask is f32 and added behind the softcap, or i8: what is 0 is not seen. Heads are
// [kv head][group].
//
// Each row walks the columns in chunks of 64 and merges them with a running maximum, as PagedAttention does:
// no score outlives its chunk. A row that sees nothing is NaN, as softmax gives it.
#include <cmath>
#include <limits>

#include "cpu/portable/exp_f32.h"
#include "cpu/portable/strided.h"
#include "cpu/portable/tanh_f32.h"

namespace lathe::portable {
namespace {

constexpr std::int64_t kChunk = 64;
constexpr float kInfinity = std::numeric_limits<float>::infinity();

/// One row's running result, before the division.
struct Running {
  float maximum = -kInfinity;
  float sum = 0;
  float* output;  // [D]
};

struct Problem {
  const KernelCall& call;
  std::int64_t head_dim;
  std::int64_t columns;
  std::int64_t value_dim;
  float scale;
  float softcap;
  bool causal;
  Strides mask;  // along [batch, heads, rows, columns]
};

/// What is added to the score of mask element `offset`.
float masked(const KernelCall& call, std::int64_t offset, float score) {
  const auto& mask = call.inputs[3];
  if (static_cast<Dtype>(mask.dtype) == Dtype::f32) return score + data_of<const float>(mask)[offset];
  return data_of<const std::int8_t>(mask)[offset] != 0 ? score : -kInfinity;
}

/// Scores of columns [begin, begin + count); their greatest.
float score_chunk(const Problem& problem, const float* query, const float* keys, std::int64_t mask_offset,
                  std::int64_t count, float* p) {
  float greatest = -kInfinity;
  for (std::int64_t j = 0; j < count; ++j) {
    float score = 0;
    for (std::int64_t d = 0; d < problem.head_dim; ++d)
      score = std::fma(query[d], keys[j * problem.head_dim + d], score);
    score = problem.scale * score;
    if (problem.softcap > 0) score = problem.softcap * tanh_f32(score / problem.softcap);
    if (problem.call.input_count > 3) score = masked(problem.call, mask_offset + j * problem.mask[3], score);
    p[j] = score;
    if (score > greatest || score != score) greatest = score;
  }
  return greatest;
}

void merge_chunk(const Problem& problem, const float* values, std::int64_t count, float greatest, float* p,
                 Running& running) {
  const float maximum = greatest > running.maximum || greatest != greatest ? greatest : running.maximum;
  const float rescale = running.sum > 0 ? exp_f32(running.maximum - maximum) : 0.0f;
  float lanes[16] = {};
  for (std::int64_t j = 0; j < count; ++j) {
    p[j] = exp_f32(p[j] - maximum);
    lanes[j % 16] += p[j];
  }
  for (int half = 8; half > 0; half /= 2)
    for (int i = 0; i < half; ++i) lanes[i] += lanes[i + half];
  running.maximum = maximum;
  running.sum = std::fma(running.sum, rescale, lanes[0]);
  for (std::int64_t d = 0; d < problem.value_dim; ++d) running.output[d] *= rescale;
  for (std::int64_t j = 0; j < count; ++j)
    for (std::int64_t d = 0; d < problem.value_dim; ++d)
      running.output[d] = std::fma(p[j], values[j * problem.value_dim + d], running.output[d]);
}

void attend_row(const Problem& problem, std::int64_t batch, std::int64_t head, std::int64_t row) {
  const auto& q = problem.call.inputs[0];
  const auto& k = problem.call.inputs[1];
  const std::int64_t kv_heads = k.dims[1];
  const std::int64_t kv = batch * kv_heads + head / (q.dims[1] / kv_heads);
  const std::int64_t index = (batch * q.dims[1] + head) * q.dims[2] + row;
  const float* query = data_of<const float>(q) + index * problem.head_dim;
  const float* keys = data_of<const float>(k) + kv * problem.columns * problem.head_dim;
  const float* values =
      data_of<const float>(problem.call.inputs[2]) + kv * problem.columns * problem.value_dim;
  const std::int64_t mask = batch * problem.mask[0] + head * problem.mask[1] + row * problem.mask[2];
  const std::int64_t visible = problem.causal ? std::min(row + 1, problem.columns) : problem.columns;
  Running running;
  running.output = data_of<float>(problem.call.outputs[0]) + index * problem.value_dim;
  std::fill(running.output, running.output + problem.value_dim, 0.0f);
  float p[kChunk];
  for (std::int64_t first = 0; first < visible; first += kChunk) {
    const std::int64_t count = std::min(kChunk, visible - first);
    const float greatest = score_chunk(problem, query, keys + first * problem.head_dim,
                                       mask + first * problem.mask[3], count, p);
    if (greatest == -kInfinity) continue;
    merge_chunk(problem, values + first * problem.value_dim, count, greatest, p, running);
  }
  for (std::int64_t d = 0; d < problem.value_dim; ++d) running.output[d] /= running.sum;
}

void run(const KernelCall& call) {
  const auto& q = call.inputs[0];
  const auto& k = call.inputs[1];
  const auto given = static_cast<float>(call.attributes[1].real);
  Problem problem{call,
                  q.dims[3],
                  k.dims[2],
                  call.inputs[2].dims[3],
                  given > 0 ? given : 1.0f / std::sqrt(static_cast<float>(q.dims[3])),
                  static_cast<float>(call.attributes[2].real),
                  call.attributes[0].integer != 0,
                  {}};
  TensorArg scores{nullptr, {q.dims[0], q.dims[1], q.dims[2], k.dims[2]}, 4, q.dtype};
  if (call.input_count > 3) problem.mask = broadcast_strides(call.inputs[3], scores);
  const std::int64_t rows = q.dims[2];
  const Share share = share_of(call, q.dims[0] * q.dims[1] * rows);
  for (std::int64_t i = share.begin; i < share.end; ++i)
    attend_row(problem, i / rows / q.dims[1], i / rows % q.dims[1], i % rows);
}

bool accepts(const NodeTypes& types) {
  if (types.inputs.size() < 3 || !all_f32(types.inputs.first(3)) || !all_f32(types.outputs)) return false;
  return types.inputs.size() == 3 || types.inputs[3].dtype == Dtype::f32 ||
         types.inputs[3].dtype == Dtype::i8;
}

bool serial(const KernelCall& call) {
  return element_count(call.inputs[0]) * call.inputs[1].dims[2] <= 65536;
}

}  // namespace

std::span<const Kernel> attention_kernels() {
  static const Kernel kKernels[] = {{.name = "portable.attention",
                                     .op = "Attention",
                                     .arithmetic = "f32",
                                     .accepts = accepts,
                                     .run = run,
                                     .serial = serial}};
  return kKernels;
}

}  // namespace lathe::portable
