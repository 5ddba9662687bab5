// safetensors files that must be read, and what is seen of them.
#include "formats/safetensors.h"

#include <gtest/gtest.h>

#include "safetensors_refusal.h"
#include "support/safetensors_builder.h"

namespace lathe {
namespace {

using test::expect_safetensors_read;
using test::safetensors_file;
using test::SafetensorsBuilder;

TEST(Safetensors, NamesTypesShapesAndBytes) {
  const auto tensors = expect_safetensors_read(SafetensorsBuilder()
                                                   .floats("b", {2, 3}, {1, 2, 3, 4, 5, 6})
                                                   .tensor("a", "BF16", {2}, "wxyz")
                                                   .tensor("c\\n\\u00e9", "F8_E5M2", {1}, "q")
                                                   .bytes());
  ASSERT_EQ(tensors.size(), 3u);
  EXPECT_EQ(tensors[0].name, "b");
  EXPECT_EQ(tensors[0].type, StoredType::f32);
  EXPECT_EQ(tensors[0].shape, (Shape{2, 3}));
  EXPECT_EQ(tensors[0].bytes.size(), 24u);
  EXPECT_EQ(tensors[1].type, StoredType::bf16);
  EXPECT_EQ(std::to_integer<char>(tensors[1].bytes[3]), 'z');
  EXPECT_EQ(tensors[2].name, "c\n\u00e9");
  EXPECT_EQ(tensors[2].type, StoredType::f8_e5m2);
}

TEST(Safetensors, EveryTypeByItsName) {
  const char* names[] = {"F32",     "F16",     "BF16", "F64",         "F8_E4M3",     "F8_E5M2",
                         "BOOL",    "I8",      "U8",   "I16",         "U16",         "I32",
                         "U32",     "I64",     "U64",  "F8_E4M3FNUZ", "F8_E5M2FNUZ", "F8_E8M0",
                         "F6_E2M3", "F6_E3M2", "F4",   "C64"};
  const std::size_t bits[] = {32, 16, 16, 64, 8, 8, 8, 8, 8, 16, 16, 32, 32, 64, 64, 8, 8, 8, 6, 6, 4, 64};
  for (std::size_t i = 0; i < std::size(names); ++i) {
    const auto tensors = expect_safetensors_read(
        SafetensorsBuilder().tensor("t", names[i], {4}, std::string(bits[i] / 2, '\0')).bytes());
    ASSERT_EQ(tensors.size(), 1u) << names[i];
    EXPECT_EQ(tensors[0].type, static_cast<StoredType>(i));
    EXPECT_EQ(stored_type_name(tensors[0].type), names[i]);
  }
}

TEST(Safetensors, SpacesAroundTheHeader) {
  const std::string header = SafetensorsBuilder().floats("t", {1}, {1}).header();
  const std::string data(4, '\0');
  for (const auto& text : {header + "     ", "   " + header, "\n " + header + " \n"})
    EXPECT_EQ(expect_safetensors_read(safetensors_file(text, data)).size(), 1u);
}

TEST(Safetensors, EmptyTensorsAndScalars) {
  const auto tensors = expect_safetensors_read(SafetensorsBuilder()
                                                   .floats("empty", {0, 7}, {})
                                                   .floats("scalar", {}, {2})
                                                   .floats("empty too", {0}, {})
                                                   .bytes());
  ASSERT_EQ(tensors.size(), 3u);
  EXPECT_EQ(tensors[0].bytes.size(), 0u);
  EXPECT_EQ(tensors[1].shape, Shape{});
  EXPECT_EQ(tensors[1].bytes.size(), 4u);
  EXPECT_TRUE(expect_safetensors_read(safetensors_file("{}", "")).empty());
}

TEST(Safetensors, UnalignedTensorsAreShownAsTheyLie) {
  const auto tensors = expect_safetensors_read(
      SafetensorsBuilder().tensor("byte", "U8", {1}, "x").floats("t", {1}, {3}).bytes());
  ASSERT_EQ(tensors.size(), 2u);
  EXPECT_EQ(tensors[1].bytes.data() - tensors[0].bytes.data(), 1);
}

TEST(Safetensors, HugeHeadersOfTensorsTakeASecondAtMost) {
  std::string header = "{";
  for (int i = 0; i < 200'000; ++i)
    header += (i == 0 ? "\"model.layers.t" : ",\"model.layers.t") + std::to_string(i) +
              "\":{\"dtype\":\"U8\",\"shape\":[0,16],\"data_offsets\":[0,0]}";
  EXPECT_EQ(expect_safetensors_read(safetensors_file(header + "}", "")).size(), 200'000u);
}

}  // namespace
}  // namespace lathe
