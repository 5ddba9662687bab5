// The split of a matmul over threads: every output is computed once, and nobody computes much more than the
// others.
#include "cpu/matmul_shape.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

namespace lathe::test {
namespace {

TEST(MatmulShape, ThreadsShareEveryGroupAndChunkOnce) {
  for (const std::int64_t tokens : {0, 1, 64, 65, 512, 1000})
    for (const std::int64_t groups : {1, 3, 12, 36, 97})
      for (const std::int64_t threads : {1, 2, 3, 16, 64, 128}) {
        const MatmulShape shape{tokens, 32, groups * kPackedRows, groups};
        std::vector<int> seen(static_cast<std::size_t>(tokens * groups), 0);
        std::int64_t most = 0;
        for (std::int64_t thread = 0; thread < threads; ++thread) {
          std::int64_t pairs = 0;
          for (std::int64_t chunk = 0; chunk < chunk_count(shape); ++chunk) {
            const Share own = chunk_groups(shape, chunk, thread, threads);
            const Share rows = chunk_tokens(shape, chunk);
            ASSERT_LE(rows.end - rows.begin, kChunkTokens);
            pairs += own.end - own.begin;
            for (std::int64_t group = own.begin; group < own.end; ++group)
              for (std::int64_t token = rows.begin; token < rows.end; ++token)
                ++seen.at(static_cast<std::size_t>(token * groups + group));
          }
          most = std::max(most, pairs);
        }
        EXPECT_TRUE(std::all_of(seen.begin(), seen.end(), [](int count) { return count == 1; }));
        EXPECT_LE(most, (groups * chunk_count(shape) + threads - 1) / threads);
      }
}

}  // namespace
}  // namespace lathe::test
