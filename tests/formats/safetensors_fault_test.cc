// Hostile safetensors files.
#include <gtest/gtest.h>

#include <limits>
#include <random>

#include "lathe/error.h"
#include "safetensors_refusal.h"
#include "support/safetensors_builder.h"
#include "support/temporary_file.h"

namespace lathe {
namespace {

using test::expect_safetensors_read;
using test::expect_safetensors_refused;
using test::safetensors_file;
using test::SafetensorsBuilder;

std::string with_length(std::uint64_t length, std::string_view rest) {
  std::string bytes;
  for (int i = 0; i < 8; ++i) bytes += static_cast<char>((length >> (8 * i)) & 255);
  return bytes.append(rest);
}

/// One tensor "t" of 8 bytes, with some part of its entry replaced.
std::string entry(const std::string& dtype, const std::string& shape, const std::string& offsets,
                  std::size_t data_bytes = 8) {
  return safetensors_file(
      "{\"t\":{\"dtype\":" + dtype + ",\"shape\":" + shape + ",\"data_offsets\":" + offsets + "}}",
      std::string(data_bytes, '\0'));
}

TEST(SafetensorsFault, LengthOfTheHeader) {
  expect_safetensors_refused("", "the header's length");
  expect_safetensors_refused(std::string(7, '\0'), "the header's length");
  expect_safetensors_refused(with_length(0, ""), "not valid JSON");
  expect_safetensors_refused(with_length(3, "{}"), "the file ends inside the header");
  expect_safetensors_refused(with_length(100'000'000, "{}"), "the file ends inside the header");
  expect_safetensors_refused(with_length(100'000'001, "{}"), "over the limit");
  expect_safetensors_refused(with_length(std::numeric_limits<std::uint64_t>::max(), "{}"), "over the limit");
}

TEST(SafetensorsFault, HeaderThatIsNoObject) {
  expect_safetensors_refused(safetensors_file("\xff\xfe{}", ""), "not valid JSON");
  expect_safetensors_refused(safetensors_file("{\"\xff\":1}", ""), "not valid JSON");
  expect_safetensors_refused(safetensors_file("header", ""), "not valid JSON");
  expect_safetensors_refused(safetensors_file("{} {}", ""), "not valid JSON");
  expect_safetensors_refused(safetensors_file("{\"a\":", ""), "not valid JSON");
  for (const char* header : {"[]", "1", "null", "true", "\"text\"", "-1", "0.5"})
    expect_safetensors_refused(safetensors_file(header, ""), "must have an object");
  expect_safetensors_refused(safetensors_file("{\"t\":[]}", ""), "must have an object", "t");
  expect_safetensors_refused(safetensors_file("{\"t\":7}", ""), "must have an object", "t");
}

TEST(SafetensorsFault, DeepNesting) {
  expect_safetensors_refused(safetensors_file(std::string(100'000, '['), ""), "nested deeper");
  std::string objects;
  for (int i = 0; i < 100'000; ++i) objects += "{\"a\":";
  expect_safetensors_refused(safetensors_file(objects, ""), "nested deeper");
  expect_safetensors_refused(entry("\"F32\"", "[[2]]", "[0,8]"), "the shape holds an array", "t");
}

TEST(SafetensorsFault, KeysThatOccurTwice) {
  const auto twice = [](const std::string& a, const std::string& b) {
    return safetensors_file("{" + a + "," + b + "}", std::string(8, '\0'));
  };
  const std::string t = R"("t":{"dtype":"F32","shape":[1],"data_offsets":[0,4]})";
  expect_safetensors_refused(twice(t, t), "occurs twice", "t");
  expect_safetensors_refused(twice(t, R"("\u0074":{"dtype":"F32","shape":[1],"data_offsets":[4,8]})"),
                             "occurs twice", "t");
  expect_safetensors_refused(twice(R"("__metadata__":{})", R"("__metadata__":{})"), "occurs twice");
  for (const char* again : {R"("dtype":"F32")", R"("shape":[2])", R"("data_offsets":[0,8])"})
    expect_safetensors_refused(
        safetensors_file(
            std::string(R"({"t":{"dtype":"F32","shape":[2],"data_offsets":[0,8],)") + again + "}}",
            std::string(8, '\0')),
        "occurs twice", "t");
}

TEST(SafetensorsFault, AMillionEntries) {
  SafetensorsBuilder builder;
  std::string header = "{";
  for (int i = 0; i < 1'000'000; ++i)
    header += (i == 0 ? "\"t" : ",\"t") + std::to_string(i) +
              "\":{\"dtype\":\"U8\",\"shape\":[0],\"data_offsets\":[0,0]}";
  expect_safetensors_refused(safetensors_file(header + "}", ""), "too many tensors");
}

TEST(SafetensorsFault, ManyEntriesOfOneName) {
  std::string header = "{";
  for (int i = 0; i < 200'000; ++i)
    header +=
        std::string(i == 0 ? "" : ",") + "\"t\":{\"dtype\":\"U8\",\"shape\":[0],\"data_offsets\":[0,0]}";
  expect_safetensors_refused(safetensors_file(header + "}", ""), "occurs twice", "t");
}

TEST(SafetensorsFault, Shapes) {
  expect_safetensors_refused(entry("\"F32\"", "[2,18446744073709551614]", "[0,8]"), "over 2^63", "t");
  expect_safetensors_refused(entry("\"F32\"", "[2,9223372036854775807]", "[0,8]"), "2^63", "t");
  expect_safetensors_refused(entry("\"F32\"", "[4294967296,4294967296]", "[0,8]"), "2^63", "t");
  expect_safetensors_refused(entry("\"F32\"", "[0,4294967296,4294967296]", "[0,8]"), "2^63", "t");
  expect_safetensors_refused(entry("\"F32\"", "[2305843009213693952]", "[0,8]"), "2^64 bits", "t");
  expect_safetensors_refused(entry("\"F32\"", "[-2]", "[0,8]"), "a negative number", "t");
  expect_safetensors_refused(entry("\"F32\"", "[2.0]", "[0,8]"), "no integer", "t");
  expect_safetensors_refused(entry("\"F32\"", "[1e1]", "[0,8]"), "no integer", "t");
  expect_safetensors_refused(entry("\"F32\"", "[99999999999999999999]", "[0,8]"), "no integer or over 2^64",
                             "t");
  expect_safetensors_refused(entry("\"F32\"", "[\"2\"]", "[0,8]"), "a string", "t");
  expect_safetensors_refused(entry("\"F32\"", "[null]", "[0,8]"), "null", "t");
  expect_safetensors_refused(entry("\"F32\"", "2", "[0,8]"), "a number", "t");
  expect_safetensors_refused(entry("\"F32\"", "{}", "[0,8]"), "an object", "t");
  std::string dimensions = "[2";
  for (int i = 1; i < 300; ++i) dimensions += ",1";
  expect_safetensors_refused(entry("\"F32\"", dimensions + "]", "[0,8]"), "too many dimensions", "t");
}

TEST(SafetensorsFault, Offsets) {
  expect_safetensors_refused(entry("\"F32\"", "[2]", "[8,0]"), "descend", "t");
  expect_safetensors_refused(entry("\"F32\"", "[2]", "[0,9]"), "ends at 9 of 8", "t");
  expect_safetensors_refused(entry("\"F32\"", "[2]", "[0,18446744073709551615]"), "of 8 bytes", "t");
  expect_safetensors_refused(entry("\"F32\"", "[2]", "[18446744073709551608,18446744073709551615]"),
                             "of 8 bytes", "t");
  expect_safetensors_refused(entry("\"F32\"", "[1]", "[4,8]"), "behind a gap", "t");
  expect_safetensors_refused(entry("\"F32\"", "[2]", "[-1,7]"), "a negative number", "t");
  expect_safetensors_refused(entry("\"F32\"", "[2]", "[0]"), "fewer than two", "t");
  expect_safetensors_refused(entry("\"F32\"", "[2]", "[0,8,8]"), "more than two", "t");
  expect_safetensors_refused(entry("\"F32\"", "[2]", "[]"), "fewer than two", "t");
  expect_safetensors_refused(entry("\"F32\"", "[2]", "\"0,8\""), "a string", "t");
  const auto two = [](const std::string& first, const std::string& second) {
    return safetensors_file("{\"a\":{\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":" + first +
                                "},\"b\":{\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":" + second + "}}",
                            std::string(8, '\0'));
  };
  EXPECT_EQ(expect_safetensors_read(two("[4,8]", "[0,4]")).size(), 2u);
  expect_safetensors_refused(two("[0,4]", "[0,4]"), "inside the one before it", "b");
  expect_safetensors_refused(two("[0,4]", "[3,7]"), "inside the one before it", "b");
}

TEST(SafetensorsFault, ManyTensorsOnTheSameBytes) {
  std::string header = "{";
  for (int i = 0; i < 100'000; ++i)
    header += (i == 0 ? "\"t" : ",\"t") + std::to_string(i) +
              "\":{\"dtype\":\"U8\",\"shape\":[1024],\"data_offsets\":[0,1024]}";
  expect_safetensors_refused(safetensors_file(header + "}", std::string(1024, '\0')),
                             "inside the one before it");
}

TEST(SafetensorsFault, SizeShapeAndTypeMustAgree) {
  expect_safetensors_refused(entry("\"F32\"", "[1]", "[0,8]"), "has 8 bytes, and its shape and type 4", "t");
  expect_safetensors_refused(entry("\"F32\"", "[3]", "[0,8]"), "has 8 bytes, and its shape and type 12", "t");
  expect_safetensors_refused(entry("\"F64\"", "[2]", "[0,8]"), "16", "t");
  expect_safetensors_refused(entry("\"F32\"", "[]", "[0,8]"), "4", "t");
}

TEST(SafetensorsFault, DataOfAnotherLength) {
  const std::string whole = SafetensorsBuilder().floats("t", {2}, {1, 2}).bytes();
  EXPECT_EQ(expect_safetensors_read(whole).size(), 1u);
  expect_safetensors_refused(whole.substr(0, whole.size() - 1), "ends at 8 of 7", "t");
  expect_safetensors_refused(whole + "PK", "2 bytes follow the last tensor");
  expect_safetensors_refused(safetensors_file("{}", "x"), "1 bytes follow the last tensor");
}

TEST(SafetensorsFault, CutAnywhere) {
  const std::string whole =
      SafetensorsBuilder().floats("a.weight", {2, 2}, {1, 2, 3, 4}).floats("b", {1}, {5}).bytes();
  for (std::size_t size = 0; size < whole.size(); ++size)
    expect_safetensors_refused(whole.substr(0, size), "");
}

TEST(SafetensorsFault, PartsOfBytes) {
  expect_safetensors_refused(entry("\"F4\"", "[3]", "[0,1]", 1), "last byte is not whole", "t");
  expect_safetensors_refused(entry("\"F6_E2M3\"", "[3]", "[0,2]", 2), "last byte is not whole", "t");
  EXPECT_EQ(expect_safetensors_read(entry("\"F4\"", "[4]", "[0,2]", 2)).size(), 1u);
}

TEST(SafetensorsFault, TypesAndKeysThatAreNotKnown) {
  expect_safetensors_refused(entry("\"F31\"", "[2]", "[0,8]"), "'F31'", "t");
  expect_safetensors_refused(entry("\"f32\"", "[2]", "[0,8]"), "'f32'", "t");
  expect_safetensors_refused(entry("7", "[2]", "[0,8]"), "a number", "t");
  expect_safetensors_refused(
      safetensors_file(R"({"t":{"dtype":"F32","shape":[2],"data_offsets":[0,8],"x":1}})",
                       std::string(8, '\0')),
      "'x'", "t");
  expect_safetensors_refused(safetensors_file(R"({"t":{"dtype":"F32","shape":[2]}})", std::string(8, '\0')),
                             "no data_offsets", "t");
  expect_safetensors_refused(
      safetensors_file(R"({"t":{"shape":[2],"data_offsets":[0,8]}})", std::string(8, '\0')), "no dtype", "t");
  expect_safetensors_refused(
      safetensors_file(R"({"t":{"dtype":"F32","data_offsets":[0,8]}})", std::string(8, '\0')), "no shape",
      "t");
  expect_safetensors_refused(safetensors_file(R"({"":{"dtype":"U8","shape":[0],"data_offsets":[0,0]}})", ""),
                             "name");
  expect_safetensors_refused(
      safetensors_file(
          "{\"" + std::string(2000, 'n') + R"(":{"dtype":"U8","shape":[0],"data_offsets":[0,0]}})", ""),
      "too long");
}

TEST(SafetensorsFault, MetadataMustBeStrings) {
  EXPECT_TRUE(expect_safetensors_read(safetensors_file(R"({"__metadata__":{"format":"pt"}})", "")).empty());
  for (const char* value : {"1", "null", "[]", "{}", "true", "-1", "0.5"})
    expect_safetensors_refused(safetensors_file("{\"__metadata__\":{\"a\":" + std::string(value) + "}}", ""),
                               "not a string", "__metadata__");
  expect_safetensors_refused(safetensors_file(R"({"__metadata__":"x"})", ""), "must have an object",
                             "__metadata__");
}

TEST(SafetensorsFault, BitFlipsAreRefusedOrRead) {
  const std::string whole = SafetensorsBuilder()
                                .floats("layers.0.weight", {2, 3}, {1, 2, 3, 4, 5, 6})
                                .tensor("b", "BF16", {4}, std::string(8, 'x'))
                                .bytes();
  std::mt19937 random(11);
  for (int round = 0; round < 5'000; ++round) {
    std::string bytes = whole;
    for (auto flips = 1 + random() % 3; flips > 0; --flips) {
      const std::size_t at = random() % (whole.size() - 32);
      bytes[at] = static_cast<char>(bytes[at] ^ (1 << (random() % 8)));
    }
    const test::TemporaryFile file(bytes, ".safetensors");
    try {
      for (const auto& tensor : read_safetensors(MappedFile::open(file.path())))
        ASSERT_LE(tensor.bytes.size(), bytes.size());
    } catch (const Error& error) {
      ASSERT_EQ(error.code(), ErrorCode::invalid_file) << error.what();
    }
  }
}

}  // namespace
}  // namespace lathe
