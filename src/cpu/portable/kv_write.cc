// KvWrite: cache [layers, pages, 2, kv_heads, 64 * head_dim] of any of its types (state, changed in
// place), k and v [T, kv_heads, head_dim], sequences, block_tables; attribute layer. KvScratch: the same
// without a cache to start from: writes the step's tokens into a fresh tensor of one layer. Every token goes
// to its own slot; slots that no token has stay as they are.
#include "cpu/portable/cache_slot.h"
#include "cpu/portable/kernel_arguments.h"
#include "cpu/vector/call.h"

namespace lathe::portable {
namespace {

static_assert(vector::kCacheF32 == static_cast<std::int32_t>(Dtype::f32));
static_assert(vector::kCacheBfloat == static_cast<std::int32_t>(Dtype::bf16));
static_assert(vector::kCacheCodes8 == static_cast<std::int32_t>(kCacheOfQ8));
static_assert(vector::kCacheCodes4 == static_cast<std::int32_t>(kCacheOfQ4));

/// `inputs` starts at k.
template <class Page>
void write_tokens(const KernelCall& call, const TensorArg* inputs, std::int64_t layer) {
  using Element = typename Page::Element;
  const auto& cache = call.outputs[0];
  const auto* k = data_of<const float>(inputs[0]);
  const auto* v = data_of<const float>(inputs[1]);
  const auto* sequences = data_of<const SequenceEntry>(inputs[2]);
  const auto* block_tables = data_of<const std::int32_t>(inputs[3]);
  const std::int64_t kv_heads = inputs[0].dims[1];
  const std::int64_t head_dim = inputs[0].dims[2];
  const std::int64_t key_elements = Page::key_elements(head_dim);
  const std::int64_t value_elements = Page::value_elements(head_dim);
  const std::int64_t page_elements = kv_heads * (key_elements + value_elements);
  auto* pages = data_of<Element>(cache) + layer * cache.dims[1] * page_elements;
  auto* rotated = static_cast<float*>(call.scratch);  // [head_dim]
  const Share share = share_of(call, kv_heads);
  for (std::int64_t q = 0; q < inputs[2].dims[0]; ++q) {
    const SequenceEntry& sequence = sequences[q];
    for (std::int64_t i = 0; i < sequence.tokens; ++i) {
      const std::int64_t position = sequence.past + i;
      const std::int64_t slot = position % kPageTokens;
      const std::int64_t page = block_tables[sequence.first_page_entry + position / kPageTokens];
      for (std::int64_t head = share.begin; head < share.end; ++head) {
        const std::int64_t row = ((sequence.first_token + i) * kv_heads + head) * head_dim;
        Element* keys = pages + page * page_elements + head * key_elements;
        Element* values = pages + page * page_elements + kv_heads * key_elements + head * value_elements;
        Page::store_slot(keys, values, head_dim, slot, k + row, v + row, rotated);
      }
    }
  }
}

void write(const KernelCall& call, const TensorArg* inputs, std::int64_t layer) {
  with_page_type(static_cast<Dtype>(call.outputs[0].dtype),
                 [&]<class Page>(Page) { write_tokens<Page>(call, inputs, layer); });
}

void run_write(const KernelCall& call) { write(call, call.inputs + 1, call.attributes[0].integer); }
void run_scratch(const KernelCall& call) { write(call, call.inputs, 0); }

bool accepts(const NodeTypes& types) {
  return types.outputs.size() == 1 && is_cache_dtype(types.outputs[0].dtype);
}

std::size_t row_bytes_of(const TensorArg& k) { return static_cast<std::size_t>(k.dims[2]) * sizeof(float); }
std::size_t write_scratch(const KernelCall& call) { return row_bytes_of(call.inputs[1]); }
std::size_t scratch_scratch(const KernelCall& call) { return row_bytes_of(call.inputs[0]); }

bool serial_write(const KernelCall& call) { return element_count(call.inputs[1]) <= 4096; }
bool serial_scratch(const KernelCall& call) { return element_count(call.inputs[0]) <= 4096; }

}  // namespace

std::span<const Kernel> kv_write_kernels() {
  static const Kernel kKernels[] = {{.name = "portable.kv_write",
                                     .op = "KvWrite",
                                     .arithmetic = "f32",
                                     .accepts = accepts,
                                     .run = run_write,
                                     .scratch_bytes = write_scratch,
                                     .serial = serial_write},
                                    {.name = "portable.kv_scratch",
                                     .op = "KvScratch",
                                     .arithmetic = "f32",
                                     .accepts = accepts,
                                     .run = run_scratch,
                                     .scratch_bytes = scratch_scratch,
                                     .serial = serial_scratch}};
  return kKernels;
}

}  // namespace lathe::portable
