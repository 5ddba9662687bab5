#include "base/json.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <chrono>

#include "base/error.h"

namespace lathe {
namespace {

Error refused(std::string_view text, int max_depth = 64, int max_members = 1 << 14) {
  try {
    parse_json(text, "the request", max_depth, max_members);
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::invalid_argument);
    EXPECT_THAT(error.what(), testing::HasSubstr("the request"));
    return error;
  }
  ADD_FAILURE() << "nothing was thrown for " << text.substr(0, 100);
  return Error(ErrorCode::internal, "");
}

TEST(Json, KeepsTheOrderOfMembers) {
  const auto json = parse_json(R"({"z": 1, "a": [true, null, "x"], "m": 0.1})", "the request");
  EXPECT_EQ(dump_json(json), R"({"z":1,"a":[true,null,"x"],"m":0.1})");
}

TEST(Json, RefusesWithTheByte) {
  EXPECT_EQ(refused("[1, x]").place().offset, 4u);
  EXPECT_EQ(refused("{\"a\" 1}").place().offset, 5u);
  for (const auto* text : {"", " ", "{", "[1,]", "{\"a\":1,}", "nul", "'a'", "[1] 2", "\"\xff\"", "\"\n\"",
                           "\"\\x\"", "\"\\ud800\"", "01", "+1", "NaN", "]", "}", "// c\n1"})
    refused(text);
}

TEST(Json, RefusesNumbersThatDoNotFit) {
  refused("1e999");
  refused("[-1e999]");
  EXPECT_EQ(parse_json("18446744073709551615", "n").get<std::uint64_t>(), 18446744073709551615u);
}

TEST(Json, BoundsDepth) {
  const auto nested = [](std::size_t depth) { return std::string(depth, '[') + std::string(depth, ']'); };
  EXPECT_NO_THROW(parse_json(nested(64), "x"));
  EXPECT_EQ(refused(nested(65)).place().offset, 64u);
  refused(std::string(1 << 20, '['));
  refused(std::string(1000, ']') + std::string(1 << 20, '['));
  std::string members;
  for (int i = 0; i < 65; ++i) members += "{\"a\":";
  refused(members);
  EXPECT_NO_THROW(parse_json("[\"" + std::string(1000, '[') + "\\\"" + std::string(1000, '{') + "\"]", "x"));
}

TEST(Json, BoundsMembersOfObjectsAlone) {
  EXPECT_NO_THROW(parse_json(R"({"a":1,"b":{"c":[1,2,3,4,5],"d":2},"e":3})", "x", 64, 3));
  refused(R"({"a":1,"b":2,"c":3,"d":4})", 64, 3);
  refused(R"([{"a":1,"b":2,"c":3,"d":4}])", 64, 3);
  std::string text = "{";
  for (int i = 0; i < 100000; ++i) text += "\"k" + std::to_string(i) + "\":0,";
  refused(text + "\"\":0}");
}

std::string many_members(int count) {
  std::string text = "{";
  for (int i = 0; i < count; ++i)
    text += (i == 0 ? "\"k" : ",\"k") + std::to_string(i) + "\":" + std::to_string(i);
  return text + "}";
}

Error refused_large(std::string_view text) {
  try {
    parse_large_json(text, "the document");
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::invalid_argument);
    EXPECT_THAT(error.what(), testing::HasSubstr("the document"));
    return error;
  }
  ADD_FAILURE() << "nothing was thrown for " << text.substr(0, 100);
  return Error(ErrorCode::internal, "");
}

TEST(LargeJson, ReadsWhatTheOtherReaderReads) {
  for (const auto* text : {"1", "null", "\"x\"", "[]", "{}", "[[],{},[{}]]",
                           R"({"b":{"c":[1,-2,0.5]},"a":[true,null]})", " {\"\": \"\\u00e9\\n\"} "})
    EXPECT_EQ(parse_large_json(text, "x"), parse_json(text, "x")) << text;
}

TEST(LargeJson, AMillionMembersTakeASecondAtMost) {
  const auto text = many_members(1'000'000);
  const auto start = std::chrono::steady_clock::now();
  const Json json = parse_large_json(text, "x");
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
  EXPECT_EQ(json.size(), 1'000'000u);
  std::int64_t next = 0;
  for (const auto& [key, value] : json.items()) ASSERT_EQ(value, next++) << key;
  EXPECT_LT(seconds.count(), 5.0);  // tenths of a second in the release build
}

TEST(LargeJson, RefusesAKeyThatOccursTwice) {
  EXPECT_EQ(refused_large(R"({"a":1,"b":2,"a":1})").place().field, "a");
  EXPECT_EQ(refused_large(R"([{"x":{"a":1,"\u0061":2}}])").place().field, "a");
  EXPECT_NO_THROW(parse_large_json(R"([{"a":1},{"a":{"a":1}}])", "x"));
  auto text = many_members(100'000);
  text.pop_back();
  EXPECT_EQ(refused_large(text + ",\"k7\":0}").place().field, "k7");
}

TEST(LargeJson, RefusesWhatIsNoJson) {
  EXPECT_EQ(refused_large("[1, x]").place().offset, 4u);
  refused_large(std::string(100'000, '['));
  refused_large("1e999");
  for (const auto* text : {"", "{", "[1,]", "[1] 2", "\"\xff\"", "{\"a\" 1}"}) refused_large(text);
}

TEST(Json, AnyBytesAreAValueOrAnError) {
  EXPECT_TRUE(rc::check([] {
    const auto text = *rc::gen::container<std::string>(
        rc::gen::element<char>('{', '}', '[', ']', '"', ':', ',', '1', 'e', '\\', 'u', '\xff', 't', ' '));
    try {
      const auto value = parse_json(text, "x");
      RC_ASSERT(parse_large_json(dump_json(value), "x") == value);
      RC_ASSERT(dump_json(parse_json(dump_json(value), "again")) == dump_json(value));
    } catch (const Error& error) {
      RC_ASSERT(error.code() == ErrorCode::invalid_argument);
    }
  }));
}

TEST(Json, DumpsBrokenUtf8AsReplacementCharacters) {
  const Json json = {{"text",
                      "a\xff"
                      "b"}};
  EXPECT_EQ(dump_json(json),
            "{\"text\":\"a\xef\xbf\xbd"
            "b\"}");
}

}  // namespace
}  // namespace lathe
