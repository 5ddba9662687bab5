// Rules of ONNX's products, reductions, attention and quantization: what they say of shapes that are numbers,
// symbols and unknown, and what they refuse.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "graph/einsum_equation.h"
#include "graph/graph.h"

namespace lathe {
namespace {

using testing::HasSubstr;

constexpr auto f32 = Dtype::f32;
constexpr auto i64 = Dtype::i64;
constexpr auto u8 = Dtype::u8;
const Dim kUnknown = Dim::unknown();

std::string inferred(std::string_view op, const std::vector<ValueType>& types,
                     const Attributes& attributes = {}) {
  Graph graph;
  std::vector<ValueId> ids;
  for (const auto& type : types) {
    static constexpr std::byte kNothing{};
    const auto name = "in" + std::to_string(ids.size());
    ids.push_back(type.dtype == Dtype::none ? graph.add_constant(name, {&kNothing, Dtype::none, {0}}, nullptr)
                                            : graph.add_input(name, type));
  }
  std::string text;
  try {
    for (const auto id : graph.add_node(op, "node", ids, attributes))
      text += (text.empty() ? "" : " ") + to_string(graph.value(id).type);
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::invalid_argument);
    return error.what();
  }
  return text;
}

TEST(ProductRules, ReduceAxesOfAttributesAndInputs) {
  EXPECT_EQ(inferred("ReduceSumAny", {{f32, {2, "N", 4}}}, {{"axes", "-1"}}), "f32[2, N, 1]");
  EXPECT_EQ(inferred("ReduceSumAny", {{f32, {2, "N", 4}}}, {{"keepdims", 0}}), "f32[]");
  EXPECT_EQ(inferred("ReduceSumAny", {{f32, {2, 3}}}, {{"noop_with_empty_axes", 1}}), "f32[2, 3]");
  EXPECT_EQ(inferred("ReduceSumAny", {{f32, {2, 3}}, {i64, {1}}}), R"(f32["?", "?"])");
  EXPECT_EQ(inferred("ReduceSumAny", {{f32, {2, 3}}, {i64, {1}}}, {{"keepdims", 0}}), "f32[...]");
  EXPECT_THAT(inferred("ReduceSumAny", {{f32, {2, 3}}}, {{"axes", "2"}}), HasSubstr("the axis 2"));
  EXPECT_THAT(inferred("ReduceSumAny", {{f32, {2, 3}}}, {{"axes", "1,-1"}}), HasSubstr("twice"));
  EXPECT_THAT(inferred("ReduceSumAny", {{u8, {2, 3}}}), HasSubstr("must be"));
  EXPECT_EQ(inferred("ReduceMaxAny", {{Dtype::boolean, {2, 3}}}), "bool[1, 1]");
}

TEST(ProductRules, MultiplyWithBroadcasting) {
  EXPECT_EQ(inferred("MatMulAny", {{f32, {"B", 1, 2, 3}}, {f32, {5, 3, 4}}}), "f32[B, 5, 2, 4]");
  EXPECT_EQ(inferred("MatMulAny", {{f32, {3}}, {f32, {3}}}), "f32[]");
  EXPECT_EQ(inferred("MatMulAny", {{f32, {kUnknown, 3}}, {f32, {3, 4}}}), R"(f32["?", 4])");
  EXPECT_THAT(inferred("MatMulAny", {{f32, {2, 3}}, {f32, {4, 5}}}), HasSubstr("must have 3 rows"));
  EXPECT_THAT(inferred("MatMulAny", {{f32, {2, 2, 3}}, {f32, {3, 3, 5}}}), HasSubstr("does not broadcast"));
  EXPECT_EQ(inferred("Gemm", {{f32, {3, 2}}, {f32, {4, 3}}, {f32, {4}}}, {{"transA", 1}, {"transB", 1}}),
            "f32[2, 4]");
  EXPECT_THAT(inferred("Gemm", {{f32, {2, 3}}, {f32, {3, 4}}, {f32, {3}}}), HasSubstr("does not broadcast"));
  EXPECT_THAT(inferred("Gemm", {{f32, {3}}, {f32, {3, 4}}}), HasSubstr("2 dimensions"));
}

TEST(ProductRules, NormalizeFromAnAxisOn) {
  EXPECT_EQ(inferred("LayerNormalizationAny", {{Dtype::f16, {"N", 3, 4}}, {Dtype::f16, {3, 1}}},
                     {{"axis", 1}, {"outputs", 3}}),
            "f16[N, 3, 4] f32[N, 1, 1] f32[N, 1, 1]");
  EXPECT_THAT(inferred("LayerNormalizationAny", {{f32, {3, 4}}, {f32, {3}}}),
              HasSubstr("does not broadcast"));
  EXPECT_THAT(inferred("RMSNormalizationAny", {{f32, {3, 4}}, {f32, {4}}}, {{"axis", 2}}),
              HasSubstr("axis 2"));
  EXPECT_THAT(inferred("LpNormalizationAny", {{f32, {3, 4}}}, {{"p", 3}}), HasSubstr("p is 3"));
  EXPECT_THAT(inferred("MeanVarianceNormalization", {{f32, {3, 4}}}), HasSubstr("axes are missing"));
  EXPECT_THAT(inferred("SoftmaxAny", {{f32, {3, 4}}}, {{"axis", -3}}), HasSubstr("axis -3"));
  EXPECT_THAT(inferred("SoftmaxAny", {{f32, {3, 4}}}, {{"axis", -3}, {"flatten", 1}}), HasSubstr("axis -3"));
}

TEST(ProductRules, AttendInBothLayouts) {
  const Attributes heads = {{"q_num_heads", 4}, {"kv_num_heads", 2}, {"outputs", 4}};
  EXPECT_EQ(inferred("AttentionAny", {{f32, {"B", 5, 32}}, {f32, {"B", 6, 16}}, {f32, {"B", 6, 20}}}, heads),
            "f32[B, 5, 40] f32[B, 2, 6, 8] f32[B, 2, 6, 10] f32[B, 4, 5, 6]");
  const ValueType q{f32, {1, 4, 5, 8}};
  const ValueType kv{f32, {1, 2, 6, 8}};
  EXPECT_EQ(inferred("AttentionAny", {q, kv, kv, {f32, {5, 4}}}), "f32[1, 4, 5, 8]");
  EXPECT_THAT(inferred("AttentionAny", {q, kv, kv, {f32, {5, 7}}}), HasSubstr("does not broadcast"));
  EXPECT_THAT(inferred("AttentionAny", {{f32, {1, 3, 5, 8}}, kv, kv}),
              HasSubstr("a multiple of the 2 heads"));
  EXPECT_THAT(inferred("AttentionAny", {{f32, {1, 5, 32}}, {f32, {1, 6, 16}}, {f32, {1, 6, 16}}}),
              HasSubstr("number of heads is missing"));
  EXPECT_THAT(inferred("AttentionAny", {q, kv, {f32, {1, 2, 7, 8}}}), HasSubstr("rows of k"));
  EXPECT_THAT(inferred("AttentionAny", {q, kv, kv, {Dtype::none, {}}, kv}), HasSubstr("come together"));
  EXPECT_THAT(inferred("RotaryEmbeddingAny", {q, {f32, {1, 5, 3}}, {f32, {1, 5, 3}}}),
              HasSubstr("must be 4"));
}

TEST(ProductRules, QuantizeByAxisAndBlock) {
  EXPECT_EQ(inferred("QuantizeLinear", {{f32, {"N", 4}}, {f32, {4}}, {Dtype::i4, {4}}}), "i4[N, 4]");
  EXPECT_EQ(inferred("DequantizeLinear", {{u8, {3, 10}}, {f32, {3, 3}}}, {{"block_size", 4}}), "f32[3, 10]");
  EXPECT_THAT(inferred("DequantizeLinear", {{u8, {3, 10}}, {f32, {3, 2}}}, {{"block_size", 4}}),
              HasSubstr("must be 3"));
  EXPECT_THAT(inferred("QuantizeLinear", {{f32, {3, 4}}, {f32, {3}}}), HasSubstr("must be 4"));
  EXPECT_THAT(inferred("QuantizeLinear", {{f32, {3, 4}}, {f32, {4}}}, {{"axis", 2}}), HasSubstr("axis 2"));
  EXPECT_EQ(inferred("MatMulInteger", {{u8, {2, 3}}, {Dtype::i8, {3, 4}}, {u8, {2}}}), "i32[2, 4]");
  EXPECT_THAT(inferred("MatMulInteger", {{u8, {2, 3}}, {u8, {3, 4}}, {u8, {3}}}), HasSubstr("must be 2"));
  EXPECT_EQ(inferred("DynamicQuantizeLinear", {{f32, {"N"}}}), "u8[N] f32[] u8[]");
}

TEST(ProductRules, LoseClassesAndWalkRows) {
  const ValueType x{f32, {2, 3, 4}};
  EXPECT_EQ(inferred("NegativeLogLikelihoodLoss", {x, {i64, {2, 4}}}, {{"reduction", "none"}}), "f32[2, 4]");
  EXPECT_EQ(inferred("SoftmaxCrossEntropyLoss", {x, {i64, {2, 4}}}, {{"reduction", "mean"}, {"outputs", 2}}),
            "f32[] f32[2, 3, 4]");
  EXPECT_THAT(inferred("NegativeLogLikelihoodLoss", {x, {i64, {2, 3}}}, {{"reduction", "sum"}}),
              HasSubstr("must be 4"));
  EXPECT_THAT(inferred("NegativeLogLikelihoodLoss", {x, {i64, {2, 4}}}), HasSubstr("reduction"));
  const Attributes lstm = {{"activations", "2,1,1"}, {"direction", "forward"}, {"outputs", 3}};
  EXPECT_EQ(inferred("LSTM", {{f32, {"T", 2, 5}}, {f32, {1, 24, 5}}, {f32, {1, 24, 6}}}, lstm),
            "f32[T, 1, 2, 6] f32[1, 2, 6] f32[1, 2, 6]");
  EXPECT_THAT(inferred("LSTM", {{f32, {"T", 2, 5}}, {f32, {1, 18, 5}}, {f32, {1, 24, 6}}}, lstm),
              HasSubstr("must be 24"));
  EXPECT_THAT(inferred("GRU", {{f32, {4, 2, 5}}, {f32, {1, 18, 5}}, {f32, {1, 18, 6}}}, lstm),
              HasSubstr("activations must be 2"));
}

TEST(ProductRules, SumByLetters) {
  EXPECT_EQ(inferred("Einsum", {{f32, {"B", 2, 3}}, {f32, {3, 4}}}, {{"equation", "...ij,jk->k...i"}}),
            "f32[4, B, 2]");
  EXPECT_EQ(inferred("Einsum", {{f32, {3, 2}}}, {{"equation", "ba"}}), "f32[2, 3]");
  for (const auto* equation : {"ij,jk->il", "ij->ij", "ij,jk->ii", "i.j,jk->ik", "ijk,jk->i", "i1,jk->i", ""})
    EXPECT_THAT(inferred("Einsum", {{f32, {2, 3}}, {f32, {3, 4}}}, {{"equation", equation}}),
                HasSubstr("does not fit"))
        << equation;
  EXPECT_THAT(inferred("Einsum", {{f32, {2, 3}}, {f32, {4, 4}}}, {{"equation", "ij,jk->ik"}}),
              HasSubstr("must be 3"));
  EXPECT_THAT(inferred("Det", {{f32, {2, 3}}}), HasSubstr("square"));
  const int ranks[] = {8, 8};
  EXPECT_FALSE(parse_einsum("abcdefgh,ijklmnop", ranks)) << "an output of 16 axes";
}

}  // namespace
}  // namespace lathe
