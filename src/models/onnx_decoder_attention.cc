// Rotation and attention over the cache. Rows are packed, so that past keys and values are the cache's, and
// what the network computes of lengths and masks of padding is not needed.
#include <cmath>
#include <cstring>

#include "formats/onnx_lower.h"
#include "models/onnx_decoder.h"
#include "models/onnx_rotary.h"
#include "quant/block_format.h"

namespace lathe {
namespace {

std::optional<std::vector<float>> floats_of(const onnx::Tensor& tensor) {
  const auto dtype = onnx::dtype_of(tensor.data_type);
  if (!dtype || *dtype > Dtype::f64 || tensor.elements() == 0) return std::nullopt;
  const auto [view, owner] = onnx::tensor_data(tensor);
  std::vector<float> values(static_cast<std::size_t>(tensor.elements()));
  decode_rows(view.dtype, view.data, values.data(), 1, static_cast<std::int64_t>(values.size()));
  return values;
}

}  // namespace

ValueId OnnxDecoder::rotary_table(const onnx::Node& node, std::size_t cosines, std::size_t sines,
                                  std::int64_t dims) {
  const OnnxValue& cosine = input(node, cosines);
  const OnnxValue& sine = input(node, sines);
  const bool constants = cosine.kind == OnnxValue::Kind::constant && sine.kind == OnnxValue::Kind::constant;
  expect(constants && cosine.dims.size() == 2 && cosine.dims == sine.dims,
         "the caches are no constant matrices");
  const std::int64_t pairs = cosine.dims[1];
  expect(dims == 0 || dims == 2 * pairs, "the caches have another width than what is rotated");
  const std::pair key(node.inputs[cosines], node.inputs[sines]);
  if (const auto known = tables_.find(key); known != tables_.end()) return known->second;
  const auto cosine_values = floats_of(*cosine.constant), sine_values = floats_of(*sine.constant);
  expect(cosine_values && sine_values, "the caches are not of floats");
  const auto found = find_rotary_frequencies(*cosine_values, *sine_values, pairs);
  expect(found.has_value(), "the caches are not cosine and sine of position times frequency");
  const auto frequencies = std::make_shared<const std::vector<double>>(found->frequencies);
  const TensorView data{reinterpret_cast<const std::byte*>(frequencies->data()), Dtype::f64, {pairs}};
  const ValueId table =
      graph_.add("RotaryTable", "", {positions_, graph_.add_constant("rope_frequencies", data, frequencies)},
                 {{"magnitude", found->magnitude}});
  tables_.emplace(key, table);
  return table;
}

OnnxValue OnnxDecoder::with_heads(OnnxValue& x, std::int64_t heads) {
  if (x.has_heads()) {
    expect(heads == 0 || heads == x.heads(), "the heads are not as many as the node says");
    return x;
  }
  expect(heads > 0 && x.width() % heads == 0, "the node does not say how many heads there are");
  OnnxValue result = x;
  result.flat = flat(x);
  result.split = -1;
  result.sigmoid_of = -1;
  result.dims.back() = heads;
  result.dims.push_back(x.width() / heads);
  return result;
}

void OnnxDecoder::rotate(const onnx::Node& node, OnnxValue& x, std::int64_t heads, ValueId table) {
  OnnxValue by_heads = with_heads(x, heads);
  const ValueId rotated = graph_.add("RotaryEmbedding", name(node), {split(by_heads), table},
                                     {{"interleaved", integer(node, "interleaved", 0)}});
  OnnxValue result = x;
  result.flat = -1;
  result.split = rotated;
  result.sigmoid_of = -1;
  if (!x.has_heads()) result.flat = graph_.add("MergeHeads", "", {rotated});
  set(node, 0, std::move(result));
}

void OnnxDecoder::rotary(const onnx::Node& node) {
  OnnxValue& x = tensor(node, 0);
  expect(!x.wanted, "it stands behind the last attention");
  expect(has(node, 3) && input(node, 3).kind == OnnxValue::Kind::positions,
         "the positions are not position_ids");
  const std::int64_t dims = integer(node, "rotary_embedding_dim", 0);
  const ValueId table = rotary_table(node, 1, 2, dims);
  rotate(node, x, x.has_heads() ? 0 : integer(node, "num_heads", 0), table);
}

void OnnxDecoder::microsoft_rotary(const onnx::Node& node) {
  OnnxValue& x = tensor(node, 0);
  expect(!x.wanted, "it stands behind the last attention");
  expect(input(node, 1).kind == OnnxValue::Kind::positions, "the positions are not position_ids");
  expect(real(node, "scale", 1) == 1 && integer(node, "is_packed_batching", 0) == 0,
         "scale and is_packed_batching are not computed");
  const std::int64_t dims = integer(node, "rotary_embedding_dim", 0);
  const ValueId table = rotary_table(node, 2, 3, dims);
  std::int64_t heads = integer(node, "num_heads", 0);
  if (!x.has_heads() && heads == 0) heads = x.width() / (2 * input(node, 2).dims[1]);
  rotate(node, x, heads, table);
}

/// The keys and values of earlier steps, at inputs `keys` and the next: those of the network's inputs, each
/// for one node.
void OnnxDecoder::expect_past(const onnx::Node& node, std::size_t keys) {
  for (std::size_t i = keys; i < keys + 2; ++i) {
    expect(input(node, i).kind == OnnxValue::Kind::past, "past keys and values are no inputs of the network");
    expect(pasts_.emplace(node.inputs[i], i).second, "two nodes take the same past keys or values");
  }
}

ValueId OnnxDecoder::attend(const onnx::Node& node, const AttentionInputs& inputs) {
  const auto dim = [&](ValueId value, std::size_t axis) {
    return graph_.value(value).type.dims.at(axis).value;
  };
  expect(dim(inputs.k, 1) == shape_.kv_heads && dim(inputs.v, 1) == shape_.kv_heads,
         "keys and values have other heads than the cache");
  for (const ValueId value : {inputs.q, inputs.k, inputs.v})
    expect(dim(value, 2) == shape_.head_dim, "heads have other columns than the cache");
  ValueId pages = -1;
  std::int64_t page_layer = layer_;
  if (options_.cache_off) {
    pages = graph_.add("KvScratch", name(node) + ".kv", {inputs.k, inputs.v, sequences_, block_tables_},
                       {{"dtype", static_cast<std::int64_t>(options_.cache_dtype)}});
    page_layer = 0;
  } else {
    cache_ = graph_.add("KvWrite", name(node) + ".kv",
                        {cache_, inputs.k, inputs.v, sequences_, block_tables_}, {{"layer", layer_}});
    pages = cache_;
  }
  ++layer_;
  const double scale =
      inputs.scale != 0 ? inputs.scale : 1.0 / std::sqrt(static_cast<double>(shape_.head_dim));
  return graph_.add("PagedAttention", name(node), {inputs.q, pages, sequences_, block_tables_},
                    {{"layer", page_layer},
                     {"scale", scale},
                     {"window", std::int64_t{0}},
                     {"softcap", inputs.softcap},
                     {"causal", std::int64_t{1}}});
}

void OnnxDecoder::attention(const onnx::Node& node) {
  expect(has(node, 4) && has(node, 5), "keys and values of earlier steps are not given");
  expect(!has(node, 3) && !has(node, 6), "masks and lengths of the network's own are not known");
  expect(integer(node, "is_causal", 0) == 1, "it is not causal");
  refuse_outputs(node, 3);
  OnnxValue& x = tensor(node, 0);
  OnnxValue q = with_heads(x, integer(node, "q_num_heads", 0));
  OnnxValue k = with_heads(tensor(node, 1), integer(node, "kv_num_heads", 0));
  OnnxValue v = with_heads(tensor(node, 2), integer(node, "kv_num_heads", 0));
  expect_past(node, 4);
  const ValueId attended =
      attend(node, {split(q), split(k), split(v), real(node, "scale", 0), real(node, "softcap", 0)});
  set_like(node, x, -1, attended);
  if (!x.has_heads()) set_like(node, x, graph_.add("MergeHeads", "", {attended}));
}

void OnnxDecoder::grouped_attention(const onnx::Node& node) {
  const std::int64_t heads = integer(node, "num_heads", 0), kv_heads = integer(node, "kv_num_heads", 0);
  expect(has(node, 1) && has(node, 2), "query, key and value in one are not known");
  expect(integer(node, "local_window_size", -1) == -1 && integer(node, "smooth_softmax", 0) != 1 &&
             integer(node, "qk_output", 0) == 0,
         "local_window_size, smooth_softmax and qk_output are not computed");
  for (std::size_t i = 10; i < node.inputs.size(); ++i)
    expect(!has(node, i), "biases, sinks and scales of the cache are not known");
  refuse_outputs(node, 3);
  OnnxValue& x = tensor(node, 0);
  OnnxValue q = with_heads(x, heads);
  OnnxValue k = with_heads(tensor(node, 1), kv_heads);
  OnnxValue v = with_heads(tensor(node, 2), kv_heads);
  AttentionInputs inputs{split(q), split(k), split(v), real(node, "scale", 0), real(node, "softcap", 0)};
  if (integer(node, "do_rotary", 0) == 1) {
    expect(!has(node, 9) || input(node, 9).kind == OnnxValue::Kind::positions,
           "the positions are not position_ids");
    const ValueId table = rotary_table(node, 7, 8, 0);
    const Attributes pairs{{"interleaved", integer(node, "rotary_interleaved", 0)}};
    inputs.q = graph_.add("RotaryEmbedding", name(node) + ".q_rope", {inputs.q, table}, pairs);
    inputs.k = graph_.add("RotaryEmbedding", name(node) + ".k_rope", {inputs.k, table}, pairs);
  }
  expect_past(node, 3);
  const ValueId attended = attend(node, inputs);
  OnnxValue like = x;
  set_like(node, like, graph_.add("MergeHeads", "", {attended}));
}

std::span<const OnnxDecoder::Handler> OnnxDecoder::attention_handlers() {
  static constexpr Handler kHandlers[] = {
      {"", "RotaryEmbedding", &OnnxDecoder::rotary},
      {"com.microsoft", "RotaryEmbedding", &OnnxDecoder::microsoft_rotary},
      {"", "Attention", &OnnxDecoder::attention},
      {"com.microsoft", "GroupQueryAttention", &OnnxDecoder::grouped_attention},
  };
  return kHandlers;
}

}  // namespace lathe
