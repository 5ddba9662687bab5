// Cases of KvWrite, KvScratch and PagedAttention: heads in groups, pages shuffled, several sequences,
// windows, soft caps, whole sequences; slots that no token has written hold NaN.
#include <array>
#include <cmath>

#include "parity/attention_step.h"
#include "parity/rows.h"

namespace lathe::parity {
namespace {

using Sequences = std::vector<SequenceShape>;

constexpr Dtype kCaches[] = {Dtype::f32, Dtype::f16, Dtype::bf16, kCacheOfQ8, kCacheOfQ4};

bool can_hold(Dtype cache, std::int64_t head_dim) {
  return !is_cache_codes(cache) || head_dim % kCodeColumns == 0;
}

const std::vector<Sequences>& steps() {
  static const std::vector<Sequences> kSteps = {
      {{1, 0}},
      {{1, 63}},
      {{1, 64}},
      {{1, 200}},
      {{2, 0}},
      {{7, 62}},
      {{16, 5}},
      {{64, 0}},
      {{65, 64}},
      {{130, 30}},
      {{1, 10}, {1, 100}, {1, 0}},
      {{5, 0}, {1, 191}, {33, 60}, {1, 64}},
  };
  return kSteps;
}

/// steps() and 512 tokens at once, at the start and after a past.
std::vector<Sequences> steps_and_long_prompts() {
  auto all = steps();
  all.push_back({{512, 0}});
  all.push_back({{512, 37}});
  return all;
}

std::string describe(const AttentionShape& shape, const Sequences& sequences) {
  std::string text = std::to_string(shape.heads) + "/" + std::to_string(shape.kv_heads) + " heads of " +
                     std::to_string(shape.head_dim) + " " + std::string(info(shape.cache_dtype).name) +
                     " window " + std::to_string(shape.window) + " softcap " + std::to_string(shape.softcap) +
                     (shape.causal ? "" : " not causal");
  for (const auto& sequence : sequences)
    text += ", " + std::to_string(sequence.tokens) + " after " + std::to_string(sequence.past);
  return text;
}

void set_element(Tensor& cache, const Step& step, const SequenceEntry& sequence, std::int64_t layer, int kind,
                 std::int64_t head, std::int64_t position, std::int64_t d, float value) {
  if (is_cache_codes(cache.dtype))
    set_code(cache, code_place(cache, step, sequence, layer, kind, head, position, d), value);
  else
    set_cache_value(cache, cache_index(cache, step, sequence, layer, kind, head, position, d), value);
}

Case attention_case(Random& random, const AttentionShape& shape, const Sequences& sequences) {
  const Step step(random, sequences);
  Tensor cache = poisoned_cache(shape, step.pages);
  std::normal_distribution<float> distribution;
  for (const auto& sequence : step.entries)
    for (std::int64_t position = 0; position < sequence.past + sequence.tokens; ++position)
      for (int kind = 0; kind < 2; ++kind)
        for (std::int64_t head = 0; head < shape.kv_heads; ++head)
          for (std::int64_t d = 0; d < shape.head_dim; ++d)
            set_element(cache, step, sequence, shape.layer, kind, head, position, d, distribution(random));
  const Shape q = {step.tokens, shape.heads, shape.head_dim};
  return {describe(shape, sequences),
          "PagedAttention",
          {normal(random, q), cache, step.sequences_tensor(), step.block_tables_tensor()},
          {empty(Dtype::f32, q)},
          {integer(shape.layer), real(1.3 / std::sqrt(static_cast<double>(shape.head_dim))),
           integer(shape.window), real(shape.softcap), integer(shape.causal ? 1 : 0)},
          -1};
}

Case with_last_token_wrong(Random& random, const AttentionShape& shape, const Sequences& sequences) {
  Case test = attention_case(random, shape, sequences);
  test.name += ", last token NaN";
  const auto& sequence = test.inputs[2].as<SequenceEntry>()[0];
  Step step(random, sequences);
  const std::int32_t* tables = test.inputs[3].as<std::int32_t>();
  step.block_tables.assign(tables, tables + test.inputs[3].dims[0]);
  for (std::int64_t d = 0; d < shape.head_dim; ++d)
    for (int kind = 0; kind < 2; ++kind)
      set_element(test.inputs[1], step, sequence, 0, kind, 1, sequence.past + sequence.tokens - 1, d,
                  std::nanf(""));
  return test;
}

}  // namespace

std::vector<Case> kv_write_cases() {
  Random random(11);
  std::vector<Case> cases;
  for (const auto dtype : kCaches)
    for (const auto& [kv_heads, head_dim] :
         std::vector<std::pair<std::int64_t, std::int64_t>>{{3, 64}, {1, 31}, {2, 80}, {1, 96}, {1, 256}})
      for (const auto& sequences : steps_and_long_prompts()) {
        if (!can_hold(dtype, head_dim) || (!is_cache_codes(dtype) && head_dim > 80)) continue;
        const AttentionShape shape{kv_heads, kv_heads, head_dim, dtype, 2, 1};
        const Step step(random, sequences);
        const Tensor cache = poisoned_cache(shape, step.pages);
        const Shape k = {step.tokens, kv_heads, head_dim};
        cases.push_back({describe(shape, sequences),
                         "KvWrite",
                         {cache, normal(random, k), normal(random, k, 100), step.sequences_tensor(),
                          step.block_tables_tensor()},
                         {cache},
                         {integer(1)},
                         0});
      }
  // What rounding to half can meet.
  for (auto& test : cases) {
    const float values[] = {65519.0f, 65520.0f,   -1e9f,          6e-8f, 2.9e-8f,
                            6.1e-5f,  1.0009766f, 1.00048828125f, -0.0f};
    auto& v = test.inputs[2];
    std::copy_n(values, std::min(std::size(values), v.bytes.size() / sizeof(float)), v.as<float>());
  }
  return cases;
}

std::vector<Case> rotary_kv_write_cases() {
  Random random(13);
  std::vector<Case> cases;
  for (const auto& test : kv_write_cases()) {
    const auto& k = test.inputs[1].dims;  // [tokens, kv_heads, head_dim]
    const std::int64_t tokens = k[0];
    const std::int64_t head_dim = k[2];
    const std::int64_t dims = head_dim % 2 == 0 && cases.size() % 3 != 0 ? head_dim : head_dim / 4 * 2;
    Case fused = test;
    fused.op = "RotaryKvWrite";
    fused.name += " dims " + std::to_string(dims);
    fused.inputs.push_back(normal(random, {tokens, dims}));
    fused.attributes.push_back(integer(static_cast<std::int64_t>(cases.size() % 2)));
    if (cases.size() % 4 < 3) {
      const Shape q = {tokens, 2 * k[1], head_dim};
      fused.name += " with q";
      fused.inputs.push_back(normal(random, q));
      fused.outputs.push_back(empty(Dtype::f32, q));
    }
    cases.push_back(std::move(fused));
  }
  return cases;
}

std::vector<Case> kv_scratch_cases() {
  std::vector<Case> cases;
  for (auto& test : kv_write_cases()) {
    const AttentionShape shape{test.inputs[1].dims[1], test.inputs[1].dims[1], test.inputs[1].dims[2],
                               test.inputs[0].dtype};
    cases.push_back({test.name,
                     "KvScratch",
                     {test.inputs.begin() + 1, test.inputs.end()},
                     {poisoned_cache(shape, test.inputs[0].dims[1])},
                     {integer(static_cast<std::int64_t>(test.inputs[0].dtype))},
                     -1});
  }
  return cases;
}

std::vector<Case> paged_attention_cases() {
  Random random(12);
  std::vector<Case> cases;
  for (const auto dtype : kCaches)
    for (const auto& [heads, kv_heads, head_dim] : std::vector<std::array<std::int64_t, 3>>{
             {9, 3, 64}, {2, 1, 256}, {2, 2, 16}, {3, 1, 80}, {2, 1, 31}, {14, 1, 8}, {3, 1, 96}})
      for (const std::int64_t window : {0, 1, 40, 64, 100})
        for (const auto& sequences : steps()) {
          if (!can_hold(dtype, head_dim) || (!is_cache_codes(dtype) && head_dim == 96)) continue;
          if ((head_dim != 64 || dtype == Dtype::f32) && window != 0 && window != 40) continue;
          cases.push_back(
              attention_case(random, {heads, kv_heads, head_dim, dtype, 2, 1, window}, sequences));
        }
  for (const auto dtype : kCaches)
    for (const auto& sequences : steps()) {
      cases.push_back(attention_case(random, {12, 12, 32, dtype, 2, 1, 0, 0, false}, sequences));
      const std::int64_t head_dim = is_cache_codes(dtype) ? 96 : 80;
      cases.push_back(attention_case(random, {3, 1, head_dim, dtype, 1, 0, 0, 2.5, false}, sequences));
      cases.push_back(attention_case(random, {8, 4, 64, dtype, 1, 0, 40, 50, true}, sequences));
    }
  // A token that went wrong spoils those after it, not those before it in the same step.
  for (const auto& sequences : steps()) {
    for (const auto dtype : {Dtype::f16, Dtype::bf16})
      cases.push_back(with_last_token_wrong(random, {6, 2, 48, dtype, 1, 0, 40}, sequences));
    for (const auto dtype : {kCacheOfQ8, kCacheOfQ4})
      cases.push_back(with_last_token_wrong(random, {6, 2, 32, dtype, 1, 0, 40}, sequences));
  }
  cases.push_back(attention_case(random, {9, 3, 64, Dtype::f16}, {{260, 0}}));
  // Spans of four pages, and rows of one tile that begin in different ones.
  for (const auto& sequences : {Sequences{{260, 0}}, Sequences{{1, 255}}, Sequences{{3, 254}, {1, 1000}}})
    for (const std::int64_t window : {0, 128, 300})
      for (const auto dtype : {Dtype::bf16, kCacheOfQ8, kCacheOfQ4})
        cases.push_back(attention_case(random, {9, 3, 64, dtype, 1, 0, window}, sequences));
  for (const auto dtype : kCaches)
    for (const std::int64_t window : {0, 100})
      cases.push_back(attention_case(random, {2, 1, 32, dtype, 1, 0, window}, {{512, 0}}));
  cases.push_back(attention_case(random, {2, 2, 32, Dtype::f32, 1, 0, 0, 0, false}, {{256, 0}, {3, 0}}));
  cases.push_back(attention_case(random, {2, 1, 32, Dtype::f16, 1, 0, 100}, {{512, 37}}));
  for (const auto dtype : {Dtype::f16, Dtype::bf16})
    cases.push_back(attention_case(random, {4, 1, 256, dtype, 1, 0, 512}, {{20, 700}}));
  return cases;
}

}  // namespace lathe::parity
