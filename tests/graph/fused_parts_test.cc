// Parts of the programs of FusedLinear.
#include "graph/fused_parts.h"

#include <gtest/gtest.h>

#include <bit>

#include "graph/fused_program_text.h"

namespace lathe {
namespace {

FusedParts parts_of(const char* text) { return fused_parts(parse_fused_program(text)); }

TEST(FusedParts, OutputsThatShareAProductAreOnePart) {
  const FusedParts parts = parts_of("o0 = add(w0, x0); o1 = mul(swish(w1), w2); o2 = mul(w0, x1); o3 = w3");
  ASSERT_EQ(parts.count, 3);
  EXPECT_EQ(parts.part[0].outputs, 0b0101u);
  EXPECT_EQ(parts.part[0].products, 0b0001u);
  EXPECT_EQ(parts.part[0].inputs, 0b11u);
  EXPECT_EQ(parts.part[1].outputs, 0b0010u);
  EXPECT_EQ(parts.part[1].products, 0b0110u);
  EXPECT_EQ(parts.part[1].inputs, 0u);
  EXPECT_EQ(parts.part[2].outputs, 0b1000u);
  EXPECT_EQ(parts.part[0].instructions | parts.part[1].instructions | parts.part[2].instructions,
            (1u << 8) - 1);
}

TEST(FusedParts, AnOutputMayJoinTwoOthers) {
  const FusedParts parts = parts_of("o0 = w0; o1 = w1; o2 = w2; o3 = mul(w0, w2)");
  ASSERT_EQ(parts.count, 2);
  EXPECT_EQ(parts.part[0].outputs, 0b1101u);
  EXPECT_EQ(parts.part[1].outputs, 0b0010u);
}

TEST(FusedParts, TakesTheValueThatATemporaryHasThen) {
  // The parser gives both sums the same temporary.
  const FusedParts parts = parts_of("o0 = add(w0, x0); o1 = add(w1, x1)");
  ASSERT_EQ(parts.count, 2);
  EXPECT_EQ(std::popcount(parts.part[1].instructions), 2);
  EXPECT_EQ(parts.part[1].products, 0b10u);
}

}  // namespace
}  // namespace lathe
