// The split of a matmul over threads: every output is computed once, and nobody computes much more than the
// others.
#include "cpu/matmul_shape.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>
#include <vector>

namespace lathe::test {
namespace {

constexpr std::int64_t kGroups = 97;

/// Counts how often each token and group is multiplied.
void count(const KernelCall& call, const MatmulShape& shape, const Share& groups, const Share& tokens) {
  ASSERT_LE(tokens.end - tokens.begin, kMatmulVariantSplits[call.variant].chunk_tokens);
  auto* seen = static_cast<int*>(call.outputs[0].data);
  for (std::int64_t group = groups.begin; group < groups.end; ++group)
    for (std::int64_t token = tokens.begin; token < tokens.end; ++token) ++seen[token * shape.groups + group];
}

TEST(MatmulShape, ThreadsShareEveryGroupAndChunkOnce) {
  for (const std::int64_t tokens : {0, 1, 64, 65, 512, 1000})
    for (const std::int64_t groups : {std::int64_t{1}, std::int64_t{3}, std::int64_t{36}, kGroups})
      for (const std::int32_t threads : {1, 2, 3, 16, 128})
        for (std::int32_t variant = 0; variant < static_cast<std::int32_t>(std::size(kMatmulVariantSplits));
             ++variant) {
          std::vector<int> seen(static_cast<std::size_t>(tokens * groups), 0);
          const TensorArg inputs[2] = {{nullptr, {tokens, 32}, 2, 0},
                                       {nullptr, {groups * kPackedRows, 32}, 2, 0}};
          const TensorArg output{seen.data(), {tokens, groups * kPackedRows}, 2, 0};
          int before = 0;
          int most = 0;
          for (std::int32_t thread = 0; thread < threads; ++thread) {
            multiply_in_chunks({inputs, &output, nullptr, nullptr, 2, thread, threads, variant}, count);
            const int now = std::accumulate(seen.begin(), seen.end(), 0);
            most = std::max(most, now - before);
            before = now;
          }
          EXPECT_TRUE(std::all_of(seen.begin(), seen.end(), [](int times) { return times == 1; }));
          const auto split = matmul_split({inputs, &output, nullptr, nullptr, 2, 0, threads, variant});
          const std::int64_t fair = split.by_tokens
                                        ? (tokens + threads - 1) / threads * groups
                                        : (groups * chunk_count(tokens, split.chunk_tokens) + threads - 1) /
                                              threads * std::min(tokens, split.chunk_tokens);
          EXPECT_LE(most, fair);
        }
}

}  // namespace
}  // namespace lathe::test
