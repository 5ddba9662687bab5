#include "models/onnx_decoder.h"

#include <algorithm>
#include <cstring>

#include "backend/cache_layout.h"
#include "base/error.h"
#include "models/decoder_config.h"
#include "models/registry.h"

namespace lathe {
namespace {

constexpr std::size_t kShownProblems = 8;

/// What a handler throws for a node that the decoder does not know.
struct UnknownNode {
  std::string why;
};

ModelShape shape(const Checkpoint& checkpoint) {
  return {.vocabulary = checkpoint.integer("onnx.vocab_size", 1, kMaxVocabulary),
          .context_tokens = checkpoint.integer("onnx.context_length", 1, kMaxContext),
          .layers = checkpoint.integer("onnx.block_count", 1, kMaxLayers),
          .kv_heads = checkpoint.integer("onnx.attention.head_count_kv", 1, kMaxWidth),
          .head_dim = checkpoint.integer("onnx.attention.key_length", 1, kMaxHeadDim)};
}

Graph build_graph(const std::shared_ptr<const Checkpoint>& checkpoint, const GraphOptions& options) {
  if (checkpoint->network == nullptr)
    checkpoint->fail("the architecture is that of .onnx files alone", "general.architecture");
  return OnnxDecoder(checkpoint, shape(*checkpoint), options).build();
}

}  // namespace

const Architecture kOnnx{"onnx", &shape, &build_graph};

OnnxDecoder::OnnxDecoder(std::shared_ptr<const Checkpoint> checkpoint, const ModelShape& shape,
                         const GraphOptions& options)
    : checkpoint_(std::move(checkpoint)),
      model_(*checkpoint_->network),
      shape_(shape),
      options_(options),
      constants_(onnx::find_constants(model_.graph)) {
  graph_.name = checkpoint_->architecture;
  ids_ = graph_.add_input("ids", {Dtype::i32, {"T"}});
  positions_ = graph_.add_input("positions", {Dtype::i32, {"T"}});
  sequences_ = graph_.add_input("sequences", {Dtype::i32, {"Q", 4}});
  block_tables_ = graph_.add_input("block_tables", {Dtype::i32, {"B"}});
  out_rows_ = graph_.add_input("out_rows", {Dtype::i32, {"S"}});
  if (!options_.cache_off)
    cache_ = graph_.add_input(
        "cache",
        {options_.cache_dtype, {shape_.layers, "P", 2, shape_.kv_heads, kPageTokens * shape_.head_dim}},
        ValueKind::state);
}

Graph OnnxDecoder::build() {
  add_inputs();
  for (const onnx::Node& node : model_.graph.nodes) lower(node);
  auto logits = values_.find("logits");
  if (problems_.empty() &&
      (logits == values_.end() || !logits->second.is_tensor() || logits->second.width() != shape_.vocabulary))
    problems_.push_back("the output logits is not [1, tokens, " + std::to_string(shape_.vocabulary) + "]");
  if (!problems_.empty()) {
    std::string text = "this network is no decoder that the engine knows; lathe exec runs it. Not known:";
    for (std::size_t i = 0; i < std::min(problems_.size(), kShownProblems); ++i)
      text += "\n  " + problems_[i];
    if (problems_.size() > kShownProblems)
      text += "\n  and " + std::to_string(problems_.size() - kShownProblems) + " more";
    throw Error(ErrorCode::unsupported, text, {checkpoint_->file, std::nullopt, {}});
  }
  OnnxValue& last = logits->second;
  graph_.add_output("logits", last.wanted ? flat(last) : graph_.add("Gather", "", {flat(last), out_rows_}));
  return std::move(graph_);
}

void OnnxDecoder::add_inputs() {
  for (const auto& [name, tensor] : constants_) {
    OnnxValue value;
    value.kind = OnnxValue::Kind::constant;
    value.constant = tensor;
    value.dims = tensor->dims;
    values_.emplace(name, std::move(value));
  }
  for (const onnx::ValueInfo& info : model_.graph.inputs) {
    if (values_.contains(info.name)) continue;
    OnnxValue value;
    value.dims = {1, OnnxValue::kTokens};
    const bool whole =
        info.type.data_type == onnx::DataType::int64 || info.type.data_type == onnx::DataType::int32;
    if (info.name == "input_ids") {
      value.kind = OnnxValue::Kind::ids;
    } else if (info.name == "position_ids") {
      value.kind = OnnxValue::Kind::positions;
    } else if (whole) {
      value.kind = OnnxValue::Kind::sizes;  // an attention mask, or lengths
      value.dims.assign(info.type.dims.size(), OnnxValue::kUnknown);
    } else if (info.type.dims.size() == 4) {
      value.kind = OnnxValue::Kind::past;
      value.dims = {1, shape_.kv_heads, OnnxValue::kUnknown, shape_.head_dim};
    }
    values_.emplace(info.name, std::move(value));
  }
}

const OnnxDecoder::Handler* OnnxDecoder::find_handler(const onnx::Node& node) {
  for (const auto handlers : {row_handlers(), layout_handlers(), attention_handlers()})
    for (const Handler& handler : handlers)
      if (handler.op == node.op_type && handler.domain == node.domain) return &handler;
  return nullptr;
}

void OnnxDecoder::lower(const onnx::Node& node) {
  const auto is_known = [&](const std::string& output) { return values_.contains(output); };
  if (std::ranges::all_of(node.outputs, is_known)) return;  // of a constant
  const auto is_unknown = [&](const std::string& input) {
    const auto found = values_.find(input);
    return !input.empty() && (found == values_.end() || found->second.kind == OnnxValue::Kind::unknown);
  };
  if (!std::ranges::any_of(node.inputs, is_unknown)) {
    try {
      const Handler* handler = find_handler(node);
      if (handler == nullptr) refuse("the op is not one of decoders'");
      (this->*handler->lower)(node);
      return;
    } catch (const UnknownNode& unknown) {
      problems_.push_back(printable(node.op_type) + " " + printable(name(node)) + ": " + unknown.why);
    } catch (const Error& error) {
      if (error.code() != ErrorCode::invalid_argument) throw;
      problems_.push_back(printable(node.op_type) + " " + printable(name(node)) + ": " + error.what());
    }
  }
  for (std::size_t i = 0; i < node.outputs.size(); ++i) set(node, i, {});
}

void OnnxDecoder::refuse(const std::string& why) { throw UnknownNode{why}; }

bool OnnxDecoder::has(const onnx::Node& node, std::size_t index) {
  return index < node.inputs.size() && !node.inputs[index].empty();
}

OnnxValue& OnnxDecoder::input(const onnx::Node& node, std::size_t index) {
  if (!has(node, index)) refuse("input " + std::to_string(index) + " is missing");
  return values_.at(node.inputs[index]);
}

OnnxValue& OnnxDecoder::tensor(const onnx::Node& node, std::size_t index) {
  OnnxValue& value = input(node, index);
  if (!value.is_tensor()) refuse("input " + std::to_string(index) + " is not computed from the tokens");
  if (layer_ == shape_.layers && !value.wanted) {
    const ValueId rows = graph_.add("Gather", node.inputs[index] + ".wanted", {flat(value), out_rows_});
    value.flat = rows;
    value.split = -1;
    value.sigmoid_of = -1;
    value.wanted = true;
  }
  return value;
}

ValueId OnnxDecoder::flat(OnnxValue& value) {
  if (value.flat < 0 && value.sigmoid_of >= 0) value.flat = graph_.add("Sigmoid", "", {value.sigmoid_of});
  if (value.flat < 0) value.flat = graph_.add("MergeHeads", "", {value.split});
  return value.flat;
}

ValueId OnnxDecoder::split(OnnxValue& value) {
  if (value.split < 0) value.split = graph_.add("SplitHeads", "", {flat(value)}, {{"heads", value.heads()}});
  return value.split;
}

void OnnxDecoder::set(const onnx::Node& node, std::size_t output, OnnxValue value) {
  if (output < node.outputs.size() && !node.outputs[output].empty())
    values_.insert_or_assign(node.outputs[output], std::move(value));
}

void OnnxDecoder::set_like(const onnx::Node& node, const OnnxValue& like, ValueId flat, ValueId split) {
  OnnxValue value;
  value.kind = OnnxValue::Kind::tensor;
  value.dims = like.dims;
  value.by_head = like.by_head;
  value.wanted = like.wanted;
  value.flat = flat;
  value.split = split;
  set(node, 0, std::move(value));
}

void OnnxDecoder::refuse_outputs(const onnx::Node& node, std::size_t first) const {
  for (std::size_t i = first; i < node.outputs.size(); ++i)
    if (!node.outputs[i].empty()) refuse("output " + std::to_string(i) + " is not computed");
}

std::string OnnxDecoder::name(const onnx::Node& node) {
  return !node.name.empty() || node.outputs.empty() ? node.name : node.outputs[0];
}

std::int64_t OnnxDecoder::integer(const onnx::Node& node, std::string_view attribute,
                                  std::int64_t otherwise) {
  const onnx::Attribute* found = node.find(attribute);
  return found == nullptr || found->integers.size() != 1 ? otherwise : found->integers[0];
}

double OnnxDecoder::real(const onnx::Node& node, std::string_view attribute, double otherwise) {
  const onnx::Attribute* found = node.find(attribute);
  return found == nullptr || found->reals.size() != 1 ? otherwise : static_cast<double>(found->reals[0]);
}

ValueId OnnxDecoder::constant(const std::string& name) {
  const auto known = weights_.find(name);
  if (known != weights_.end()) return known->second;
  const TensorView* stored = checkpoint_->find_tensor(name);
  if (stored == nullptr) refuse("the constant " + printable(name) + " is not of floats");
  return weights_.emplace(name, graph_.add_constant(name, *stored, checkpoint_)).first->second;
}

ValueId OnnxDecoder::vector(const onnx::Node& node, std::size_t index, std::int64_t size) {
  const OnnxValue& value = input(node, index);
  const auto not_a_vector = [&] {
    refuse("input " + std::to_string(index) + " is no constant of " + std::to_string(size) + " numbers");
  };
  if (value.kind != OnnxValue::Kind::constant || value.dims.empty() || value.dims.back() != size ||
      value.constant->elements() != static_cast<std::uint64_t>(size))
    not_a_vector();
  const std::string& tensor = node.inputs[index];
  const TensorView* stored = checkpoint_->find_tensor(tensor);
  if (stored == nullptr || stored->dtype != Dtype::f32) not_a_vector();
  if (value.dims.size() == 1) return constant(tensor);
  const std::string key = tensor + ".row";
  if (const auto known = weights_.find(key); known != weights_.end()) return known->second;
  TensorView row = *stored;
  row.shape = {size};
  return weights_.emplace(key, graph_.add_constant(key, row, checkpoint_)).first->second;
}

std::optional<std::vector<std::int64_t>> OnnxDecoder::integers(const onnx::Node& node, std::size_t index) {
  const OnnxValue& value = input(node, index);
  if (value.kind == OnnxValue::Kind::sizes && value.sizes_known) return value.sizes;
  if (value.kind != OnnxValue::Kind::constant) return std::nullopt;
  const onnx::Tensor tensor = onnx::aligned(*value.constant, sizeof(std::int64_t));
  std::vector<std::int64_t> result(static_cast<std::size_t>(tensor.elements()));
  if (tensor.data_type == onnx::DataType::int64) {
    if (!result.empty()) std::memcpy(result.data(), tensor.bytes.data(), tensor.bytes.size());
  } else if (tensor.data_type == onnx::DataType::int32) {
    std::vector<std::int32_t> narrow(result.size());
    if (!result.empty()) std::memcpy(narrow.data(), tensor.bytes.data(), tensor.bytes.size());
    result.assign(narrow.begin(), narrow.end());
  } else {
    return std::nullopt;
  }
  return result;
}

}  // namespace lathe
