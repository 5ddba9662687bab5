// Hostile keys and values.
#include <gtest/gtest.h>

#include <limits>

#include "allocation_probe.h"
#include "refusal.h"
#include "support/gguf_builder.h"
#include "support/temporary_file.h"

namespace lathe {
namespace {

using test::expect_read;
using test::expect_refused;
using test::GgufBuilder;
using test::GgufType;
using test::number_bytes;
using test::string_bytes;

constexpr ErrorCode kInvalid = ErrorCode::invalid_file;
constexpr std::uint64_t kMost = std::numeric_limits<std::uint64_t>::max();

std::uint32_t type_number(GgufType type) { return static_cast<std::uint32_t>(type); }

// A file of one key whose bytes are `entry`.
std::string with_entry(const std::string& entry) {
  GgufBuilder builder;
  builder.key_count = 1;
  builder.alignment = 0;
  return builder.bytes() + entry;
}

TEST(GgufMetadataFault, KeyLengths) {
  const std::string rest(70'000, 'k');
  expect_refused(with_entry(number_bytes(kMost) + rest), {kInvalid, "over the limit", "key 0"});
  expect_refused(with_entry(number_bytes(std::uint64_t{65'537}) + rest),
                 {kInvalid, "over the limit", "key 0"});
  expect_refused(with_entry(number_bytes(std::uint64_t{1000}) + "too short"),
                 {kInvalid, "ends inside a key", "key 0"});
}

TEST(GgufMetadataFault, KeysThatAreNoText) {
  for (const std::string& key : {std::string(), std::string("a\0b", 3), std::string("\xff\xfe"),
                                 std::string("a\nb"), std::string("\x1b[2J"), std::string("\xc3")})
    expect_refused(GgufBuilder().u32(key, 1).bytes(), {kInvalid, "is not a valid key", "key 0"});
  expect_refused(GgufBuilder().u32("\x1b[2J", 1).bytes(), {kInvalid, "'\\x1b[2J'", ""});
}

TEST(GgufMetadataFault, KeysThatOccurTwice) {
  expect_refused(GgufBuilder().u32("twice", 1).u32("twice", 1).bytes(), {kInvalid, "occurs twice", "twice"});
  expect_refused(GgufBuilder().u32("twice", 1).text("twice", "x").bytes(),
                 {kInvalid, "occurs twice", "twice"});
}

TEST(GgufMetadataFault, ValueTypesThatAreNotKnown) {
  for (const std::uint32_t type : {13u, 0xffffffffu, 1u << 31}) {
    expect_refused(GgufBuilder().raw("odd", type, std::string(16, '\0')).bytes(),
                   {kInvalid, "is not known", "odd"});
    expect_refused(
        GgufBuilder().raw_array("odd", static_cast<GgufType>(type), 1, std::string(16, '\0')).bytes(),
        {kInvalid, "is not known", "odd"});
  }
}

TEST(GgufMetadataFault, ArraysOfArrays) {
  for (const int depth : {1, 100'000}) {
    std::string nested;
    for (int i = 0; i < depth; ++i)
      nested += number_bytes(type_number(GgufType::array)) + number_bytes(std::uint64_t{1});
    expect_refused(GgufBuilder().raw("deep", type_number(GgufType::array), nested).bytes(),
                   {kInvalid, "arrays of arrays", "deep"});
  }
}

TEST(GgufMetadataFault, LengthsCostNoMemory) {
  // The file is 160 bytes, and its word is not worth 64 KiB: read_gguf is counted with the error it makes.
  const auto expect_cheap = [](const std::string& bytes) {
    const test::TemporaryFile file(bytes);
    const test::AllocationProbe probe;
    EXPECT_THROW(read_gguf(file.path()), Error);
    EXPECT_LT(probe.allocated_bytes(), 65'536u);
  };
  const std::uint32_t text = type_number(GgufType::string);
  const std::string padding(100, '\0');
  for (const std::uint64_t length :
       {std::uint64_t{1} << 30, std::uint64_t{1} << 24, std::uint64_t{1} << 61, kMost}) {
    expect_cheap(GgufBuilder().raw("t", text, number_bytes(length) + padding).bytes());
    for (const GgufType element :
         {GgufType::u8, GgufType::i64, GgufType::string, GgufType::f32, GgufType::boolean})
      expect_cheap(GgufBuilder().raw_array("a", element, length, padding).bytes());
  }
  expect_refused(GgufBuilder().raw("t", text, number_bytes(std::uint64_t{1} << 30)).bytes(),
                 {kInvalid, "over the limit", "t"});
  expect_refused(GgufBuilder().raw_array("a", GgufType::i64, std::uint64_t{1} << 61, "").bytes(),
                 {kInvalid, "array elements cannot fit", "a"});
}

TEST(GgufMetadataFault, ManyEmptyStringsThenTheEnd) {
  std::string elements(8'000'000, '\0');  // 1e6 strings of no bytes
  GgufBuilder builder;
  builder.raw_array("many", GgufType::string, 1'000'001, elements);
  builder.alignment = 0;
  expect_refused(builder.bytes(), {kInvalid, "cannot fit", "many"});
  elements.replace(elements.size() - 8, 8, number_bytes(std::uint64_t{9}));
  GgufBuilder cut;
  cut.raw_array("many", GgufType::string, 1'000'000, elements);
  cut.alignment = 0;
  expect_refused(cut.bytes(), {kInvalid, "ends inside a string value", "many"});
}

TEST(GgufMetadataFault, ArraysOverTheLimit) {
  const std::uint64_t count = (16u << 20) + 1;
  expect_refused(GgufBuilder().raw_array("a", GgufType::u8, count, std::string(count, '\0')).bytes(),
                 {kInvalid, "too long", "a"});
}

TEST(GgufMetadataFault, Alignments) {
  for (const std::uint32_t alignment : {0u, 3u, 13u, 1u << 30, 1u << 31, (1u << 20) + 1})
    expect_refused(GgufBuilder().u32("general.alignment", alignment).bytes(),
                   {ErrorCode::invalid_model, "", "general.alignment"});
}

TEST(GgufMetadataFault, KnownKeysOfAnotherType) {
  expect_refused(GgufBuilder().raw("general.alignment", 5, number_bytes(std::int32_t{32})).bytes(),
                 {kInvalid, "must be of type u32, not i32", "general.alignment"});
  expect_refused(GgufBuilder().raw("general.alignment", 10, number_bytes(std::uint64_t{32})).bytes(),
                 {kInvalid, "must be of type u32, not u64", "general.alignment"});
  expect_refused(GgufBuilder().text("general.alignment", "32").bytes(),
                 {kInvalid, "must be of type u32, not string", "general.alignment"});
  expect_refused(GgufBuilder().i32s("general.alignment", {32}).bytes(),
                 {kInvalid, "must be of type u32, not an array of i32", "general.alignment"});
  expect_refused(GgufBuilder().u32("general.architecture", 1).bytes(),
                 {kInvalid, "must be of type string", "general.architecture"});
  expect_refused(GgufBuilder().raw_array("tokenizer.ggml.token_type", GgufType::u8, 1, "\1").bytes(),
                 {kInvalid, "must be an array of i32, not an array of u8", "tokenizer.ggml.token_type"});
  expect_refused(GgufBuilder().raw_array("tokenizer.ggml.scores", GgufType::u8, 1, "\1").bytes(),
                 {kInvalid, "must be an array of f32", "tokenizer.ggml.scores"});
  expect_refused(GgufBuilder().text("tokenizer.ggml.tokens", "a").bytes(),
                 {kInvalid, "must be an array of string, not string", "tokenizer.ggml.tokens"});
}

TEST(GgufMetadataFault, BooleansThatAreNoBoolean) {
  for (const char value : {'\2', '\xff'}) {
    expect_refused(GgufBuilder().raw("b", type_number(GgufType::boolean), std::string(1, value)).bytes(),
                   {kInvalid, "a boolean is", "b"});
    expect_refused(GgufBuilder().raw_array("b", GgufType::boolean, 1, std::string(1, value)).bytes(),
                   {kInvalid, "a boolean is", "b"});
  }
}

TEST(GgufMetadataFault, ArrayElementsOver63Bits) {
  expect_refused(GgufBuilder().raw_array("a", GgufType::u64, 1, number_bytes(kMost)).bytes(),
                 {kInvalid, "over 2^63 - 1", "a"});
}

TEST(GgufMetadataFault, LongArchitectureIsCutInMessages) {
  const auto file =
      expect_read(GgufBuilder().text("general.architecture", std::string(1u << 20, 'x')).bytes());
  EXPECT_EQ(file->architecture.size(), 1u << 20);
}

}  // namespace
}  // namespace lathe
