// RotaryKvWrite: RotaryEmbedding of k and KvWrite of the result in one step, and where q is given its
// RotaryEmbedding too: cache (state, changed in place), k, v, sequences, block_tables, table [, q] -> cache
// [, rotated q]; attributes layer and interleaved. The bits are those of the separate kernels.
#include "cpu/portable/cache_slot.h"
#include "cpu/portable/kernel_arguments.h"
#include "cpu/portable/rotary_row.h"

namespace lathe::portable {
namespace {

constexpr int kTable = 5;
constexpr int kQ = 6;

template <class Page>
void write_tokens(const KernelCall& call) {
  using Element = typename Page::Element;
  const TensorArg& cache = call.outputs[0];
  const auto* k = data_of<const float>(call.inputs[1]);
  const auto* v = data_of<const float>(call.inputs[2]);
  const auto* sequences = data_of<const SequenceEntry>(call.inputs[3]);
  const auto* block_tables = data_of<const std::int32_t>(call.inputs[4]);
  const auto* table = data_of<const float>(call.inputs[kTable]);
  const std::int64_t dims = call.inputs[kTable].dims[1];
  const std::int64_t kv_heads = call.inputs[1].dims[1];
  const std::int64_t head_dim = call.inputs[1].dims[2];
  const std::int64_t key_elements = Page::key_elements(head_dim);
  const std::int64_t value_elements = Page::value_elements(head_dim);
  const std::int64_t page_elements = kv_heads * (key_elements + value_elements);
  auto* pages = data_of<Element>(cache) + call.attributes[0].integer * cache.dims[1] * page_elements;
  auto* rotated = static_cast<float*>(call.scratch);  // [head_dim], and a row for the page type
  const Share share = share_of(call, kv_heads);
  for (std::int64_t q = 0; q < call.inputs[3].dims[0]; ++q) {
    const SequenceEntry& sequence = sequences[q];
    for (std::int64_t i = 0; i < sequence.tokens; ++i) {
      const std::int64_t position = sequence.past + i;
      const std::int64_t slot = position % kPageTokens;
      const std::int64_t page = block_tables[sequence.first_page_entry + position / kPageTokens];
      const std::int64_t token = sequence.first_token + i;
      for (std::int64_t head = share.begin; head < share.end; ++head) {
        const std::int64_t row = (token * kv_heads + head) * head_dim;
        rotate_row(k + row, table + token * dims, dims, head_dim, call.attributes[1].integer != 0, rotated);
        Element* keys = pages + page * page_elements + head * key_elements;
        Element* values = pages + page * page_elements + kv_heads * key_elements + head * value_elements;
        Page::store_slot(keys, values, head_dim, slot, rotated, v + row, rotated + head_dim);
      }
    }
  }
}

void rotate_queries(const KernelCall& call) {
  const TensorArg& q = call.inputs[kQ];  // [tokens, heads, head_dim]
  const std::int64_t heads = q.dims[1];
  const std::int64_t head_dim = q.dims[2];
  const std::int64_t dims = call.inputs[kTable].dims[1];
  const Share share = share_of(call, q.dims[0] * heads);
  for (std::int64_t row = share.begin; row < share.end; ++row)
    rotate_row(data_of<const float>(q) + row * head_dim,
               data_of<const float>(call.inputs[kTable]) + row / heads * dims, dims, head_dim,
               call.attributes[1].integer != 0, data_of<float>(call.outputs[1]) + row * head_dim);
}

void run(const KernelCall& call) {
  with_page_type(static_cast<Dtype>(call.outputs[0].dtype),
                 [&]<class Page>(Page) { write_tokens<Page>(call); });
  if (call.input_count > kQ) rotate_queries(call);
}

bool accepts(const NodeTypes& types) { return is_cache_dtype(types.outputs[0].dtype); }

std::size_t scratch_bytes(const KernelCall& call) {
  return 2 * static_cast<std::size_t>(call.inputs[1].dims[2]) * sizeof(float);
}

bool serial(const KernelCall& call) {
  const std::int64_t queries = call.input_count > kQ ? element_count(call.inputs[kQ]) : 0;
  return 2 * element_count(call.inputs[1]) + queries <= 8192;
}

}  // namespace

std::span<const Kernel> rotary_kv_write_kernels() {
  static const Kernel kKernels[] = {{.name = "portable.rotary_kv_write",
                                     .op = "RotaryKvWrite",
                                     .arithmetic = "f32",
                                     .accepts = accepts,
                                     .run = run,
                                     .scratch_bytes = scratch_bytes,
                                     .serial = serial}};
  return kKernels;
}

}  // namespace lathe::portable
