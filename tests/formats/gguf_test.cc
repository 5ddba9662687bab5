// Files that must be read, and what they become.
#include "formats/gguf.h"

#include <gtest/gtest.h>

#include <cstring>

#include "formats/gguf_types.h"
#include "refusal.h"
#include "support/tiny_model.h"

namespace lathe {
namespace {

using test::expect_read;
using test::GgufBuilder;
using test::GgufType;
using test::number_bytes;

template <class T>
GgufBuilder& number(GgufBuilder& builder, std::string_view key, GgufType type, T value) {
  return builder.raw(key, static_cast<std::uint32_t>(type), number_bytes(value));
}

TEST(Gguf, ReadsEveryScalarType) {
  GgufBuilder builder;
  number(builder, "u8", GgufType::u8, std::uint8_t{255});
  number(builder, "i8", GgufType::i8, std::int8_t{-128});
  number(builder, "u16", GgufType::u16, std::uint16_t{65535});
  number(builder, "i16", GgufType::i16, std::int16_t{-32768});
  number(builder, "u32", GgufType::u32, std::uint32_t{4294967295u});
  number(builder, "i32", GgufType::i32, std::int32_t{-2147483647});
  number(builder, "u64", GgufType::u64, ~std::uint64_t{0});
  number(builder, "i64", GgufType::i64, std::int64_t{-9'000'000'000});
  number(builder, "f32", GgufType::f32, 0.25f);
  number(builder, "f64", GgufType::f64, 1e300);
  builder.boolean("no", false).boolean("yes", true).text("text", std::string_view("a\0b", 3));
  const auto file = expect_read(builder.bytes());
  const auto& values = file->metadata;
  EXPECT_EQ(values.at("u8"), MetadataValue(std::uint64_t{255}));
  EXPECT_EQ(values.at("i8"), MetadataValue(std::int64_t{-128}));
  EXPECT_EQ(values.at("u16"), MetadataValue(std::uint64_t{65535}));
  EXPECT_EQ(values.at("i16"), MetadataValue(std::int64_t{-32768}));
  EXPECT_EQ(values.at("u32"), MetadataValue(std::uint64_t{4294967295u}));
  EXPECT_EQ(values.at("i32"), MetadataValue(std::int64_t{-2147483647}));
  EXPECT_EQ(values.at("u64"), MetadataValue(~std::uint64_t{0}));
  EXPECT_EQ(values.at("i64"), MetadataValue(std::int64_t{-9'000'000'000}));
  EXPECT_EQ(values.at("f32"), MetadataValue(0.25));
  EXPECT_EQ(values.at("f64"), MetadataValue(1e300));
  EXPECT_EQ(values.at("no"), MetadataValue(false));
  EXPECT_EQ(values.at("yes"), MetadataValue(true));
  EXPECT_EQ(file->text("text"), std::string("a\0b", 3));
  EXPECT_EQ(values.size(), 13u);
}

TEST(Gguf, ReadsEveryArrayType) {
  GgufBuilder builder;
  builder.raw_array("u8", GgufType::u8, 2, "\x01\xff")
      .raw_array("i8", GgufType::i8, 2, "\x01\xff")
      .raw_array("u16", GgufType::u16, 1, number_bytes(std::uint16_t{65535}))
      .raw_array("i16", GgufType::i16, 1, number_bytes(std::int16_t{-2}))
      .raw_array("u32", GgufType::u32, 1, number_bytes(std::uint32_t{4294967295u}))
      .i32s("i32", {-1, 7})
      .raw_array("u64", GgufType::u64, 1, number_bytes(std::uint64_t{1} << 62))
      .raw_array("i64", GgufType::i64, 1, number_bytes(std::int64_t{-5}))
      .f32s("f32", {0.5f, -2.0f})
      .raw_array("f64", GgufType::f64, 1, number_bytes(1e-300))
      .raw_array("bool", GgufType::boolean, 3, std::string_view("\1\0\1", 3))
      .texts("texts", {"", "two"})
      .raw_array("empty", GgufType::string, 0, "");
  const auto file = expect_read(builder.bytes());
  EXPECT_EQ(*file->integers("u8"), (std::vector<std::int64_t>{1, 255}));
  EXPECT_EQ(*file->integers("i8"), (std::vector<std::int64_t>{1, -1}));
  EXPECT_EQ(*file->integers("u16"), (std::vector<std::int64_t>{65535}));
  EXPECT_EQ(*file->integers("i16"), (std::vector<std::int64_t>{-2}));
  EXPECT_EQ(*file->integers("u32"), (std::vector<std::int64_t>{4294967295}));
  EXPECT_EQ(*file->integers("i32"), (std::vector<std::int64_t>{-1, 7}));
  EXPECT_EQ(*file->integers("u64"), (std::vector<std::int64_t>{std::int64_t{1} << 62}));
  EXPECT_EQ(*file->integers("i64"), (std::vector<std::int64_t>{-5}));
  EXPECT_EQ(*file->reals("f32"), (std::vector<double>{0.5, -2.0}));
  EXPECT_EQ(*file->reals("f64"), (std::vector<double>{1e-300}));
  EXPECT_EQ(file->metadata.at("bool"), MetadataValue(std::vector<bool>{true, false, true}));
  EXPECT_EQ(*file->strings("texts"), (std::vector<std::string>{"", "two"}));
  EXPECT_TRUE(file->strings("empty")->empty());
}

TEST(Gguf, TensorsAreViewsOfTheFileInItsOrder) {
  GgufBuilder builder;
  const std::string weights = number_bytes(1.0f) + number_bytes(2.0f) + number_bytes(3.0f) +
                              number_bytes(4.0f) + number_bytes(5.0f) + number_bytes(6.0f);
  builder.tensor("z", {3, 2}, 0, weights)
      .tensor("a", {32}, 8, std::string(34, '\0'))
      .tensor("i", {1}, 27, std::string(8, '\1'));
  for (const std::uint32_t version : {2u, 3u}) {
    builder.version = version;
    const auto file = expect_read(builder.bytes());
    EXPECT_EQ(file->tensor_names, (std::vector<std::string>{"z", "a", "i"}));
    const TensorView* z = file->find_tensor("z");
    ASSERT_NE(z, nullptr);
    EXPECT_EQ(z->dtype, Dtype::f32);
    EXPECT_EQ(z->shape, (Shape{2, 3}));
    EXPECT_EQ(std::memcmp(z->data, weights.data(), weights.size()), 0);
    EXPECT_EQ(file->find_tensor("a")->dtype, Dtype::q8_0);
    EXPECT_EQ(file->find_tensor("i")->dtype, Dtype::i64);
    EXPECT_TRUE(file->warnings.empty());
  }
}

TEST(Gguf, EmptyFileHasNoArchitecture) {
  const auto file = expect_read(GgufBuilder().bytes());
  EXPECT_TRUE(file->architecture.empty());
  EXPECT_TRUE(file->tensors.empty());
}

TEST(Gguf, AlignmentsThatAreAllowed) {
  for (const std::uint32_t alignment : {4u, 64u, 4096u, 1u << 20}) {
    GgufBuilder builder;
    builder.alignment = alignment;
    builder.u32("general.alignment", alignment)
        .tensor("a", {3}, 0, std::string(12, '\0'))
        .tensor("b", {1}, 24, "x");
    const auto file = expect_read(builder.bytes());
    EXPECT_EQ(static_cast<char>(*file->find_tensor("b")->data), 'x') << alignment;
  }
  GgufBuilder bytes_only;
  bytes_only.alignment = 1;
  bytes_only.u32("general.alignment", 1).tensor("a", {3}, 24, "abc").tensor("b", {1}, 24, "x");
  EXPECT_EQ(static_cast<char>(*expect_read(bytes_only.bytes())->find_tensor("b")->data), 'x');
}

TEST(Gguf, ZeroElementsAreATensor) {
  for (const auto& dims : std::vector<std::vector<std::uint64_t>>{{0}, {0, 5}, {5, 0}, {2, 3, 0, 4}}) {
    GgufBuilder builder;
    builder.tensor("none", dims, 0, "").tensor("one", {1}, 0, number_bytes(1.0f));
    const auto file = expect_read(builder.bytes());
    EXPECT_EQ(file->find_tensor("none")->bytes(), 0u);
  }
}

TEST(Gguf, LastPaddingMayBeMissing) {
  GgufBuilder builder;
  builder.tensor("one", {1}, 0, number_bytes(1.0f));
  std::string bytes = builder.bytes();
  bytes.resize(bytes.size() - 28);
  EXPECT_TRUE(expect_read(bytes)->warnings.empty());
}

TEST(Gguf, TrailingBytesWarnAndStrictRefuses) {
  GgufBuilder builder;
  builder.tensor("one", {1}, 0, number_bytes(1.0f));
  const std::string bytes = builder.bytes() + "PK\x03\x04";
  const auto file = expect_read(bytes);
  ASSERT_EQ(file->warnings.size(), 1u);
  EXPECT_NE(file->warnings[0].find("4 bytes follow"), std::string::npos);
  test::expect_refused(bytes, {ErrorCode::invalid_file, "bytes follow the last tensor", ""},
                       {.strict = true});
}

TEST(Gguf, ReadsAWholeTinyModel) {
  const auto file = expect_read(test::tiny_model().bytes(), {.strict = true});
  EXPECT_EQ(file->architecture, "llama");
  EXPECT_EQ(file->tensor_names.size(), 2u + 2u * 9u);
  EXPECT_EQ(file->find_tensor("token_embd.weight")->shape, (Shape{300, 64}));
  EXPECT_EQ(file->find_tensor("blk.1.ffn_down.weight")->shape, (Shape{64, 128}));
  EXPECT_EQ(file->find_tensor("blk.0.attn_q.weight")->dtype, Dtype::q4_0);
}

TEST(GgufTypes, AgreeWithTheDtypesTheyName) {
  int offered = 0;
  for (std::uint32_t number = 0; number < 64; ++number) {
    const auto* type = gguf_tensor_type(number);
    if (type == nullptr || !type->dtype) continue;
    ++offered;
    EXPECT_EQ(type->block_elements, info(*type->dtype).block_elements) << type->name;
    EXPECT_EQ(type->block_bytes, info(*type->dtype).block_bytes) << type->name;
  }
  EXPECT_EQ(offered, 21);
}

}  // namespace
}  // namespace lathe
