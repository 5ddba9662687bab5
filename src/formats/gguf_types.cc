#include "formats/gguf_types.h"

#include <array>

namespace lathe {
namespace {

constexpr GgufTensorType known(std::string_view name, std::uint32_t elements, std::uint32_t bytes) {
  return {name, elements, bytes, std::nullopt};
}
constexpr GgufTensorType offered(std::string_view name, std::uint32_t elements, std::uint32_t bytes,
                                 Dtype dtype) {
  return {name, elements, bytes, dtype};
}
constexpr GgufTensorType kWithdrawn{{}, 0, 0, std::nullopt};

constexpr std::array kTypes = {
    offered("F32", 1, 4, Dtype::f32),  // 0
    offered("F16", 1, 2, Dtype::f16),
    offered("Q4_0", 32, 18, Dtype::q4_0),
    offered("Q4_1", 32, 20, Dtype::q4_1),
    kWithdrawn,  // 4: Q4_2
    kWithdrawn,  // 5: Q4_3
    offered("Q5_0", 32, 22, Dtype::q5_0),
    offered("Q5_1", 32, 24, Dtype::q5_1),
    offered("Q8_0", 32, 34, Dtype::q8_0),
    known("Q8_1", 32, 36),
    known("Q2_K", 256, 84),  // 10
    known("Q3_K", 256, 110),
    offered("Q4_K", 256, 144, Dtype::q4_k),
    offered("Q5_K", 256, 176, Dtype::q5_k),
    offered("Q6_K", 256, 210, Dtype::q6_k),
    known("Q8_K", 256, 292),
    known("IQ2_XXS", 256, 66),
    known("IQ2_XS", 256, 74),
    known("IQ3_XXS", 256, 98),
    known("IQ1_S", 256, 50),
    known("IQ4_NL", 32, 18),  // 20
    known("IQ3_S", 256, 110),
    known("IQ2_S", 256, 82),
    known("IQ4_XS", 256, 136),
    offered("I8", 1, 1, Dtype::i8),
    offered("I16", 1, 2, Dtype::i16),
    offered("I32", 1, 4, Dtype::i32),
    offered("I64", 1, 8, Dtype::i64),
    offered("F64", 1, 8, Dtype::f64),
    known("IQ1_M", 256, 56),
    offered("BF16", 1, 2, Dtype::bf16),  // 30
    kWithdrawn,                          // 31: Q4_0_4_4
    kWithdrawn,                          // 32: Q4_0_4_8
    kWithdrawn,                          // 33: Q4_0_8_8
    known("TQ1_0", 256, 54),
    known("TQ2_0", 256, 66),
    kWithdrawn,  // 36: IQ4_NL_4_4
    kWithdrawn,  // 37: IQ4_NL_4_8
    kWithdrawn,  // 38: IQ4_NL_8_8
    known("MXFP4", 32, 17),
    known("NVFP4", 64, 36),  // 40
    known("Q1_0", 128, 18),
    known("Q2_0", 64, 18),
};

}  // namespace

const GgufTensorType* gguf_tensor_type(std::uint32_t number) {
  if (number >= kTypes.size() || kTypes[number].name.empty()) return nullptr;
  return &kTypes[number];
}

}  // namespace lathe
