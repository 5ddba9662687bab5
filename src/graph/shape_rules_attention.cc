// Shape rules: heads, rotary embedding, the cache of keys and values, attention.
#include <cmath>

#include "graph/shape_check.h"
#include "graph/shape_rules.h"
#include "tensor/cache_type.h"

namespace lathe::shape_rules {
namespace {

// backend/cache_layout.h; a test holds them together
constexpr std::int64_t kPageTokens = 64;
constexpr std::int64_t kCodeColumns = 32;

/// sequences i32[Q, 4], block_tables i32[B]
void require_tables(const ShapeCheck& check, std::size_t sequences) {
  check.require(sequences, Dtype::i32, 2);
  check.require_dim(sequences, 1, 4, "entries of a sequence");
  check.require(sequences + 1, Dtype::i32, 1);
}

/// k and v, f32[T, Hkv, d]
void require_keys_and_values(const ShapeCheck& check, std::size_t k) {
  check.require(k, Dtype::f32, 3);
  check.require(k + 1, Dtype::f32, 3);
  for (std::size_t axis = 0; axis < 3; ++axis) check.require_dim(k + 1, axis, check.dim(k, axis), "as in k");
}

constexpr std::string_view kCacheTypes = "f32, f16, bf16, q8_0 or q4_1";

bool holds(Dtype cache, std::int64_t head_dim) {
  return !is_cache_codes(cache) || head_dim % kCodeColumns == 0;
}

/// kCacheTypes [L, P, 2, Hkv, 64 * d]
void require_cache(const ShapeCheck& check, std::size_t cache, std::int64_t head_dim) {
  if (!is_cache_dtype(check.type(cache).dtype))
    check.fail_input(cache, "must be " + std::string(kCacheTypes));
  if (!holds(check.type(cache).dtype, head_dim))
    check.fail_input(cache, "holds codes, so the head dimension " + std::to_string(head_dim) +
                                " must be a multiple of " + std::to_string(kCodeColumns));
  check.require_rank(cache, 5);
  check.require_dim(cache, 2, 2, "keys and values");
  if (check.number(cache, 4) != kPageTokens * head_dim)
    check.fail_input(cache, "dimension 4 must be " + std::to_string(kPageTokens) +
                                " times the head dimension " + std::to_string(head_dim));
}

}  // namespace

Types split_heads(Inputs inputs, const Node& node) {
  const ShapeCheck check(inputs, node, {"x"});
  check.require(0, Dtype::f32, 2);
  const auto columns = check.number(0, 1);
  const auto heads = check.integer("heads", 1, columns);
  if (columns % heads != 0)
    check.fail_input(0, "columns do not divide into " + std::to_string(heads) + " heads");
  return {{Dtype::f32, {check.dim(0, 0), heads, columns / heads}}};
}

Types merge_heads(Inputs inputs, const Node& node) {
  const ShapeCheck check(inputs, node, {"x"});
  check.require(0, Dtype::f32, 3);
  const auto heads = check.number(0, 1);
  const auto head_dim = check.number(0, 2);
  if (heads > kMaxDim / head_dim) check.fail_input(0, "has too many columns");
  return {{Dtype::f32, {check.dim(0, 0), heads * head_dim}}};
}

Types rotary_table(Inputs inputs, const Node& node) {
  const ShapeCheck check(inputs, node, {"positions", "frequencies"});
  check.require(0, Dtype::i32, 1);
  check.require(1, Dtype::f64, 1);
  const auto pairs = check.number(1, 0);
  if (pairs > kMaxDim / 2) check.fail_input(1, "has too many frequencies");
  if (!(node.real("magnitude") > 0)) check.fail("magnitude must be greater than 0");
  return {{Dtype::f32, {check.dim(0, 0), 2 * pairs}}};
}

Types rotary_embedding(Inputs inputs, const Node& node) {
  const ShapeCheck check(inputs, node, {"x", "table"});
  check.require(0, Dtype::f32, 3);
  check.require(1, Dtype::f32, 2);
  check.require_dim(1, 0, check.dim(0, 0), "tokens of x");
  const auto dims = check.number(1, 1);
  if (dims % 2 != 0 || dims > check.number(0, 2))
    check.fail_input(1,
                     "dimension 1 must be even and at most the head dimension " + to_string(check.dim(0, 2)));
  check.integer("interleaved", 0, 1);
  return {check.type(0)};
}

Types kv_write(Inputs inputs, const Node& node) {
  const ShapeCheck check(inputs, node, {"cache", "k", "v", "sequences", "block_tables"});
  require_keys_and_values(check, 1);
  require_cache(check, 0, check.number(1, 2));
  check.require_dim(0, 3, check.dim(1, 1), "heads of k");
  require_tables(check, 3);
  check.integer("layer", 0, check.number(0, 0) - 1);
  return {check.type(0)};
}

Types rotary_kv_write(Inputs inputs, const Node& node) {
  const ShapeCheck check(inputs, node, {"cache", "k", "v", "sequences", "block_tables", "table", "q"});
  Types types = kv_write(inputs.first(5), node);
  const auto require_rotation = [&](std::size_t x, std::string_view tokens) {
    check.require(x, Dtype::f32, 3);
    check.require_dim(5, 0, check.dim(x, 0), tokens);
    const auto dims = check.number(5, 1);
    if (dims % 2 != 0 || dims > check.number(x, 2))
      check.fail_input(
          5, "dimension 1 must be even and at most the head dimension " + to_string(check.dim(x, 2)));
  };
  check.require(5, Dtype::f32, 2);
  require_rotation(1, "tokens of k");
  check.integer("interleaved", 0, 1);
  if (inputs.size() > 6) {
    require_rotation(6, "tokens of q");
    types.push_back(check.type(6));
  }
  return types;
}

Types kv_scratch(Inputs inputs, const Node& node) {
  const ShapeCheck check(inputs, node, {"k", "v", "sequences", "block_tables"});
  require_keys_and_values(check, 0);
  require_tables(check, 2);
  const auto heads = check.number(0, 1);
  const auto head_dim = check.number(0, 2);
  if (head_dim > kMaxDim / kPageTokens) check.fail_input(0, "has too large a head dimension");
  const auto dtype = node.integer("dtype");
  const bool known = dtype >= 0 && dtype <= static_cast<std::int64_t>(kLastDtype) &&
                     is_cache_dtype(static_cast<Dtype>(dtype));
  if (!known) check.fail("dtype must be that of " + std::string(kCacheTypes));
  if (!holds(static_cast<Dtype>(dtype), head_dim))
    check.fail_input(0, "must have a head dimension that is a multiple of " + std::to_string(kCodeColumns) +
                            " where the cache holds codes");
  return {{static_cast<Dtype>(dtype), {1, "P", 2, heads, kPageTokens * head_dim}}};
}

Types paged_attention(Inputs inputs, const Node& node) {
  const ShapeCheck check(inputs, node, {"q", "cache", "sequences", "block_tables"});
  check.require(0, Dtype::f32, 3);
  require_cache(check, 1, check.number(0, 2));
  if (check.number(0, 1) % check.number(1, 3) != 0)
    check.fail_input(0, "heads must be a multiple of the cache's " + to_string(check.dim(1, 3)));
  require_tables(check, 2);
  check.integer("layer", 0, check.number(1, 0) - 1);
  const auto window = check.integer("window", 0, kMaxDim);
  if (node.real("softcap") < 0) check.fail("softcap must not be negative");
  if (check.integer("causal", 0, 1) == 0 && window != 0) check.fail("a window needs causal attention");
  return {check.type(0)};
}

}  // namespace lathe::shape_rules
