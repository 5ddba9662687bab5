#include "tensor/dtype.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <set>

#include "base/error.h"
#include "tensor/block_sizes.h"

namespace lathe {
namespace {

TEST(Dtype, NamesAreFoundAgain) {
  std::set<std::string_view> names;
  for (int i = 0; i <= static_cast<int>(kLastDtype); ++i) {
    const auto dtype = static_cast<Dtype>(i);
    EXPECT_TRUE(names.insert(info(dtype).name).second);
    EXPECT_EQ(dtype_named(info(dtype).name), dtype);
    EXPECT_GT(info(dtype).block_elements, 0u);
  }
  EXPECT_EQ(dtype_named("q9_9"), std::nullopt);
  EXPECT_EQ(dtype_named(""), std::nullopt);
  EXPECT_EQ(dtype_named("F32"), std::nullopt);
  EXPECT_THROW((void)info(static_cast<Dtype>(255)), Error);
}

TEST(Dtype, RowsHaveTheBytesOfTheirBlocks) {
  for (const auto& size : kBlockSizes) {
    EXPECT_EQ(info(size.dtype).block_elements, size.elements) << info(size.dtype).name;
    EXPECT_EQ(row_bytes(size.dtype, 512), 512 / size.elements * size.bytes) << info(size.dtype).name;
  }
  EXPECT_EQ(row_bytes(Dtype::q4_0, 0), 0u);
}

TEST(Dtype, QuantizedAreTheBlocksOfFiles) {
  std::set<Dtype> quantized;
  for (int i = 0; i <= static_cast<int>(kLastDtype); ++i)
    if (is_block_quantized(static_cast<Dtype>(i))) quantized.insert(static_cast<Dtype>(i));
  EXPECT_THAT(quantized, testing::ElementsAre(Dtype::q4_0, Dtype::q4_1, Dtype::q5_0, Dtype::q5_1, Dtype::q8_0,
                                              Dtype::iq4_nl, Dtype::mxfp4, Dtype::iq4_xs, Dtype::q2_k,
                                              Dtype::q3_k, Dtype::q4_k, Dtype::q5_k, Dtype::q6_k));
}

TEST(Dtype, RefusesRowsThatAreNoWholeBlocks) {
  constexpr auto kMax = std::numeric_limits<std::int64_t>::max();
  for (const auto& [dtype, columns] : {std::pair{Dtype::q4_0, std::int64_t{31}},
                                       {Dtype::q6_k, 8 * 64 - 1},
                                       {Dtype::q6_k, 32},
                                       {Dtype::f32, -1},
                                       {Dtype::q8_0, -32},
                                       {Dtype::packed4, 32},  // only whole groups of rows have a size
                                       {Dtype::packed_f32, 32},
                                       {Dtype::packed_bf16, 32},
                                       {Dtype::packed_f16, 32},
                                       {Dtype::f64, kMax}}) {
    try {
      (void)row_bytes(dtype, columns);
      ADD_FAILURE() << "nothing was thrown for " << info(dtype).name << " " << columns;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::invalid_argument);
      EXPECT_THAT(error.what(), testing::HasSubstr(std::string(info(dtype).name)));
    }
  }
}

}  // namespace
}  // namespace lathe
