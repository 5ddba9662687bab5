#include "models/blocks.h"

#include <cmath>
#include <cstring>

#include "backend/cache_layout.h"
#include "base/error.h"

namespace lathe {
namespace {

std::string shape_text(const Shape& shape) {
  std::string text = "[";
  for (std::size_t i = 0; i < shape.size(); ++i) text += (i == 0 ? "" : ", ") + std::to_string(shape[i]);
  return text + "]";
}

}  // namespace

DecoderBuilder::DecoderBuilder(std::shared_ptr<const Checkpoint> checkpoint, const DecoderConfig& config,
                               const GraphOptions& options)
    : checkpoint_(std::move(checkpoint)), config_(config), options_(options) {
  graph_.name = checkpoint_->architecture;
  ids_ = graph_.add_input("ids", {Dtype::i32, {"T"}});
  positions_ = graph_.add_input("positions", {Dtype::i32, {"T"}});
  sequences_ = graph_.add_input("sequences", {Dtype::i32, {"Q", 4}});
  block_tables_ = graph_.add_input("block_tables", {Dtype::i32, {"B"}});
  out_rows_ = graph_.add_input("out_rows", {Dtype::i32, {"S"}});
  if (!options_.cache_off)
    cache_ = graph_.add_input(
        "cache",
        {options_.cache_dtype, {config_.layers, "P", 2, config_.kv_heads, kPageTokens * config_.head_dim}},
        ValueKind::state);
}

ValueId DecoderBuilder::weight(const std::string& name, const Shape& shape, bool vector_only) {
  const auto known = weights_.find(name);
  if (known != weights_.end()) return known->second;
  TensorView expected{nullptr, Dtype::f32, shape};
  const TensorView* stored = checkpoint_->find_tensor(name);
  if (stored == nullptr) {
    differences_.push_back(name + " is missing");
  } else if (stored->shape != shape) {
    differences_.push_back(name + " is " + shape_text(stored->shape) + ", not " + shape_text(shape));
  } else if (vector_only && stored->dtype != Dtype::f32) {
    differences_.push_back(name + " is " + std::string(info(stored->dtype).name) + ", not f32");
  } else if (!is_block_quantized(stored->dtype) && stored->dtype > Dtype::bf16) {
    differences_.push_back(name + " is " + std::string(info(stored->dtype).name) +
                           ", which no matrix may be");
  } else {
    expected = *stored;
  }
  const ValueId id = graph_.add_constant(name, expected, checkpoint_);
  weights_.emplace(name, id);
  return id;
}

ValueId DecoderBuilder::matrix(const std::string& name, std::int64_t rows, std::int64_t columns) {
  return weight(name, {rows, columns}, false);
}

ValueId DecoderBuilder::vector(const std::string& name, std::int64_t size) {
  return weight(name, {size}, true);
}

ValueId DecoderBuilder::embed() {
  return graph_.add("Gather", "token_embd",
                    {matrix("token_embd.weight", config_.vocabulary, config_.embedding), ids_});
}

ValueId DecoderBuilder::norm(const std::string& name, ValueId x, std::int64_t size) {
  return graph_.add("RMSNormalization", name, {x, vector(name + ".weight", size)},
                    {{"epsilon", config_.epsilon}});
}

ValueId DecoderBuilder::linear(const std::string& name, ValueId x, std::int64_t rows, std::int64_t columns) {
  return graph_.add("Linear", name, {x, matrix(name + ".weight", rows, columns)});
}

ValueId DecoderBuilder::scale(const std::string& node_name, ValueId x, float factor) {
  auto bytes = std::make_shared<float>(factor);
  const TensorView data{reinterpret_cast<const std::byte*>(bytes.get()), Dtype::f32, {1}};
  return graph_.add("Mul", node_name, {x, graph_.add_constant(node_name + ".factor", data, bytes)});
}

ValueId DecoderBuilder::rotary_table(double base) {
  const auto dims = static_cast<double>(config_.rope_dims);
  std::vector<double> frequencies(static_cast<std::size_t>(config_.rope_dims / 2));
  for (std::size_t pair = 0; pair < frequencies.size(); ++pair)
    frequencies[pair] = std::pow(base, -2.0 * static_cast<double>(pair) / dims);
  return rotary_table(frequencies);
}

ValueId DecoderBuilder::rotary_table(const std::vector<double>& frequencies, double magnitude) {
  auto values = std::make_shared<const std::vector<double>>(frequencies);
  const TensorView data{reinterpret_cast<const std::byte*>(values->data()),
                        Dtype::f64,
                        {static_cast<std::int64_t>(values->size())}};
  return graph_.add("RotaryTable", "", {positions_, graph_.add_constant("rope_frequencies", data, values)},
                    {{"magnitude", magnitude}});
}

ValueId DecoderBuilder::attention(std::int64_t layer, ValueId q, ValueId k, ValueId v, double scale,
                                  std::int64_t window) {
  const std::string block = "blk." + std::to_string(layer);
  ValueId pages = -1;
  std::int64_t page_layer = layer;
  if (options_.cache_off) {
    pages = graph_.add("KvScratch", block + ".kv", {k, v, sequences_, block_tables_},
                       {{"dtype", static_cast<std::int64_t>(options_.cache_dtype)}});
    page_layer = 0;
  } else {
    cache_ =
        graph_.add("KvWrite", block + ".kv", {cache_, k, v, sequences_, block_tables_}, {{"layer", layer}});
    pages = cache_;
  }
  const ValueId heads = graph_.add("PagedAttention", block + ".attn", {q, pages, sequences_, block_tables_},
                                   {{"layer", page_layer}, {"scale", scale}, {"window", window}});
  return graph_.add("MergeHeads", block + ".attn_merged", {heads});
}

ValueId DecoderBuilder::split_heads(const std::string& node_name, ValueId x, std::int64_t heads) {
  return graph_.add("SplitHeads", node_name, {x}, {{"heads", heads}});
}

ValueId DecoderBuilder::rotate(const std::string& node_name, ValueId x, ValueId table, bool interleaved) {
  return graph_.add("RotaryEmbedding", node_name, {x, table}, {{"interleaved", std::int64_t{interleaved}}});
}

ValueId DecoderBuilder::gated_feed_forward(const std::string& block, ValueId x, std::string_view activation) {
  const ValueId gate = linear(block + ".ffn_gate", x, config_.feed_forward, config_.embedding);
  const ValueId up = linear(block + ".ffn_up", x, config_.feed_forward, config_.embedding);
  const Attributes form = activation == "Gelu" ? Attributes{{"approximate", 1}} : Attributes{};
  const ValueId active = graph_.add(activation, block + ".ffn_act", {gate}, form);
  const ValueId product = graph_.add("Mul", block + ".ffn_gated", {active, up});
  return linear(block + ".ffn_down", product, config_.embedding, config_.feed_forward);
}

ValueId DecoderBuilder::wanted_rows(const std::string& node_name, ValueId x) {
  return graph_.add("Gather", node_name, {x, out_rows_});
}

Graph DecoderBuilder::finish(ValueId x) {
  const ValueId normed = norm("output_norm", x, config_.embedding);
  const bool own_head = checkpoint_->find_tensor("output.weight") != nullptr;
  const ValueId head =
      matrix(own_head ? "output.weight" : "token_embd.weight", config_.vocabulary, config_.embedding);
  graph_.add_output("logits", graph_.add("Linear", "output", {normed, head}));

  for (const auto& name : checkpoint_->tensor_names)
    if (!weights_.contains(name))
      differences_.push_back(printable(name) + " is not part of this architecture");
  if (!differences_.empty()) {
    constexpr std::size_t kShown = 5;
    std::string text = "the tensors do not fit architecture " + checkpoint_->architecture + ": ";
    for (std::size_t i = 0; i < std::min(kShown, differences_.size()); ++i)
      text += (i == 0 ? "" : "; ") + differences_[i];
    if (differences_.size() > kShown)
      text += "; and " + std::to_string(differences_.size() - kShown) + " more";
    checkpoint_->fail(text, "");
  }
  return std::move(graph_);
}

}  // namespace lathe
