#include "models/blocks.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "backend/cache_layout.h"
#include "base/error.h"
#include "quant/block_format.h"

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

TensorView DecoderBuilder::checked(const std::string& name, const Shape& shape, bool vector_only) {
  const auto known = used_.find(name);
  if (known != used_.end()) return known->second;
  TensorView& view = used_[name] = {nullptr, Dtype::f32, shape};
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
    view = *stored;
  }
  return view;
}

ValueId DecoderBuilder::weight(const std::string& name, const Shape& shape, bool vector_only) {
  const auto known = weights_.find(name);
  if (known != weights_.end()) return known->second;
  const ValueId id = graph_.add_constant(name, checked(name, shape, vector_only), checkpoint_);
  weights_.emplace(name, id);
  return id;
}

ValueId DecoderBuilder::matrix(const std::string& name, std::int64_t rows, std::int64_t columns) {
  return weight(name, {rows, columns}, false);
}

ValueId DecoderBuilder::matrices(const std::string& name, std::int64_t count, std::int64_t rows,
                                 std::int64_t columns) {
  return weight(name, {count, rows, columns}, false);
}

ValueId DecoderBuilder::vector(const std::string& name, std::int64_t size) {
  return weight(name, {size}, true);
}

ValueId DecoderBuilder::embed() {
  return graph_.add("Gather", "token_embd",
                    {matrix("token_embd.weight", config_.vocabulary, config_.embedding), ids_});
}

ValueId DecoderBuilder::position_embedding() {
  const ValueId table = matrix("position_embd.weight", config_.context_tokens, config_.embedding);
  return graph_.add("Gather", "position_embd", {table, positions_});
}

ValueId DecoderBuilder::norm(const std::string& name, ValueId x, std::int64_t size, Bias bias) {
  std::vector<ValueId> inputs{x, vector(name + ".weight", size)};
  if (config_.norm == Norm::rms)
    return graph_.add("RMSNormalization", name, std::move(inputs), {{"epsilon", config_.epsilon}});
  if (bias == Bias::required || checkpoint_->find_tensor(name + ".bias") != nullptr)
    inputs.push_back(vector(name + ".bias", size));
  return graph_.add("LayerNormalization", name, std::move(inputs), {{"epsilon", config_.epsilon}});
}

ValueId DecoderBuilder::biased(const std::string& name, ValueId product, std::int64_t rows, Bias bias) {
  if (bias == Bias::optional && checkpoint_->find_tensor(name + ".bias") == nullptr) return product;
  return add(name + ".biased", product, vector(name + ".bias", rows));
}

ValueId DecoderBuilder::linear(const std::string& name, ValueId x, std::int64_t rows, std::int64_t columns,
                               Bias bias) {
  const ValueId product = graph_.add("Linear", name, {x, matrix(name + ".weight", rows, columns)});
  return biased(name, product, rows, bias);
}

ValueId DecoderBuilder::linear_rows(const std::string& name, const std::string& part, ValueId x,
                                    std::int64_t rows, std::int64_t columns, std::int64_t first,
                                    std::int64_t count, Bias bias) {
  const auto cut = [&](const std::string& tensor, const Shape& whole, const Shape& piece, bool vector_only) {
    TensorView view = checked(tensor, whole, vector_only);
    if (view.data != nullptr) {
      const bool flat = whole.size() == 1;
      view.data += flat ? first * static_cast<std::int64_t>(sizeof(float))
                        : first * static_cast<std::int64_t>(row_bytes(view.dtype, columns));
    }
    view.shape = piece;
    return graph_.add_constant(tensor + "." + part, view, checkpoint_);
  };
  const std::string node = name + "." + part;
  const ValueId product =
      graph_.add("Linear", node, {x, cut(name + ".weight", {rows, columns}, {count, columns}, false)});
  if (bias == Bias::optional && checkpoint_->find_tensor(name + ".bias") == nullptr) return product;
  return add(node + ".biased", product, cut(name + ".bias", {rows}, {count}, true));
}

ValueId DecoderBuilder::scale(const std::string& node_name, ValueId x, double factor) {
  if (factor == 1) return x;
  auto bytes = std::make_shared<float>(static_cast<float>(factor));
  const TensorView data{reinterpret_cast<const std::byte*>(bytes.get()), Dtype::f32, {1}};
  return graph_.add("Mul", node_name, {x, graph_.add_constant(node_name + ".factor", data, bytes)});
}

ValueId DecoderBuilder::add(const std::string& node_name, ValueId x, ValueId y) {
  return graph_.add("Add", node_name, {x, y});
}

ValueId DecoderBuilder::activate(const std::string& node_name, ValueId x, Activation activation) {
  if (activation == Activation::swish) return graph_.add("Swish", node_name, {x});
  return graph_.add("Gelu", node_name, {x},
                    {{"approximate", std::int64_t{activation == Activation::gelu_tanh}}});
}

Graph DecoderBuilder::finish(ValueId x, double logit_scale, Bias norm_bias) {
  const ValueId normed = norm("output_norm", x, config_.embedding, norm_bias);
  const bool own_head = checkpoint_->find_tensor("output.weight") != nullptr;
  const ValueId head =
      matrix(own_head ? "output.weight" : "token_embd.weight", config_.vocabulary, config_.embedding);
  ValueId logits = graph_.add("Linear", "output", {normed, head});
  logits = scale("output.scaled", biased("output", logits, config_.vocabulary, Bias::optional), logit_scale);
  if (config_.final_softcap != 0) {
    const ValueId small = scale("output.small", logits, 1 / config_.final_softcap);
    logits = scale("output.capped", graph_.add("Tanh", "output.tanh", {small}), config_.final_softcap);
  }
  graph_.add_output("logits", logits);
  return complete();
}

ValueId DecoderBuilder::row(const std::string& name, std::int64_t rows, std::int64_t columns,
                            std::int64_t index) {
  const TensorView stored = checked(name, {rows, columns}, false);
  auto values = std::make_shared<std::vector<float>>(static_cast<std::size_t>(columns));
  if (stored.data != nullptr)
    decode_rows(stored.dtype,
                stored.data + static_cast<std::uint64_t>(index) * row_bytes(stored.dtype, columns),
                values->data(), 1, columns);
  const TensorView data{reinterpret_cast<const std::byte*>(values->data()), Dtype::f32, {columns}};
  return graph_.add_constant(name + "." + std::to_string(index), data, values);
}

Graph DecoderBuilder::finish_embeddings(ValueId x) {
  graph_.add_output("embeddings", x);
  return complete();
}

Graph DecoderBuilder::complete() {
  for (const auto& name : checkpoint_->tensor_names)
    if (!used_.contains(name)) differences_.push_back(printable(name) + " is not part of this architecture");
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

std::string block_name(std::int64_t layer) { return "blk." + std::to_string(layer); }

Activation read_gelu(const Checkpoint& checkpoint, Activation fallback) {
  const std::string key = checkpoint.architecture + ".hidden_activation";
  const auto name = checkpoint.optional_text(key);
  if (!name) return fallback;
  if (*name == "gelu") return Activation::gelu;
  if (*name == "gelu_pytorch_tanh") return Activation::gelu_tanh;
  refuse_key(checkpoint, "is not supported", key);
}

}  // namespace lathe
