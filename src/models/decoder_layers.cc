// The parts of DecoderBuilder that make up a layer: attention over the cache, and feed-forward.
#include <algorithm>
#include <cmath>
#include <cstring>

#include "models/blocks.h"

namespace lathe {

Heads DecoderBuilder::project(const std::string& block, ValueId x, Bias bias) {
  const std::int64_t width = config_.embedding, q = config_.q_width(), kv = config_.kv_width();
  const std::string fused = block + ".attn_qkv";
  if (checkpoint_->find_tensor(fused + ".weight") == nullptr)
    return {linear(block + ".attn_q", x, q, width, bias), linear(block + ".attn_k", x, kv, width, bias),
            linear(block + ".attn_v", x, kv, width, bias)};
  const std::int64_t rows = q + 2 * kv;
  return {linear_rows(fused, "q", x, rows, width, 0, q, bias),
          linear_rows(fused, "k", x, rows, width, q, kv, bias),
          linear_rows(fused, "v", x, rows, width, q + kv, kv, bias)};
}

Heads DecoderBuilder::split(const std::string& block, const Heads& projected) {
  const auto part = [&](const char* name, ValueId x, std::int64_t heads) {
    return graph_.add("SplitHeads", block + name, {x}, {{"heads", heads}});
  };
  return {part(".q", projected.q, config_.heads), part(".k", projected.k, config_.kv_heads),
          part(".v", projected.v, config_.kv_heads)};
}

Heads DecoderBuilder::heads(const std::string& block, ValueId x, Bias bias) {
  return split(block, project(block, x, bias));
}

ValueId DecoderBuilder::rotary_table(std::int64_t layer) {
  if (config_.local_rope && config_.window_of(layer) != 0) {
    if (local_table_ < 0) local_table_ = add_rotary_table(*config_.local_rope, "");
    return local_table_;
  }
  const auto context = options_.context_tokens == 0 ? config_.context_tokens : options_.context_tokens;
  if (table_ < 0)
    table_ = add_rotary_table(config_.rope, rope_factors_name(*checkpoint_, config_.rope, context));
  // Which of LongRoPE's two lists is used depends on the context; both belong to the file.
  for (const char* name : {"rope_factors_long.weight", "rope_factors_short.weight"})
    if (checkpoint_->find_tensor(name) != nullptr) checked(name, {config_.rope.dims / 2}, true);
  return table_;
}

ValueId DecoderBuilder::add_rotary_table(const RopeConfig& rope, const std::string& factors) {
  std::vector<float> divisors;
  if (!factors.empty()) {
    divisors.assign(static_cast<std::size_t>(rope.dims / 2), 1.0F);
    const TensorView stored = checked(factors, {rope.dims / 2}, true);
    if (stored.data != nullptr) std::memcpy(divisors.data(), stored.data, divisors.size() * sizeof(float));
    if (!std::all_of(divisors.begin(), divisors.end(),
                     [](float value) { return value > 0 && std::isfinite(value); })) {
      differences_.push_back(factors + " has a number that is not positive and finite");
      divisors.clear();
    }
  }
  const auto frequencies = std::make_shared<std::vector<double>>(rope_frequencies(rope, divisors));
  const TensorView data{reinterpret_cast<const std::byte*>(frequencies->data()), Dtype::f64, {rope.dims / 2}};
  return graph_.add("RotaryTable", "",
                    {positions_, graph_.add_constant("rope_frequencies", data, frequencies)},
                    {{"magnitude", rope.magnitude}});
}

Heads DecoderBuilder::rotate(const std::string& block, const Heads& heads, ValueId table, RotaryPairs pairs) {
  const auto rotated = [&](const char* name, ValueId x) {
    return graph_.add("RotaryEmbedding", block + name, {x, table},
                      {{"interleaved", std::int64_t{pairs == RotaryPairs::neighbours}}});
  };
  return {rotated(".q_rope", heads.q), rotated(".k_rope", heads.k), heads.v};
}

ValueId DecoderBuilder::attention(std::int64_t layer, const Heads& heads) {
  const std::string block = block_name(layer);
  ValueId pages = -1;
  std::int64_t page_layer = layer;
  if (options_.cache_off) {
    pages = graph_.add("KvScratch", block + ".kv", {heads.k, heads.v, sequences_, block_tables_},
                       {{"dtype", static_cast<std::int64_t>(options_.cache_dtype)}});
    page_layer = 0;
  } else {
    cache_ = graph_.add("KvWrite", block + ".kv", {cache_, heads.k, heads.v, sequences_, block_tables_},
                        {{"layer", layer}});
    pages = cache_;
  }
  const ValueId attended =
      graph_.add("PagedAttention", block + ".attn", {heads.q, pages, sequences_, block_tables_},
                 {{"layer", page_layer},
                  {"scale", config_.attention_scale},
                  {"window", config_.window_of(layer)},
                  {"softcap", config_.attention_softcap},
                  {"causal", std::int64_t{config_.causal}}});
  return graph_.add("MergeHeads", block + ".attn_merged", {attended});
}

ValueId DecoderBuilder::attention_output(const std::string& block, ValueId attended, Bias bias) {
  return linear(block + ".attn_output", attended, config_.embedding, config_.q_width(), bias);
}

ValueId DecoderBuilder::gated_feed_forward(const std::string& block, ValueId x, Activation activation) {
  const ValueId gate = linear(block + ".ffn_gate", x, config_.feed_forward, config_.embedding);
  const ValueId up = linear(block + ".ffn_up", x, config_.feed_forward, config_.embedding);
  const ValueId active = activate(block + ".ffn_act", gate, activation);
  const ValueId product = graph_.add("Mul", block + ".ffn_gated", {active, up});
  return linear(block + ".ffn_down", product, config_.embedding, config_.feed_forward);
}

ValueId DecoderBuilder::fused_gated_feed_forward(const std::string& block, ValueId x, Activation activation) {
  const std::int64_t inner = config_.feed_forward;
  const std::string fused = block + ".ffn_up";
  const ValueId gate = linear_rows(fused, "gate", x, 2 * inner, config_.embedding, 0, inner, Bias::optional);
  const ValueId up = linear_rows(fused, "up", x, 2 * inner, config_.embedding, inner, inner, Bias::optional);
  const ValueId active = activate(block + ".ffn_act", gate, activation);
  const ValueId product = graph_.add("Mul", block + ".ffn_gated", {active, up});
  return linear(block + ".ffn_down", product, config_.embedding, inner);
}

ValueId DecoderBuilder::feed_forward(const std::string& block, ValueId x, Activation activation, Bias bias) {
  const ValueId up = linear(block + ".ffn_up", x, config_.feed_forward, config_.embedding, bias);
  const ValueId active = activate(block + ".ffn_act", up, activation);
  return linear(block + ".ffn_down", active, config_.embedding, config_.feed_forward, bias);
}

ValueId DecoderBuilder::wanted(std::int64_t layer, const std::string& node_name, ValueId x) {
  if (layer + 1 != config_.layers) return x;
  return graph_.add("Gather", block_name(layer) + "." + node_name, {x, out_rows_});
}

}  // namespace lathe
