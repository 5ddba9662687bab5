#include "formats/gguf_types.h"

#include <algorithm>
#include <array>
#include <string>

namespace lathe {
namespace {

struct Row {
  std::string_view name;
  std::uint32_t block_elements;
  std::uint32_t block_bytes;
};
constexpr Row kWithdrawn{};

constexpr std::array kRows = {
    Row{"F32", 1, 4},  // 0
    Row{"F16", 1, 2},
    Row{"Q4_0", 32, 18},
    Row{"Q4_1", 32, 20},
    kWithdrawn,  // 4: Q4_2
    kWithdrawn,  // 5: Q4_3
    Row{"Q5_0", 32, 22},
    Row{"Q5_1", 32, 24},
    Row{"Q8_0", 32, 34},
    Row{"Q8_1", 32, 36},
    Row{"Q2_K", 256, 84},  // 10
    Row{"Q3_K", 256, 110},
    Row{"Q4_K", 256, 144},
    Row{"Q5_K", 256, 176},
    Row{"Q6_K", 256, 210},
    Row{"Q8_K", 256, 292},
    Row{"IQ2_XXS", 256, 66},
    Row{"IQ2_XS", 256, 74},
    Row{"IQ3_XXS", 256, 98},
    Row{"IQ1_S", 256, 50},
    Row{"IQ4_NL", 32, 18},  // 20
    Row{"IQ3_S", 256, 110},
    Row{"IQ2_S", 256, 82},
    Row{"IQ4_XS", 256, 136},
    Row{"I8", 1, 1},
    Row{"I16", 1, 2},
    Row{"I32", 1, 4},
    Row{"I64", 1, 8},
    Row{"F64", 1, 8},
    Row{"IQ1_M", 256, 56},
    Row{"BF16", 1, 2},  // 30
    kWithdrawn,         // 31: Q4_0_4_4
    kWithdrawn,         // 32: Q4_0_4_8
    kWithdrawn,         // 33: Q4_0_8_8
    Row{"TQ1_0", 256, 54},
    Row{"TQ2_0", 256, 66},
    kWithdrawn,  // 36: IQ4_NL_4_4
    kWithdrawn,  // 37: IQ4_NL_4_8
    kWithdrawn,  // 38: IQ4_NL_8_8
    Row{"MXFP4", 32, 17},
    Row{"NVFP4", 64, 36},  // 40
    Row{"Q1_0", 128, 18},
    Row{"Q2_0", 64, 18},
};

/// A type is offered where a Dtype has its name.
std::array<GgufTensorType, kRows.size()> with_dtypes() {
  std::array<GgufTensorType, kRows.size()> types;
  std::transform(kRows.begin(), kRows.end(), types.begin(), [](const Row& row) {
    std::string name(row.name);
    for (char& c : name)
      if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    return GgufTensorType{row.name, row.block_elements, row.block_bytes, dtype_named(name)};
  });
  return types;
}

}  // namespace

const GgufTensorType* gguf_tensor_type(std::uint32_t number) {
  static const auto kTypes = with_dtypes();
  if (number >= kTypes.size() || kTypes[number].name.empty()) return nullptr;
  return &kTypes[number];
}

std::optional<std::uint32_t> gguf_type_number(Dtype dtype) {
  for (std::uint32_t number = 0; number < kRows.size(); ++number) {
    const GgufTensorType* type = gguf_tensor_type(number);
    if (type != nullptr && type->dtype == dtype) return number;
  }
  return std::nullopt;
}

}  // namespace lathe
