#include "passes/before_expected.h"

namespace lathe {
namespace {

constexpr std::string_view kInputs = R"(graph g {
  %q: f32[T, 4, 64] = input
  %k: f32[T, 2, 64] = input
  %v: f32[T, 2, 64] = input
  %table: f32[T, 64] = input
  %local: f32[T, 64] = input
  %sequences: i32[Q, 4] = input
  %block_tables: i32[B] = input
  %cache: f16[3, P, 2, 2, 4096] = state
)";

std::string graph_of(std::string_view nodes) { return std::string(kInputs) + std::string(nodes) + "}"; }

TEST(FuseRotaryCacheWrite, TakesTheQueryOfTheAttentionBehindAlong) {
  expect_rewrite(fuse_rotary_cache_write, graph_of(R"(
    %rq: f32[T, 4, 64] = RotaryEmbedding(%q, %table) {interleaved = 1}
    %rk: f32[T, 2, 64] = RotaryEmbedding(%k, %table) {interleaved = 1}
    %kv: f16[3, P, 2, 2, 4096] = KvWrite(%cache, %rk, %v, %sequences, %block_tables) {layer = 1}
    %a: f32[T, 4, 64] = PagedAttention(%rq, %kv, %sequences, %block_tables) {layer = 1, scale = 0.125}
    return a = %a
  )"),
                 graph_of(R"(
    %kv: f16[3, P, 2, 2, 4096], %rq: f32[T, 4, 64] = RotaryKvWrite(%cache, %k, %v, %sequences, %block_tables, %table, %q) {layer = 1, interleaved = 1}
    %a: f32[T, 4, 64] = PagedAttention(%rq, %kv, %sequences, %block_tables) {layer = 1, scale = 0.125}
    return a = %a
  )"));
}

TEST(FuseRotaryCacheWrite, LeavesAQueryThatTurnsOtherwise) {
  expect_rewrite(fuse_rotary_cache_write, graph_of(R"(
    %rq: f32[T, 4, 64] = RotaryEmbedding(%q, %local) {interleaved = 0}
    %rk: f32[T, 2, 64] = RotaryEmbedding(%k, %table) {interleaved = 0}
    %kv: f16[3, P, 2, 2, 4096] = KvWrite(%cache, %rk, %v, %sequences, %block_tables) {layer = 0}
    %a: f32[T, 4, 64] = PagedAttention(%rq, %kv, %sequences, %block_tables) {layer = 0, scale = 0.125}
    return a = %a
  )"),
                 graph_of(R"(
    %rq: f32[T, 4, 64] = RotaryEmbedding(%q, %local) {interleaved = 0}
    %kv: f16[3, P, 2, 2, 4096] = RotaryKvWrite(%cache, %k, %v, %sequences, %block_tables, %table) {layer = 0, interleaved = 0}
    %a: f32[T, 4, 64] = PagedAttention(%rq, %kv, %sequences, %block_tables) {layer = 0, scale = 0.125}
    return a = %a
  )"));
}

TEST(FuseRotaryCacheWrite, LeavesKeysThatSomeoneElseReads) {
  const auto unchanged = graph_of(R"(
    %rk: f32[T, 2, 64] = RotaryEmbedding(%k, %table) {interleaved = 0}
    %kv: f16[3, P, 2, 2, 4096] = KvWrite(%cache, %rk, %v, %sequences, %block_tables) {layer = 0}
    %a: f32[T, 4, 64] = PagedAttention(%q, %kv, %sequences, %block_tables) {layer = 0, scale = 0.125}
    return a = %a, keys = %rk
  )");
  expect_rewrite(fuse_rotary_cache_write, unchanged, unchanged);
}

TEST(FuseRotaryCacheWrite, LeavesAQueryThatIsComputedBehindTheWrite) {
  expect_rewrite(fuse_rotary_cache_write, graph_of(R"(
    %rk: f32[T, 2, 64] = RotaryEmbedding(%k, %table) {interleaved = 0}
    %kv: f16[3, P, 2, 2, 4096] = KvWrite(%cache, %rk, %v, %sequences, %block_tables) {layer = 0}
    %late: f32[T, 4, 64] = Swish(%q)
    %rq: f32[T, 4, 64] = RotaryEmbedding(%late, %table) {interleaved = 0}
    %a: f32[T, 4, 64] = PagedAttention(%rq, %kv, %sequences, %block_tables) {layer = 0, scale = 0.125}
    return a = %a
  )"),
                 graph_of(R"(
    %kv: f16[3, P, 2, 2, 4096] = RotaryKvWrite(%cache, %k, %v, %sequences, %block_tables, %table) {layer = 0, interleaved = 0}
    %late: f32[T, 4, 64] = Swish(%q)
    %rq: f32[T, 4, 64] = RotaryEmbedding(%late, %table) {interleaved = 0}
    %a: f32[T, 4, 64] = PagedAttention(%rq, %kv, %sequences, %block_tables) {layer = 0, scale = 0.125}
    return a = %a
  )"));
}

}  // namespace
}  // namespace lathe
