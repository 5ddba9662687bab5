#include "parity/rows_product.h"

#include <algorithm>
#include <deque>

#include "base/error.h"
#include "graph/infer.h"

namespace lathe::parity {
namespace {

using Given = std::vector<Tensor>;

const std::vector<Dtype> kFloats = {Dtype::f32, Dtype::f64, Dtype::f16, Dtype::bf16};
const std::vector<Dtype> kWide = {Dtype::f32, Dtype::f64, Dtype::f16, Dtype::bf16,
                                  Dtype::i32, Dtype::i64, Dtype::u32, Dtype::u64};

/// Any bits.
Tensor bits(Random& random, Dtype dtype, const Shape& shape) {
  Tensor tensor = empty(dtype, shape);
  for (auto& byte : tensor.bytes) byte = static_cast<std::byte>(random());
  return tensor;
}

Tensor whole(const std::vector<std::int64_t>& values, const Shape& shape) {
  Tensor tensor = empty(Dtype::i64, shape);
  std::copy(values.begin(), values.end(), tensor.as<std::int64_t>());
  return tensor;
}

Tensor absent() { return empty(Dtype::none, {0}); }

AttributeValue value_of(const Attribute& attribute) {
  static std::deque<std::string> texts;  // cases live as long as the program
  if (const auto* number = std::get_if<std::int64_t>(&attribute)) return integer(*number);
  if (const auto* number = std::get_if<double>(&attribute)) return real(*number);
  return text(texts.emplace_back(std::get<std::string>(attribute)).c_str());
}

/// A case whose outputs are what the op's rule says.
Case make(std::string_view op, Given inputs, const Attributes& given = {}) {
  Node node;
  node.op = find_op(op);
  CHECK(node.op != nullptr);
  node.attributes = complete_attributes(*node.op, given);
  std::vector<ValueType> types;
  std::vector<TensorView> values;
  for (const auto& input : inputs) {
    types.push_back({input.dtype, Dims(input.dims.begin(), input.dims.end())});
    values.push_back({input.bytes.data(), input.dtype, input.dims});
  }
  Case test{std::string(info(inputs[0].dtype).name), node.op->name, std::move(inputs), {}, {}, -1};
  for (const auto& type : infer_types(node, {types, values})) {
    Shape shape;
    for (const auto& dim : type.dims) shape.push_back(dim.value);
    test.outputs.push_back(empty(type.dtype, shape));
  }
  for (const auto& spec : node.op->attributes)
    test.attributes.push_back(value_of(node.attributes.find(spec.name)->second));
  return test;
}

/// An op's name as a template's argument: a row's cases are a plain function.
template <std::size_t length>
struct OpName {
  char text[length];
  constexpr OpName(const char (&name)[length]) {
    std::copy_n(name, length, text);
  }  // NOLINT: texts are names
};

using Maker = void (*)(std::string_view op, Random& random, Dtype dtype, std::vector<Case>& cases);

template <OpName op, const std::vector<Dtype>& dtypes, Maker maker>
Row row() {
  return {op.text,
          [] {
            Random random(71);
            std::vector<Case> cases;
            for (const auto dtype : dtypes) maker(op.text, random, dtype, cases);
            return cases;
          },
          {}};
}

void reductions(std::string_view op, Random& random, Dtype dtype, std::vector<Case>& cases) {
  cases.push_back(make(op, {bits(random, dtype, {3, 5, 7}), whole({-1, 0}, {2})}));
  cases.push_back(make(op, {bits(random, dtype, {2, 3, 4})}, {{"axes", "1"}, {"keepdims", 0}}));
  cases.push_back(make(op, {bits(random, dtype, {2, 0, 4}), whole({1}, {1})}));
  cases.push_back(make(op, {bits(random, dtype, {4, 3})}, {{"noop_with_empty_axes", 1}}));
}

void softmaxes(std::string_view op, Random& random, Dtype dtype, std::vector<Case>& cases) {
  cases.push_back(make(op, {bits(random, dtype, {3, 5, 7})}, {{"axis", 1}}));
  cases.push_back(make(op, {bits(random, dtype, {3, 5, 7})}, {{"axis", 1}, {"flatten", 1}}));
}

void products(std::string_view op, Random& random, Dtype dtype, std::vector<Case>& cases) {
  cases.push_back(make(op, {bits(random, dtype, {2, 1, 7, 9}), bits(random, dtype, {3, 9, 70})}));
  cases.push_back(make(op, {bits(random, dtype, {9}), bits(random, dtype, {3, 9, 5})}));
  cases.push_back(make(op, {bits(random, dtype, {4, 9}), bits(random, dtype, {9})}));
}

void gemms(std::string_view op, Random& random, Dtype dtype, std::vector<Case>& cases) {
  cases.push_back(
      make(op, {bits(random, dtype, {7, 9}), bits(random, dtype, {9, 70}), bits(random, dtype, {70})}));
  cases.push_back(
      make(op, {bits(random, dtype, {9, 7}), bits(random, dtype, {5, 9}), bits(random, dtype, {7, 1})},
           {{"transA", 1}, {"transB", 1}, {"alpha", 0.5}, {"beta", 2.0}}));
}

void norms(std::string_view op, Random& random, Dtype dtype, std::vector<Case>& cases) {
  cases.push_back(make(op, {bits(random, dtype, {3, 5, 7}), bits(random, dtype, {7})}));
  cases.push_back(make(op, {bits(random, dtype, {3, 5, 7}), bits(random, dtype, {5, 1})}, {{"axis", 1}}));
}

void attentions(std::string_view op, Random& random, Dtype dtype, std::vector<Case>& cases) {
  const auto heads = [&](std::int64_t count, std::int64_t rows) {
    return bits(random, dtype, {2, count, rows, 8});
  };
  cases.push_back(
      make(op, {heads(4, 5), heads(2, 6), heads(2, 6), bits(random, dtype, {5, 9}), heads(2, 3), heads(2, 3)},
           {{"is_causal", 1}, {"outputs", 4}, {"qk_matmul_output_mode", 2}, {"softcap", 2.0}}));
  cases.push_back(make(op,
                       {bits(random, dtype, {2, 5, 24}), bits(random, dtype, {2, 6, 8}),
                        bits(random, dtype, {2, 6, 10}), absent(), absent(), absent(), whole({4, 99}, {2})},
                       {{"q_num_heads", 3}, {"kv_num_heads", 1}, {"left_window_size", 2}}));
}

void rotations(std::string_view op, Random& random, Dtype dtype, std::vector<Case>& cases) {
  cases.push_back(make(op, {bits(random, dtype, {2, 3, 4, 8}), bits(random, dtype, {9, 4}),
                            bits(random, dtype, {9, 4}), whole({0, 8, 3, 2, 1, 99, 4, 5}, {2, 4})}));
  cases.push_back(make(
      op, {bits(random, dtype, {2, 4, 24}), bits(random, dtype, {2, 4, 3}), bits(random, dtype, {2, 4, 3})},
      {{"num_heads", 3}, {"rotary_embedding_dim", 6}, {"interleaved", 1}}));
}

void losses(std::string_view op, Random& random, Dtype dtype, std::vector<Case>& cases) {
  for (const auto* reduction : {"none", "sum", "mean"})
    cases.push_back(
        make(op, {bits(random, dtype, {2, 3, 2}), whole({0, 2, 1, 9}, {2, 2}), bits(random, dtype, {3})},
             {{"reduction", reduction}, {"ignore_index", 1}}));
}

void recurrences(std::string_view op, Random& random, Dtype dtype, std::vector<Case>& cases) {
  const std::int64_t gates = op == "GRU" ? 3 : op == "LSTM" ? 4 : 1;
  const std::string one = op == "GRU" ? "2,1" : op == "LSTM" ? "2,1,1" : "1";
  const std::string zeros = op == "GRU" ? "0,0,0,0" : op == "LSTM" ? "0,0,0,0,0,0" : "0,0";
  cases.push_back(make(
      op,
      {bits(random, dtype, {4, 3, 5}), bits(random, dtype, {2, gates * 6, 5}),
       bits(random, dtype, {2, gates * 6, 6}), bits(random, dtype, {2, gates * 12}), whole({4, 0, 2}, {3})},
      {{"activations", one + "," + one},
       {"activation_alpha", zeros},
       {"activation_beta", zeros},
       {"direction", "bidirectional"},
       {"outputs", 2}}));
  // more rows than are computed at once, sums and states that fill no vectors
  const auto longer = [&](Attributes attributes, std::int64_t first_states) {
    attributes.insert({{"activations", one},
                       {"activation_alpha", zeros.substr(0, zeros.size() / 2)},
                       {"activation_beta", zeros.substr(0, zeros.size() / 2)}});
    const auto numbers = [&](const Shape& shape) {
      return dtype == Dtype::f32 ? normal(random, shape, 0.5f) : bits(random, dtype, shape);
    };
    Given inputs = {numbers({11, 2, 21}), numbers({1, gates * 19, 21}), numbers({1, gates * 19, 19}),
                    numbers({1, gates * 38}), whole({11, 9}, {2})};
    for (std::int64_t i = 0; i < first_states; ++i) inputs.push_back(numbers({1, 2, 19}));
    if (first_states == 2) inputs.push_back(numbers({1, 57}));  // peepholes
    cases.push_back(make(op, inputs, attributes));
  };
  longer({{"direction", "reverse"}, {"linear_before_reset", 1}, {"outputs", op == "LSTM" ? 3 : 2}},
         op == "LSTM" ? 2 : 1);
  longer({{"direction", "forward"}, {"input_forget", 1}, {"outputs", 1}}, 1);
}

void determinants(std::string_view op, Random& random, Dtype dtype, std::vector<Case>& cases) {
  cases.push_back(make(op, {bits(random, dtype, {3, 4, 4})}));
}

void sums(std::string_view op, Random& random, Dtype dtype, std::vector<Case>& cases) {
  cases.push_back(make(op, {bits(random, dtype, {2, 3, 4}), bits(random, dtype, {4, 5})},
                       {{"equation", "...ij,jk->k...i"}}));
  cases.push_back(make(op, {bits(random, dtype, {4, 4})}, {{"equation", "ii"}}));
}

void axis_norms(std::string_view op, Random& random, Dtype dtype, std::vector<Case>& cases) {
  cases.push_back(
      make(op, {bits(random, dtype, {3, 5, 7})},
           op == "LpNormalizationAny" ? Attributes{{"axis", 1}, {"p", 1}} : Attributes{{"axes", "0,2"}}));
}

const std::vector<Dtype> kF32 = {Dtype::f32};

void linear_attentions(std::string_view op, Random& random, Dtype dtype, std::vector<Case>& cases) {
  cases.push_back(
      make(op,
           {bits(random, dtype, {2, 3, 16}), bits(random, dtype, {2, 3, 8}), bits(random, dtype, {2, 3, 6}),
            absent(), bits(random, dtype, {2, 3, 2}), bits(random, dtype, {2, 3, 1})},
           {{"q_num_heads", 4}, {"kv_num_heads", 2}, {"update_rule", "gated_delta"}, {"outputs", 2}}));
}

void quantizations(std::string_view op, Random& random, Dtype, std::vector<Case>& cases) {
  const bool down = op == "QuantizeLinear";
  for (const auto code : {Dtype::i8, Dtype::u16, Dtype::f8e4m3fn, Dtype::u8}) {
    const Tensor x = bits(random, down ? Dtype::f32 : code, {3, 10});
    cases.push_back(make(op, {x, normal(random, {10}), bits(random, code, {10})}));
    cases.push_back(make(op, {x, normal(random, {3, 3}), bits(random, code, {3, 3})}, {{"block_size", 4}}));
  }
  // one scale, vectors and what is left of them, every byte and many a float
  for (const auto code : {Dtype::i8, Dtype::u8}) {
    Tensor x = down ? normal(random, {5, 67}, 40) : bits(random, code, {5, 67});
    cases.push_back(make(op, {x, normal(random, {}), bits(random, code, {})}));
    if (down) x = bits(random, Dtype::f32, {5, 67});
    cases.push_back(make(op, {x, normal(random, {1}), bits(random, code, {1})}));
  }
  cases.push_back(
      make(op, {down ? normal(random, {7}, 300) : bits(random, Dtype::u8, {7}), normal(random, {})}));
}

void dynamic_quantizations(std::string_view op, Random& random, Dtype, std::vector<Case>& cases) {
  cases.push_back(make(op, {normal(random, {5, 7})}));
}

void integer_products(std::string_view op, Random& random, Dtype, std::vector<Case>& cases) {
  const Tensor a = bits(random, Dtype::u8, {2, 3, 5});
  const Tensor b = bits(random, Dtype::i8, {5, 4});
  const Tensor zeros = bits(random, Dtype::u8, {3});
  const Tensor columns = bits(random, Dtype::i8, {4});
  if (op == "MatMulInteger") return cases.push_back(make(op, {a, b, zeros, columns}));
  cases.push_back(make(op, {a, normal(random, {3}), zeros, b, normal(random, {4}), columns,
                            normal(random, {}), bits(random, Dtype::i8, {})}));
}

}  // namespace

std::vector<Row> product_rows() {
  return {
      row<"AttentionAny", kFloats, attentions>(),
      row<"DequantizeLinear", kF32, quantizations>(),
      row<"Det", kFloats, determinants>(),
      row<"DynamicQuantizeLinear", kF32, dynamic_quantizations>(),
      row<"Einsum", kWide, sums>(),
      row<"GRU", kFloats, recurrences>(),
      row<"Gemm", kWide, gemms>(),
      row<"LSTM", kFloats, recurrences>(),
      row<"LayerNormalizationAny", kFloats, norms>(),
      row<"LinearAttention", kF32, linear_attentions>(),
      row<"LogSoftmaxAny", kFloats, softmaxes>(),
      row<"LpNormalizationAny", kFloats, axis_norms>(),
      row<"MatMulAny", kWide, products>(),
      row<"MatMulInteger", kF32, integer_products>(),
      row<"MeanVarianceNormalization", kFloats, axis_norms>(),
      row<"NegativeLogLikelihoodLoss", kFloats, losses>(),
      row<"QLinearMatMul", kF32, integer_products>(),
      row<"QuantizeLinear", kF32, quantizations>(),
      row<"RMSNormalizationAny", kFloats, norms>(),
      row<"RNN", kFloats, recurrences>(),
      row<"RotaryEmbeddingAny", kFloats, rotations>(),
      row<"SoftmaxAny", kFloats, softmaxes>(),
      row<"SoftmaxCrossEntropyLoss", kFloats, losses>(),
      row<"ReduceL1Any", kWide, reductions>(),
      row<"ReduceL2Any", kWide, reductions>(),
      row<"ReduceLogSumAny", kWide, reductions>(),
      row<"ReduceLogSumExpAny", kWide, reductions>(),
      row<"ReduceMaxAny", kWide, reductions>(),
      row<"ReduceMeanAny", kWide, reductions>(),
      row<"ReduceMinAny", kWide, reductions>(),
      row<"ReduceProd", kWide, reductions>(),
      row<"ReduceSumAny", kWide, reductions>(),
      row<"ReduceSumSquareAny", kWide, reductions>(),
  };
}

}  // namespace lathe::parity
