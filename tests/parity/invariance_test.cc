// What a token gets does not depend on its company: a row alone, a prompt in chunks, a sequence among others.
#include <gtest/gtest.h>

#include <cmath>

#include "base/cpu_features.h"
#include "parity/attention_step.h"
#include "parity/rows.h"

namespace lathe::parity {
namespace {

Tensor row_of(const Tensor& tensor, std::int64_t row) {
  Tensor one{tensor.dtype, tensor.dims, {}};
  const std::size_t bytes = tensor.bytes.size() / static_cast<std::size_t>(tensor.dims[0]);
  const auto begin =
      tensor.bytes.begin() + static_cast<std::ptrdiff_t>(static_cast<std::size_t>(row) * bytes);
  one.bytes.assign(begin, begin + static_cast<std::ptrdiff_t>(bytes));
  one.dims[0] = 1;
  return one;
}

TEST(Invariance, RowAloneEqualsRowInABatch) {
  for (const auto& row : rows()) {
    for (const auto& kernel : kernels()) {
      if (kernel.op != row.op || row.row_inputs.empty()) continue;
      for (const auto& test : cases_of(row.op)) {
        const std::int64_t count = test.outputs[0].dims[0];
        if (count == 1 || !accepts(kernel, test)) continue;
        const auto together = run(kernel, test, 2);
        for (const std::int64_t index : {std::int64_t{0}, count / 2, count - 1}) {
          Case alone = test;
          for (const int input : row.row_inputs)
            alone.inputs[static_cast<std::size_t>(input)] =
                row_of(test.inputs[static_cast<std::size_t>(input)], index);
          std::vector<Tensor> expected;
          for (std::size_t i = 0; i < test.outputs.size(); ++i) {
            expected.push_back(row_of(together[i], index));
            alone.outputs[i] = row_of(test.outputs[i], index);
          }
          if ((test.op == "Add" || test.op == "Mul") && test.inputs[1].dims == test.inputs[0].dims)
            alone.inputs[1] = row_of(test.inputs[1], index);
          for (std::size_t i = 1; test.op == "FusedLinear" && i < test.inputs.size(); ++i)
            if (test.inputs[i].dtype == Dtype::f32 && test.inputs[i].dims.size() == 2)
              alone.inputs[i] = row_of(test.inputs[i], index);
          ASSERT_EQ(difference(expected, run(kernel, alone, 1)), "")
              << kernel.name << " row " << index << ": " << test.name;
        }
      }
    }
  }
}

/// The level's kernel for the case, or where it has none the portable one.
const Kernel& kernel_for(const std::string& isa, const Case& test) {
  const Kernel* best = nullptr;
  for (const auto& kernel : kernels())
    if (accepts(kernel, test) &&
        (kernel.name.starts_with(isa + ".") || (best == nullptr && kernel.name.starts_with("portable."))))
      best = &kernel;
  return *best;
}

/// One model layer's attention over several calls: a cache, and what each sequence has been given.
class Layer {
 public:
  Layer(std::string isa, AttentionShape shape, std::span<const SequenceShape> sequences, int threads)
      : isa_(std::move(isa)), shape_(shape), random_(21), pages_(random_, sequences), threads_(threads) {
    cache_ = poisoned_cache(shape, pages_.pages);
    Random values(22);
    for (const auto& sequence : sequences) {
      q_.push_back(normal(values, {sequence.tokens, shape.heads, shape.head_dim}));
      k_.push_back(normal(values, {sequence.tokens, shape.kv_heads, shape.head_dim}));
      v_.push_back(normal(values, {sequence.tokens, shape.kv_heads, shape.head_dim}));
      results_.push_back(empty(Dtype::f32, q_.back().dims));
      past_.push_back(0);
    }
  }

  /// One step: the next counts[i] tokens of sequence i.
  void advance(const std::vector<std::int64_t>& counts) {
    std::vector<std::int32_t> entries;
    Tensor q = empty(Dtype::f32, {0, shape_.heads, shape_.head_dim});
    Tensor k = empty(Dtype::f32, {0, shape_.kv_heads, shape_.head_dim});
    Tensor v = k;
    for (std::size_t s = 0; s < counts.size(); ++s) {
      if (counts[s] == 0) continue;
      for (const auto value :
           {q.dims[0], counts[s], past_[s], static_cast<std::int64_t>(pages_.entries[s].first_page_entry)})
        entries.push_back(static_cast<std::int32_t>(value));
      append(q, q_[s], past_[s], counts[s]);
      append(k, k_[s], past_[s], counts[s]);
      append(v, v_[s], past_[s], counts[s]);
    }
    const Tensor sequences = integers(entries, {static_cast<std::int64_t>(entries.size()) / 4, 4});
    const Tensor tables = pages_.block_tables_tensor();
    const Case write = {"", "KvWrite", {cache_, k, v, sequences, tables}, {cache_}, {integer(shape_.layer)},
                        0};
    cache_ = run(kernel_for(isa_, write), write, threads_)[0];
    const double scale = 1 / std::sqrt(static_cast<double>(shape_.head_dim));
    const Case attention = {"",
                            "PagedAttention",
                            {q, cache_, sequences, tables},
                            {empty(Dtype::f32, q.dims)},
                            {integer(shape_.layer), real(scale), integer(shape_.window), real(shape_.softcap),
                             integer(shape_.causal ? 1 : 0)},
                            -1};
    const auto result = run(kernel_for(isa_, attention), attention, threads_)[0];
    const auto row_bytes = static_cast<std::size_t>(shape_.heads * shape_.head_dim) * sizeof(float);
    const std::byte* source = result.bytes.data();
    for (std::size_t s = 0; s < counts.size(); ++s) {
      const std::size_t bytes = static_cast<std::size_t>(counts[s]) * row_bytes;
      std::copy_n(source, bytes, results_[s].bytes.data() + static_cast<std::size_t>(past_[s]) * row_bytes);
      source += bytes;
      past_[s] += counts[s];
    }
  }

  const std::vector<Tensor>& results() const { return results_; }
  const Tensor& cache() const { return cache_; }

 private:
  static void append(Tensor& target, const Tensor& source, std::int64_t first, std::int64_t count) {
    const auto row = static_cast<std::ptrdiff_t>(source.bytes.size()) / source.dims[0];
    target.bytes.insert(target.bytes.end(), source.bytes.begin() + first * row,
                        source.bytes.begin() + (first + count) * row);
    target.dims[0] += count;
  }

  std::string isa_;
  AttentionShape shape_;
  Random random_;
  Step pages_;
  int threads_;
  Tensor cache_;
  std::vector<Tensor> q_, k_, v_, results_;
  std::vector<std::int64_t> past_;
};

class AttentionInvariance : public testing::TestWithParam<std::string> {};

TEST_P(AttentionInvariance, PromptAtOnceInChunksAndTokenByToken) {
  for (const auto dtype : {Dtype::f32, Dtype::f16, Dtype::bf16, kCacheOfQ8, kCacheOfQ4})
    for (const auto& shape : {AttentionShape{9, 3, 64, dtype, 2, 1, 0},
                              AttentionShape{4, 1, is_cache_codes(dtype) ? 96 : 48, dtype, 1, 0, 70}}) {
      const std::vector<SequenceShape> sequences = {{100, 0}};
      Layer at_once(GetParam(), shape, sequences, 1);
      at_once.advance({100});
      for (const std::int64_t chunk : {1, 33, 64}) {
        Layer layer(GetParam(), shape, sequences, 3);
        for (std::int64_t done = 0; done < 100; done += chunk) layer.advance({std::min(chunk, 100 - done)});
        ASSERT_EQ(difference(at_once.results(), layer.results()), "") << "chunks of " << chunk;
        ASSERT_EQ(at_once.cache().bytes, layer.cache().bytes) << "chunks of " << chunk;
      }
    }
}

TEST_P(AttentionInvariance, LongPromptAtOnceInChunksAndTokenByToken) {
  constexpr std::int64_t kTokens = 512;
  for (const auto& [dtype, window] : std::vector<std::pair<Dtype, std::int64_t>>{{Dtype::f16, 0},
                                                                                 {Dtype::f16, 100},
                                                                                 {Dtype::bf16, 0},
                                                                                 {Dtype::bf16, 100},
                                                                                 {Dtype::bf16, 300},
                                                                                 {kCacheOfQ8, 0},
                                                                                 {kCacheOfQ8, 300},
                                                                                 {kCacheOfQ4, 0},
                                                                                 {kCacheOfQ4, 100}}) {
    const AttentionShape shape{4, 2, is_cache_codes(dtype) ? 32 : 16, dtype, 1, 0, window};
    const std::vector<SequenceShape> sequences = {{kTokens, 0}};
    Layer at_once(GetParam(), shape, sequences, 4);
    at_once.advance({kTokens});
    for (const std::int64_t chunk : {1, 64}) {
      Layer layer(GetParam(), shape, sequences, 2);
      for (std::int64_t done = 0; done < kTokens; done += chunk) layer.advance({chunk});
      ASSERT_EQ(difference(at_once.results(), layer.results()), "") << "chunks of " << chunk;
      ASSERT_EQ(at_once.cache().bytes, layer.cache().bytes) << "chunks of " << chunk;
    }
  }
}

TEST_P(AttentionInvariance, SequencesTogetherAndAlone) {
  for (const auto dtype : {Dtype::f16, Dtype::bf16, kCacheOfQ8, kCacheOfQ4}) {
    const AttentionShape shape{6, 2, 64, dtype, 1, 0, 0};
    const std::vector<SequenceShape> sequences = {{130, 0}, {5, 0}, {71, 0}};
    Layer alone(GetParam(), shape, sequences, 2);
    alone.advance({130, 0, 0});
    alone.advance({0, 5, 0});
    alone.advance({0, 0, 71});
    Layer together(GetParam(), shape, sequences, 4);
    together.advance({64, 1, 0});
    together.advance({1, 1, 70});
    together.advance({64, 3, 0});
    together.advance({1, 0, 1});
    EXPECT_EQ(difference(alone.results(), together.results()), "");
  }
}

std::vector<std::string> isa_levels() {
  std::vector<std::string> names;
  for (auto level = IsaLevel::portable; level <= detected_isa();
       level = static_cast<IsaLevel>(static_cast<int>(level) + 1))
    names.emplace_back(isa_name(level));
  return names;
}

INSTANTIATE_TEST_SUITE_P(Levels, AttentionInvariance, testing::ValuesIn(isa_levels()),
                         [](const auto& instance) { return instance.param; });

}  // namespace
}  // namespace lathe::parity
