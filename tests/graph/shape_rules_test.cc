// Every op's shape rule: types it gives, and a refusal for each way in which its inputs may not fit.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "base/error.h"
#include "graph/graph.h"

namespace lathe {
namespace {

constexpr auto f32 = Dtype::f32;
constexpr auto f16 = Dtype::f16;
constexpr auto i32 = Dtype::i32;
constexpr auto a8 = Dtype::a8;

struct Accepted {
  std::string_view op;
  std::vector<ValueType> inputs;
  Attributes attributes;
  std::vector<ValueType> outputs;
};

struct Refused {
  std::string_view op;
  std::vector<ValueType> inputs;
  Attributes attributes;
  std::string message;  // part of it
};

std::vector<ValueType> infer(std::string_view op, const std::vector<ValueType>& inputs,
                             const Attributes& attributes) {
  Graph graph;
  std::vector<ValueId> ids;
  for (const auto& type : inputs) ids.push_back(graph.add_input("in" + std::to_string(ids.size()), type));
  std::vector<ValueType> outputs;
  for (const auto id : graph.add_node(op, "the_node", ids, attributes))
    outputs.push_back(graph.value(id).type);
  return outputs;
}

const ValueType kTokens{f32, {"T", 64}};
const ValueType kHeads{f32, {"T", 2, 8}};
const ValueType kSequences{i32, {"Q", 4}};
const ValueType kTables{i32, {"B"}};
const ValueType kFrequencies{Dtype::f64, {4}};
const ValueType kCache{f16, {3, "P", 2, 2, 512}};

const ValueType kChosen{i32, {"T", 2}};
const ValueType kExperts{f32, {8, 10, 64}};

const Attributes kTwoExperts = {{"k", 2}, {"normalize", 1}};
const Attributes kLayer = {{"layer", 2}};
const Attributes kAttention = {{"layer", 2}, {"scale", 0.5}};

TEST(ShapeRules, GiveTypes) {
  const std::vector<Accepted> rows = {
      {"Gather", {{Dtype::q8_0, {100, 64}}, {i32, {"N"}}}, {}, {{f32, {"N", 64}}}},
      {"Gather", {{f32, {"T", 64}}, {i32, {"S"}}}, {}, {{f32, {"S", 64}}}},
      {"Gather", {{Dtype::bf16, {5, 3}}, {i32, {7}}}, {}, {{f32, {7, 3}}}},
      {"RMSNormalization", {kTokens, {f32, {64}}}, {}, {kTokens}},
      {"RMSNormalization", {kHeads, {f32, {8}}}, {{"epsilon", 0.0}}, {kHeads}},
      {"Linear", {{f32, {3, 256}}, {Dtype::q6_k, {10, 256}}}, {}, {{f32, {3, 10}}}},
      {"Linear", {kTokens, {f16, {10, 64}}}, {}, {{f32, {"T", 10}}}},
      {"Linear", {kTokens, {Dtype::q4_1, {10, 64}}}, {}, {{f32, {"T", 10}}}},
      {"Linear", {kTokens, {Dtype::packed_f32, {10, 64}}}, {}, {{f32, {"T", 10}}}},
      {"QuantizeActivation", {kTokens}, {}, {{a8, {"T", 64}}}},
      {"QuantizeActivation", {{f32, {"T", 2, 64}}}, {}, {{a8, {"T", 2, 64}}}},
      {"QuantizedLinear", {{a8, {"T", 64}}, {Dtype::q5_0, {10, 64}}}, {}, {{f32, {"T", 10}}}},
      {"QuantizedLinear", {{a8, {"T", 256}}, {Dtype::packed6k, {10, 256}}}, {}, {{f32, {"T", 10}}}},
      {"SelectExperts", {{f32, {"T", 8}}}, kTwoExperts, {{f32, {"T", 2}}, kChosen}},
      {"SelectExperts", {{f32, {"T", 2}}}, {{"k", 2}, {"normalize", 0}}, {{f32, {"T", 2}}, kChosen}},
      {"ExpertLinear", {kTokens, {f16, {8, 10, 64}}, kChosen}, {}, {{f32, {"T", 2, 10}}}},
      {"ExpertLinear", {{f32, {"T", 2, 64}}, {Dtype::q8_0, {8, 10, 64}}, kChosen}, {}, {{f32, {"T", 2, 10}}}},
      {"ExpertLinear", {kTokens, {Dtype::packed_f32, {8, 10, 64}}, kChosen}, {}, {{f32, {"T", 2, 10}}}},
      {"QuantizedExpertLinear",
       {{a8, {"T", 64}}, {Dtype::q4_0, {8, 10, 64}}, kChosen},
       {},
       {{f32, {"T", 2, 10}}}},
      {"QuantizedExpertLinear",
       {{a8, {"T", 2, 256}}, {Dtype::packed4k, {8, 10, 256}}, kChosen},
       {},
       {{f32, {"T", 2, 10}}}},
      {"ExpertSum", {{f32, {"T", 2, 10}}, {f32, {"T", 2}}}, {}, {{f32, {"T", 10}}}},
      {"SplitHeads", {kTokens}, {{"heads", 4}}, {{f32, {"T", 4, 16}}}},
      {"MergeHeads", {kHeads}, {}, {{f32, {"T", 16}}}},
      {"LayerNormalization", {kTokens, {f32, {64}}}, {}, {kTokens}},
      {"LayerNormalization", {kHeads, {f32, {8}}, {f32, {8}}}, {{"epsilon", 0.0}}, {kHeads}},
      {"LpNormalization", {kTokens}, {}, {kTokens}},
      {"SequenceMean", {kTokens, kSequences}, {}, {{f32, {"Q", 64}}}},
      {"RotaryTable", {{i32, {"T"}}, kFrequencies}, {{"magnitude", 1.2}}, {{f32, {"T", 8}}}},
      {"RotaryEmbedding", {kHeads, {f32, {"T", 8}}}, {}, {kHeads}},
      {"RotaryEmbedding", {kHeads, {f32, {"T", 4}}}, {{"interleaved", 1}}, {kHeads}},
      {"KvWrite", {kCache, kHeads, kHeads, kSequences, kTables}, kLayer, {kCache}},
      {"KvScratch", {kHeads, kHeads, kSequences, kTables}, {{"dtype", 1}}, {{f16, {1, "P", 2, 2, 512}}}},
      {"KvScratch", {kHeads, kHeads, kSequences, kTables}, {{"dtype", 0}}, {{f32, {1, "P", 2, 2, 512}}}},
      {"PagedAttention", {{f32, {"T", 6, 8}}, kCache, kSequences, kTables}, kAttention, {{f32, {"T", 6, 8}}}},
      {"PagedAttention",
       {{f32, {"T", 6, 8}}, kCache, kSequences, kTables},
       {{"layer", 2}, {"scale", 0.5}, {"softcap", 30.0}, {"causal", 0}},
       {{f32, {"T", 6, 8}}}},
      {"Add", {kTokens, kTokens}, {}, {kTokens}},
      {"Add", {kTokens, {f32, {1}}}, {}, {kTokens}},
      {"Mul", {kTokens, {f32, {64}}}, {}, {kTokens}},
      {"Mul", {{f32, {}}, {f32, {}}}, {}, {{f32, {}}}},
      {"Add", {{f32, {64}}, kTokens}, {}, {kTokens}},
      {"Mul", {{f32, {"T", 1, 3}}, {f32, {2, 1}}}, {}, {{f32, {"T", 2, 3}}}},
      {"Sub", {kTokens, {f32, {"T", 1}}}, {}, {kTokens}},
      {"Div", {{f32, {}}, kTokens}, {}, {kTokens}},
      {"Pow", {kTokens, {f32, {}}}, {}, {kTokens}},
      {"Where", {{Dtype::i8, {"T", 1}}, {f32, {64}}, {f32, {}}}, {}, {kTokens}},
      {"Expand", {{f32, {2, 1, 8}}}, {{"shape", "3, 1"}}, {{f32, {2, 3, 8}}}},
      {"Expand", {{f32, {1, 8}}}, {{"shape", "T, 1"}}, {{f32, {"T", 8}}}},
      {"Clip", {kTokens}, {{"min", -1.0}}, {kTokens}},
      {"Reshape", {kTokens}, {{"shape", "1, T, 4, 16"}}, {{f32, {1, "T", 4, 16}}}},
      {"Reshape", {kTokens}, {{"shape", "0, 4, -1"}}, {{f32, {"T", 4, 16}}}},
      {"Reshape", {kTokens}, {{"shape", "64, -1"}}, {{f32, {64, "T"}}}},
      {"Reshape", {{i32, {6}}}, {{"shape", "2, 3"}}, {{i32, {2, 3}}}},
      {"Reshape", {{f32, {1, 1}}}, {{"shape", ""}}, {{f32, {}}}},
      {"Transpose", {kHeads}, {{"perm", "1, 0, 2"}}, {{f32, {2, "T", 8}}}},
      {"Transpose", {kHeads}, {}, {{f32, {8, 2, "T"}}}},
      {"Softmax", {kHeads}, {}, {kHeads}},
      {"LogSoftmax", {kHeads}, {{"axis", 1}}, {kHeads}},
      {"MatMul", {kTokens, {f32, {64, 3}}}, {}, {{f32, {"T", 3}}}},
      {"MatMul", {{f32, {2, 1, "T", 8}}, {f32, {5, 8, "T"}}}, {}, {{f32, {2, 5, "T", "T"}}}},
      {"MatMul", {{f32, {8}}, {f32, {8}}}, {}, {{f32, {}}}},
      {"MatMul", {{f32, {8}}, {f32, {2, 8, 3}}}, {}, {{f32, {2, 3}}}},
      {"MatMul", {kTokens, {f32, {64}}}, {}, {{f32, {"T"}}}},
      {"Attention",
       {{f32, {1, 4, "T", 8}}, {f32, {1, 2, "S", 8}}, {f32, {1, 2, "S", 6}}, {f32, {"T", "S"}}},
       {{"scale", 0.5}},
       {{f32, {1, 4, "T", 6}}}},
      {"Attention",
       {{f32, {"B", "H", 5, 8}}, {f32, {"B", "H", 7, 8}}, {f32, {"B", "H", 7, 8}}, {Dtype::i8, {7}}},
       {{"is_causal", 1}},
       {{f32, {"B", "H", 5, 8}}}},
      {"Abs", {kHeads}, {}, {kHeads}},
      {"Erf", {kHeads}, {}, {kHeads}},
      {"Exp", {kHeads}, {}, {kHeads}},
      {"Identity", {kChosen}, {}, {kChosen}},
      {"Log", {kHeads}, {}, {kHeads}},
      {"Neg", {kHeads}, {}, {kHeads}},
      {"Reciprocal", {kHeads}, {}, {kHeads}},
      {"Relu", {kHeads}, {}, {kHeads}},
      {"Sigmoid", {kHeads}, {}, {kHeads}},
      {"Softplus", {kHeads}, {}, {kHeads}},
      {"Sqrt", {kHeads}, {}, {kHeads}},
      {"ReduceMean", {kHeads}, {}, {{f32, {1, 1, 1}}}},
      {"ReduceSum", {kHeads}, {{"axes", "-1"}}, {{f32, {"T", 2, 1}}}},
      {"ReduceMax", {kHeads}, {{"axes", "0, 2"}, {"keepdims", 0}}, {{f32, {2}}}},
      {"ReduceMin", {kHeads}, {{"keepdims", 0}}, {{f32, {}}}},
      {"ReduceL1", {kHeads}, {}, {{f32, {1, 1, 1}}}},
      {"ReduceL2", {kHeads}, {{"axes", "-1"}}, {{f32, {"T", 2, 1}}}},
      {"ReduceSumSquare", {kHeads}, {{"axes", "0, 2"}, {"keepdims", 0}}, {{f32, {2}}}},
      {"ReduceLogSum", {kHeads}, {{"keepdims", 0}}, {{f32, {}}}},
      {"ReduceLogSumExp", {kHeads}, {}, {{f32, {1, 1, 1}}}},
      {"Swish", {kHeads}, {}, {kHeads}},
      {"Gelu", {kTokens}, {}, {kTokens}},
      {"Gelu", {kTokens}, {{"approximate", 1}}, {kTokens}},
      {"Tanh", {kHeads}, {}, {kHeads}},
      {"ArgMax", {{f32, {"S", 9}}}, {}, {{i32, {"S"}}}},
      {"TopK", {{f32, {"S", 9}}}, {{"k", 20}}, {{f32, {"S", 20}}, {i32, {"S", 20}}}},
      {"LogSumExp", {{f32, {"S", 9}}}, {}, {{f32, {"S"}}}},
      {"FusedLinear",
       {kTokens, {f16, {30, 64}}, {f32, {16, 64}}, {f32, {"T", 30}}, {f32, {30}}, {f32, {1}}},
       {{"program", "o0 = add(add(mul(w0, x2), x1), x0); o1 = w1"}, {"weights", 2}},
       {{f32, {"T", 30}}, {f32, {"T", 16}}}},
      {"FusedLinear",
       {{a8, {"T", 64}}, {Dtype::q4_0, {32, 64}}},
       {{"program", "o0 = quantize(w0)"}, {"weights", 1}},
       {{a8, {"T", 32}}}},
      {"RowProgram", {kTokens, kTokens}, {{"program", "o0 = add(x0, x1)"}}, {kTokens}},
      {"RowProgram", {{f32, {}}, {f32, {1}}}, {{"program", "o0 = add(x0, x1)"}}, {{f32, {}}}},
      {"RowProgram",
       {kTokens, {f32, {1}}, {f32, {64}}},
       {{"program", "t0 = mul(x0, x1); o0 = rms(t0, x2, 1e-05); o1 = quantize(o0); o2 = t0"}},
       {kTokens, {a8, {"T", 64}}, kTokens}},
      {"RowProgram", {{f32, {"T", 2, 64}}}, {{"program", "o0 = quantize(x0)"}}, {{a8, {"T", 2, 64}}}},
  };
  for (const auto& row : rows) {
    SCOPED_TRACE(row.op);
    EXPECT_EQ(infer(row.op, row.inputs, row.attributes), row.outputs);
  }
  for (const auto& op : all_ops())
    EXPECT_TRUE(std::ranges::any_of(rows, [&op](const Accepted& row) { return row.op == op.name; }))
        << op.name;
}

TEST(ShapeRules, RefuseWhatDoesNotFit) {
  const std::vector<Refused> rows = {
      {"Gather", {{i32, {100, 64}}, {i32, {"N"}}}, {}, "input 0 (table) is i32[100, 64]"},
      {"Gather", {{Dtype::packed8, {100, 64}}, {i32, {"N"}}}, {}, "floats or block-quantized"},
      {"Gather", {{f32, {64}}, {i32, {"N"}}}, {}, "2 dimensions"},
      {"Gather", {kTokens, {f32, {"N"}}}, {}, "input 1 (indices) is f32[N]: must be i32"},
      {"Gather", {kTokens, {i32, {"N", 1}}}, {}, "1 dimensions"},

      {"RMSNormalization", {{f16, {"T", 64}}, {f32, {64}}}, {}, "must be f32"},
      {"RMSNormalization", {{f32, {}}, {f32, {64}}}, {}, "at least one dimension"},
      {"RMSNormalization", {kTokens, {f16, {64}}}, {}, "input 1 (scale)"},
      {"RMSNormalization", {kTokens, {f32, {63}}}, {}, "must be 64 (columns of x)"},
      {"RMSNormalization", {kTokens, {f32, {1, 64}}}, {}, "1 dimensions"},
      {"RMSNormalization", {kTokens, {f32, {64}}}, {{"epsilon", -1.0}}, "epsilon"},

      {"Linear", {{i32, {"T", 64}}, {f32, {4, 64}}}, {}, "input 0 (x)"},
      {"Linear", {kHeads, {f32, {4, 8}}}, {}, "2 dimensions"},
      {"Linear", {kTokens, {f32, {64}}}, {}, "input 1 (weight)"},
      {"Linear", {kTokens, {f32, {64, 4}}}, {}, "dimension 1 must be 64 (columns of x)"},
      {"Linear", {kTokens, {Dtype::packed4, {4, 64}}}, {}, "packed_f32"},
      {"Linear", {kTokens, {a8, {4, 64}}}, {}, "packed_f32"},

      {"QuantizeActivation", {{f16, {"T", 64}}}, {}, "must be f32"},
      {"QuantizeActivation", {{f32, {"T", 63}}}, {}, "multiple of 32"},
      {"QuantizeActivation", {{f32, {"T", "K"}}}, {}, "multiple of 32"},
      {"QuantizeActivation", {{f32, {64}}}, {}, "2 dimensions"},
      {"QuantizeActivation", {{f32, {1, 1, 1, 64}}}, {}, "2 dimensions"},

      {"SelectExperts", {{f16, {"T", 8}}}, kTwoExperts, "must be f32"},
      {"SelectExperts", {{f32, {8}}}, kTwoExperts, "2 dimensions"},
      {"SelectExperts", {{f32, {"T", "E"}}}, kTwoExperts, "must be a number"},
      {"SelectExperts", {{f32, {"T", 8}}}, {{"k", 0}, {"normalize", 1}}, "k is 0"},
      {"SelectExperts", {{f32, {"T", 8}}}, {{"k", 9}, {"normalize", 1}}, "k is 9"},
      {"SelectExperts", {{f32, {"T", 8}}}, {{"k", 2}, {"normalize", 2}}, "normalize is 2"},
      {"ExpertLinear", {{a8, {"T", 64}}, kExperts, kChosen}, {}, "must be f32"},
      {"ExpertLinear", {{f32, {64}}, kExperts, kChosen}, {}, "2 or 3 dimensions"},
      {"ExpertLinear", {kTokens, {f32, {10, 64}}, kChosen}, {}, "3 dimensions"},
      {"ExpertLinear", {kTokens, {f32, {0, 10, 64}}, kChosen}, {}, "at least 1"},
      {"ExpertLinear", {kTokens, {f32, {8, 64, 10}}, kChosen}, {}, "dimension 2 must be 64 (columns of x)"},
      {"ExpertLinear", {kTokens, {Dtype::packed4, {8, 10, 64}}, kChosen}, {}, "packed_f32"},
      {"ExpertLinear", {kTokens, kExperts, {f32, {"T", 2}}}, {}, "must be i32"},
      {"ExpertLinear", {kTokens, kExperts, {i32, {"S", 2}}}, {}, "must be T (rows of x)"},
      {"ExpertLinear", {{f32, {"T", 3, 64}}, kExperts, kChosen}, {}, "must be 3 (slots of x)"},
      {"QuantizedExpertLinear", {kTokens, {Dtype::q8_0, {8, 10, 64}}, kChosen}, {}, "must be a8"},
      {"QuantizedExpertLinear", {{a8, {"T", 64}}, {f16, {8, 10, 64}}, kChosen}, {}, "block-quantized"},
      {"QuantizedExpertLinear", {{a8, {"T", 64}}, {Dtype::q8_0, {8, 10, 96}}, kChosen}, {}, "columns of x"},
      {"ExpertSum", {{f32, {"T", 10}}, {f32, {"T", 2}}}, {}, "3 dimensions"},
      {"ExpertSum", {{f32, {"T", 2, 10}}, {f32, {"T"}}}, {}, "2 dimensions"},
      {"ExpertSum", {{f32, {"T", 2, 10}}, {f32, {"S", 2}}}, {}, "rows of x"},
      {"ExpertSum", {{f32, {"T", 2, 10}}, {f32, {"T", 3}}}, {}, "slots of x"},
      {"ExpertSum", {{a8, {"T", 2, 32}}, {f32, {"T", 2}}}, {}, "must be f32"},
      {"QuantizedLinear", {kTokens, {Dtype::q8_0, {4, 64}}}, {}, "must be a8"},
      {"QuantizedLinear", {{a8, {"T", 64}}, {f16, {4, 64}}}, {}, "block-quantized or packed codes"},
      {"QuantizedLinear",
       {{a8, {"T", 64}}, {Dtype::packed_f32, {4, 64}}},
       {},
       "block-quantized or packed codes"},
      {"QuantizedLinear", {{a8, {"T", 64}}, {Dtype::q8_0, {4, 96}}}, {}, "columns of x"},
      {"QuantizedLinear", {{a8, {64}}, {Dtype::q8_0, {4, 64}}}, {}, "2 dimensions"},

      {"SplitHeads", {kHeads}, {{"heads", 2}}, "2 dimensions"},
      {"SplitHeads", {{i32, {"T", 64}}}, {{"heads", 2}}, "must be f32"},
      {"SplitHeads", {{f32, {"T", "K"}}}, {{"heads", 2}}, "a number"},
      {"SplitHeads", {{f32, {"T", 0}}}, {{"heads", 2}}, "at least 1"},
      {"SplitHeads", {kTokens}, {{"heads", 0}}, "heads is 0"},
      {"SplitHeads", {kTokens}, {{"heads", 65}}, "heads is 65"},
      {"SplitHeads", {kTokens}, {{"heads", 3}}, "3 heads"},
      {"SplitHeads", {kTokens}, {}, "needs attribute heads"},

      {"MergeHeads", {kTokens}, {}, "3 dimensions"},
      {"MergeHeads", {{f16, {"T", 2, 8}}}, {}, "must be f32"},
      {"MergeHeads", {{f32, {"T", "H", 8}}}, {}, "a number"},
      {"MergeHeads", {{f32, {"T", 2, "d"}}}, {}, "a number"},
      {"MergeHeads", {{f32, {"T", kMaxDim, 2}}}, {}, "too many columns"},

      {"LayerNormalization", {{f16, {"T", 64}}, {f32, {64}}}, {}, "must be f32"},
      {"LayerNormalization", {{f32, {}}, {f32, {64}}}, {}, "at least one dimension"},
      {"LayerNormalization", {kTokens, {f16, {64}}}, {}, "input 1 (scale)"},
      {"LayerNormalization", {kTokens, {f32, {64}}, {f32, {63}}}, {}, "input 2 (bias)"},
      {"LayerNormalization", {kTokens, {f32, {63}}}, {}, "must be 64 (columns of x)"},
      {"LayerNormalization", {kTokens, {f32, {64}}}, {{"epsilon", -1.0}}, "epsilon"},
      {"LpNormalization", {{i32, {"T", 64}}}, {}, "must be f32"},
      {"LpNormalization", {{f32, {}}}, {}, "at least one dimension"},
      {"SequenceMean", {kHeads, kSequences}, {}, "2 dimensions"},
      {"SequenceMean", {{f16, {"T", 64}}, kSequences}, {}, "must be f32"},
      {"SequenceMean", {kTokens, {i32, {"Q", 3}}}, {}, "entries of a sequence"},
      {"SequenceMean", {kTokens, kTables}, {}, "input 1 (sequences)"},

      {"RotaryTable", {{f32, {"T"}}, kFrequencies}, {}, "must be i32"},
      {"RotaryTable", {kSequences, kFrequencies}, {}, "1 dimensions"},
      {"RotaryTable", {{i32, {"T"}}, {f32, {4}}}, {}, "must be f64"},
      {"RotaryTable", {{i32, {"T"}}, {Dtype::f64, {"F"}}}, {}, "a number"},
      {"RotaryTable", {{i32, {"T"}}, {Dtype::f64, {0}}}, {}, "at least 1"},
      {"RotaryTable", {{i32, {"T"}}, {Dtype::f64, {kMaxDim}}}, {}, "too many frequencies"},
      {"RotaryTable", {{i32, {"T"}}, kFrequencies}, {{"magnitude", 0.0}}, "magnitude"},

      {"RotaryEmbedding", {kTokens, {f32, {"T", 8}}}, {}, "3 dimensions"},
      {"RotaryEmbedding", {{f16, {"T", 2, 8}}, {f32, {"T", 8}}}, {}, "must be f32"},
      {"RotaryEmbedding", {kHeads, {i32, {"T", 8}}}, {}, "input 1 (table)"},
      {"RotaryEmbedding", {kHeads, {f32, {"T"}}}, {}, "2 dimensions"},
      {"RotaryEmbedding", {kHeads, {f32, {"S", 8}}}, {}, "tokens of x"},
      {"RotaryEmbedding", {kHeads, {f32, {"T", 10}}}, {}, "at most the head dimension 8"},
      {"RotaryEmbedding", {kHeads, {f32, {"T", 5}}}, {}, "even"},
      {"RotaryEmbedding", {kHeads, {f32, {"T", "d"}}}, {}, "a number"},
      {"RotaryEmbedding", {kHeads, {f32, {"T", 8}}}, {{"interleaved", 2}}, "interleaved is 2"},

      {"KvWrite", {{i32, {3, "P", 2, 2, 512}}, kHeads, kHeads, kSequences, kTables}, kLayer, "f32 or f16"},
      {"KvWrite", {{f16, {3, "P", 2, 2}}, kHeads, kHeads, kSequences, kTables}, kLayer, "5 dimensions"},
      {"KvWrite",
       {{f16, {3, "P", 1, 2, 512}}, kHeads, kHeads, kSequences, kTables},
       kLayer,
       "keys and values"},
      {"KvWrite", {{f16, {3, "P", 2, 3, 512}}, kHeads, kHeads, kSequences, kTables}, kLayer, "heads of k"},
      {"KvWrite", {{f16, {3, "P", 2, 2, 500}}, kHeads, kHeads, kSequences, kTables}, kLayer, "64 times"},
      {"KvWrite", {{f16, {"L", "P", 2, 2, 512}}, kHeads, kHeads, kSequences, kTables}, kLayer, "a number"},
      {"KvWrite", {kCache, kTokens, kHeads, kSequences, kTables}, kLayer, "input 1 (k)"},
      {"KvWrite", {kCache, kHeads, {f16, {"T", 2, 8}}, kSequences, kTables}, kLayer, "input 2 (v)"},
      {"KvWrite", {kCache, kHeads, {f32, {"T", 2, 4}}, kSequences, kTables}, kLayer, "as in k"},
      {"KvWrite", {kCache, kHeads, kHeads, {i32, {"Q", 3}}, kTables}, kLayer, "entries of a sequence"},
      {"KvWrite", {kCache, kHeads, kHeads, {f32, {"Q", 4}}, kTables}, kLayer, "input 3 (sequences)"},
      {"KvWrite", {kCache, kHeads, kHeads, kSequences, {i32, {"B", 1}}}, kLayer, "input 4 (block_tables)"},
      {"KvWrite", {kCache, kHeads, kHeads, kSequences, kTables}, {{"layer", 3}}, "layer is 3"},
      {"KvWrite", {kCache, kHeads, kHeads, kSequences, kTables}, {{"layer", -1}}, "layer is -1"},

      {"KvScratch", {kHeads, kHeads, kSequences, kTables}, {{"dtype", 2}}, "f32 or f16"},
      {"KvScratch", {kHeads, kHeads, kSequences, kTables}, {{"dtype", 300}}, "f32 or f16"},
      {"KvScratch", {kHeads, kTokens, kSequences, kTables}, {{"dtype", 0}}, "input 1 (v)"},
      {"KvScratch", {kTokens, kTokens, kSequences, kTables}, {{"dtype", 0}}, "input 0 (k)"},
      {"KvScratch", {kHeads, kHeads, kTables, kTables}, {{"dtype", 0}}, "input 2 (sequences)"},
      {"KvScratch", {kHeads, kHeads, kSequences, kSequences}, {{"dtype", 0}}, "input 3 (block_tables)"},
      {"KvScratch",
       {{f32, {"T", 1, kMaxDim}}, {f32, {"T", 1, kMaxDim}}, kSequences, kTables},
       {{"dtype", 0}},
       "too large a head dimension"},

      {"PagedAttention", {kTokens, kCache, kSequences, kTables}, kAttention, "input 0 (q)"},
      {"PagedAttention", {{f32, {"T", 2, 4}}, kCache, kSequences, kTables}, kAttention, "input 1 (cache)"},
      {"PagedAttention",
       {{f32, {"T", 3, 8}}, kCache, kSequences, kTables},
       kAttention,
       "a multiple of the cache's 2"},
      {"PagedAttention", {kHeads, kHeads, kSequences, kTables}, kAttention, "5 dimensions"},
      {"PagedAttention", {kHeads, kCache, kTables, kTables}, kAttention, "input 2 (sequences)"},
      {"PagedAttention", {kHeads, kCache, kSequences, kSequences}, kAttention, "input 3 (block_tables)"},
      {"PagedAttention", {kHeads, kCache, kSequences, kTables}, {{"layer", 3}, {"scale", 1.0}}, "layer is 3"},
      {"PagedAttention",
       {kHeads, kCache, kSequences, kTables},
       {{"layer", 0}, {"scale", 1.0}, {"window", -1}},
       "window is -1"},
      {"PagedAttention",
       {kHeads, kCache, kSequences, kTables},
       {{"layer", 0}, {"scale", 1.0}, {"softcap", -1.0}},
       "softcap"},
      {"PagedAttention",
       {kHeads, kCache, kSequences, kTables},
       {{"layer", 0}, {"scale", 1.0}, {"causal", 2}},
       "causal is 2"},
      {"PagedAttention",
       {kHeads, kCache, kSequences, kTables},
       {{"layer", 0}, {"scale", 1.0}, {"window", 5}, {"causal", 0}},
       "a window needs causal attention"},

      {"Add", {{i32, {4}}, {i32, {4}}}, {}, "must be f32"},
      {"Add", {kTokens, {f16, {"T", 64}}}, {}, "must be f32"},
      {"Add", {kTokens, {f32, {"S", 64}}}, {}, "does not broadcast"},
      {"Mul", {kTokens, {f32, {2}}}, {}, "does not broadcast"},
      {"Sub", {kTokens, {f32, {"T"}}}, {}, "does not broadcast with f32[T, 64]"},
      {"Div", {{f16, {4}}, {f32, {4}}}, {}, "must be f32"},
      {"Pow", {{f32, {4}}, {i32, {4}}}, {}, "input 1 (b)"},
      {"Where", {{f32, {4}}, {f32, {4}}, {f32, {4}}}, {}, "must be i8"},
      {"Where", {{Dtype::i8, {4}}, {f32, {4}}, {f32, {5}}}, {}, "input 2 (b)"},
      {"Expand", {kTokens}, {{"shape", "T, 63"}}, "does not broadcast"},
      {"Expand", {kTokens}, {{"shape", "T,, 64"}}, "shape must be dimensions"},
      {"Expand", {kTokens}, {{"shape", "1,1,1,1,1,1,64"}}, "more than 6"},
      {"Clip", {kTokens}, {{"min", 2.0}, {"max", 1.0}}, "min must not be greater"},
      {"Reshape", {kTokens}, {{"shape", "T, 63"}}, "has not the elements"},
      {"Reshape", {kTokens}, {{"shape", "S, 64"}}, "has not the elements"},
      {"Reshape", {kTokens}, {{"shape", "-1, -1"}}, "more than one -1"},
      {"Reshape", {kTokens}, {{"shape", "-1"}}, "does not divide"},
      {"Reshape", {kTokens}, {{"shape", "5, -1"}}, "does not divide"},
      {"Reshape", {{f32, {0, 3}}}, {{"shape", "-1, 3"}}, "does not divide"},
      {"Reshape", {{Dtype::q8_0, {2, 32}}}, {{"shape", "64"}}, "block type"},
      {"Reshape", {kTokens}, {}, "needs attribute shape"},
      {"Transpose", {kHeads}, {{"perm", "0, 1"}}, "no permutation"},
      {"Transpose", {kHeads}, {{"perm", "0, 1, 1"}}, "no permutation"},
      {"Transpose", {kHeads}, {{"perm", "0, 1, -1"}}, "no permutation"},
      {"Transpose", {kHeads}, {{"perm", "0 1 2"}}, "no permutation"},
      {"Softmax", {kTokens}, {{"axis", 2}}, "axis is 2"},
      {"Softmax", {{f32, {}}}, {}, "at least one dimension"},
      {"LogSoftmax", {kTokens}, {{"axis", -3}}, "axis is -3"},
      {"MatMul", {kTokens, {f32, {63, 3}}}, {}, "must have 64 rows"},
      {"MatMul", {{f32, {}}, kTokens}, {}, "at least one dimension"},
      {"MatMul", {{f32, {2, 4, 8}}, {f32, {3, 8, 4}}}, {}, "does not broadcast"},
      {"MatMul", {kTokens, {f16, {64, 3}}}, {}, "must be f32"},
      {"Attention", {kHeads, kHeads, kHeads}, {}, "4 dimensions"},
      {"Attention",
       {{f32, {1, 3, 5, 8}}, {f32, {1, 2, 5, 8}}, {f32, {1, 2, 5, 8}}},
       {},
       "a multiple of the 2 heads"},
      {"Attention", {{f32, {1, 2, 5, 8}}, {f32, {2, 2, 5, 8}}, {f32, {1, 2, 5, 8}}}, {}, "batch of q"},
      {"Attention",
       {{f32, {1, 2, 5, 8}}, {f32, {1, 2, 5, 9}}, {f32, {1, 2, 5, 8}}},
       {},
       "head dimension of q"},
      {"Attention", {{f32, {1, 2, 5, 8}}, {f32, {1, 2, 5, 8}}, {f32, {1, 2, 6, 8}}}, {}, "rows of k"},
      {"Attention",
       {{f32, {1, 2, 5, 8}}, {f32, {1, 2, 5, 8}}, {f32, {1, 2, 5, 8}}, {f32, {2, 1, 5, 5}}},
       {},
       "does not broadcast to f32[1, 2, 5, 5]"},
      {"Attention",
       {{f32, {1, 2, 5, 8}}, {f32, {1, 2, 5, 8}}, {f32, {1, 2, 5, 8}}, {i32, {5, 5}}},
       {},
       "f32 (added) or i8"},
      {"Attention",
       {{f32, {1, 2, 5, 8}}, {f32, {1, 2, 5, 8}}, {f32, {1, 2, 5, 8}}},
       {{"scale", -1.0}},
       "scale must not be negative"},
      {"Abs", {{f16, {4}}}, {}, "must be f32"},
      {"Erf", {{f16, {4}}}, {}, "must be f32"},
      {"Exp", {{f16, {4}}}, {}, "must be f32"},
      {"Identity", {{Dtype::q8_0, {32}}}, {}, "block type"},
      {"Log", {{f16, {4}}}, {}, "must be f32"},
      {"Neg", {{f16, {4}}}, {}, "must be f32"},
      {"Reciprocal", {{f16, {4}}}, {}, "must be f32"},
      {"Relu", {{f16, {4}}}, {}, "must be f32"},
      {"Sigmoid", {{f16, {4}}}, {}, "must be f32"},
      {"Softplus", {{f16, {4}}}, {}, "must be f32"},
      {"Sqrt", {{f16, {4}}}, {}, "must be f32"},
      {"ReduceMean", {kHeads}, {{"axes", "3"}}, "has no axes"},
      {"ReduceSum", {kHeads}, {{"axes", "1, -2"}}, "has no axes"},
      {"ReduceMax", {kHeads}, {{"keepdims", 2}}, "keepdims is 2"},
      {"ReduceMin", {kHeads}, {{"axes", "last"}}, "has no axes"},
      {"ReduceL1", {kHeads}, {{"axes", "3"}}, "has no axes"},
      {"ReduceL2", {kHeads}, {{"axes", "1, -2"}}, "has no axes"},
      {"ReduceSumSquare", {kHeads}, {{"keepdims", 2}}, "keepdims is 2"},
      {"ReduceLogSum", {kHeads}, {{"axes", "last"}}, "has no axes"},
      {"ReduceLogSumExp", {kHeads}, {{"axes", "3"}}, "has no axes"},

      {"Swish", {{f16, {4}}}, {}, "must be f32"},
      {"Gelu", {{a8, {4, 32}}}, {}, "must be f32"},
      {"Gelu", {kTokens}, {{"approximate", 2}}, "approximate is 2"},
      {"Tanh", {{f16, {4}}}, {}, "must be f32"},

      {"ArgMax", {{f16, {"S", 9}}}, {}, "must be f32"},
      {"ArgMax", {kHeads}, {}, "2 dimensions"},
      {"ArgMax", {{f32, {"S", 0}}}, {}, "no columns"},
      {"TopK", {{f32, {"S"}}}, {{"k", 2}}, "2 dimensions"},
      {"TopK", {{i32, {"S", 9}}}, {{"k", 2}}, "must be f32"},
      {"TopK", {{f32, {"S", 9}}}, {{"k", 0}}, "k is 0"},
      {"LogSumExp", {{i32, {"S", 9}}}, {}, "must be f32"},
      {"LogSumExp", {kHeads}, {}, "2 dimensions"},
      {"LogSumExp", {{f32, {"S", 0}}}, {}, "no columns"},

      {"FusedLinear", {kTokens, {f16, {30, 64}}}, {{"program", "o0 = w0"}, {"weights", 0}}, "weights is 0"},
      {"FusedLinear",
       {kTokens, {f16, {30, 64}}, {f16, {30, 64}}},
       {{"program", "o0 = w0"}, {"weights", 2}},
       "1 products, not 2"},
      {"FusedLinear",
       {kTokens, {f16, {30, 64}}},
       {{"program", "o0 = add(w0, x0)"}, {"weights", 1}},
       "has 2 inputs"},
      {"FusedLinear",
       {kTokens, {f16, {30, 64}}, {f32, {30}}},
       {{"program", "o0 = rms(w0, x0, 1)"}, {"weights", 1}},
       "reduces"},
      {"FusedLinear",
       {kTokens, {f16, {30, 64}}, {f16, {16, 64}}},
       {{"program", "o0 = mul(w0, w1)"}, {"weights", 2}},
       "30 and 16 columns"},
      {"FusedLinear",
       {kTokens, {f16, {30, 64}}, {f32, {30}}},
       {{"program", "o0 = w0; o1 = x0"}, {"weights", 1}},
       "no product"},
      {"FusedLinear",
       {{a8, {"T", 64}}, {f16, {30, 64}}},
       {{"program", "o0 = w0"}, {"weights", 1}},
       "w0 is f16[30, 64]"},
      {"FusedLinear",
       {kTokens, {Dtype::packed4, {32, 64}}},
       {{"program", "o0 = w0"}, {"weights", 1}},
       "w0 is packed4[32, 64]"},
      {"FusedLinear",
       {kTokens, {f32, {30, 32}}},
       {{"program", "o0 = w0"}, {"weights", 1}},
       "not [rows, columns of x]"},
      {"FusedLinear",
       {kTokens, {f16, {30, 64}}, kTokens},
       {{"program", "o0 = add(w0, x0)"}, {"weights", 1}},
       "x0 is f32[T, 64]"},
      {"FusedLinear", {kTokens, {f16, {30, 64}}}, {{"program", "o0 = quantize(w0)"}, {"weights", 1}}, "o0"},
      {"FusedLinear",
       {kTokens, {f16, {30, 64}}},
       {{"program", "o0 = wave(w0)"}, {"weights", 1}},
       "there is no function"},
      {"FusedLinear",
       {{f32, {64}}, {f16, {30, 64}}},
       {{"program", "o0 = w0"}, {"weights", 1}},
       "2 dimensions"},

      {"RowProgram", {kTokens}, {}, "character 1: expected a name"},
      {"RowProgram", {kTokens}, {{"program", "o0 = add(x0)"}}, "character 13: too few operands of add"},
      {"RowProgram", {kTokens}, {{"program", "o0 = add(x0, w0)"}}, "no products"},
      {"RowProgram", {kTokens}, {{"program", "o0 = add(x0, x1)"}}, "x0 to x1, and there are 1 inputs"},
      {"RowProgram", {kTokens, kTokens}, {{"program", "o0 = swish(x0)"}}, "there are 2 inputs"},
      {"RowProgram", {kTokens, {f16, {64}}}, {{"program", "o0 = add(x0, x1)"}}, "input 1 (x1)"},
      {"RowProgram", {kTokens, {f32, {"S", 64}}}, {{"program", "o0 = add(x0, x1)"}}, "the shape of x0"},
      {"RowProgram", {kTokens, {f32, {"T"}}}, {{"program", "o0 = add(x0, x1)"}}, "one row"},
      {"RowProgram", {{f32, {}}, {f32, {1}}}, {{"program", "o0 = rms(x0, x1, 0)"}}, "at least one dimension"},
      {"RowProgram", {{f32, {"T", 48}}}, {{"program", "o0 = quantize(x0)"}}, "multiple of 32"},
      {"RowProgram", {{f32, {64}}}, {{"program", "o0 = quantize(x0)"}}, "2 dimensions"},
  };
  for (const auto& row : rows) {
    SCOPED_TRACE(std::string(row.op) + ": " + row.message);
    try {
      infer(row.op, row.inputs, row.attributes);
      ADD_FAILURE() << "nothing was thrown";
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::invalid_argument);
      EXPECT_THAT(error.what(), testing::HasSubstr(row.message));
      EXPECT_THAT(error.what(), testing::HasSubstr(std::string(row.op)));
    }
  }
  for (const auto& op : all_ops())
    EXPECT_TRUE(std::ranges::any_of(rows, [&op](const Refused& row) { return row.op == op.name; }))
        << op.name;
}

}  // namespace
}  // namespace lathe
