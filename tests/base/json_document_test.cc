#include "base/json_document.h"

#include <gmock/gmock.h>

#include <ctime>

#include "base/error.h"

namespace lathe {
namespace {

using testing::HasSubstr;

void expect_refused(const std::string& text, const std::string& part,
                    ErrorCode code = ErrorCode::invalid_file) {
  try {
    const JsonDocument document(text, "file.json");
    ADD_FAILURE() << "accepted " << printable(text);
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), code) << error.what();
    EXPECT_THAT(error.what(), HasSubstr(part));
    EXPECT_EQ(error.place().file, "file.json");
  }
}

TEST(JsonDocument, KeepsValuesInTheOrderOfTheFile) {
  const JsonDocument document(R"({"b": [1, -2.5, "x\u00e9", null, true], "a": {}, "": "\ud83d\ude00"})", "f");
  const JsonView root = document.root();
  std::vector<std::string> keys;
  for (const JsonView member : root) keys.emplace_back(member.key());
  EXPECT_THAT(keys, testing::ElementsAre("b", "a", ""));
  auto item = root.at("b").begin();
  EXPECT_EQ((*item).integer(0, 1), 1);
  EXPECT_EQ((*++item).real(), -2.5);
  EXPECT_EQ((*++item).text(), "xé");
  EXPECT_TRUE((*++item).is_null());
  EXPECT_TRUE((*++item).boolean());
  EXPECT_EQ(root.at("b").size(), 5u);
  EXPECT_EQ(root.at("").text(), "😀");
  EXPECT_FALSE(root.find("c"));
  EXPECT_FALSE(root.at("a").find("c"));
}

TEST(JsonDocument, NamesThePlaceOfWhatIsWrong) {
  const JsonDocument document(R"({"a": {"b": [0, {"c": "text"}]}, "n": null})", "f");
  JsonView value = *++document.root().at("a").at("b").begin();
  try {
    value.at("c").integer(0, 1);
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.place().field, "a.b[1].c");
    EXPECT_THAT(error.what(), HasSubstr("must be an integer"));
  }
  EXPECT_THROW(value.at("d"), Error);
  EXPECT_THROW(document.root().at("n"), Error);
  EXPECT_THROW((*document.root().at("a").at("b").begin()).integer(1, 2), Error);
  EXPECT_THROW(value.at("c").find("x"), Error);
}

TEST(JsonDocument, RefusesWhatIsNotJson) {
  for (const char* text :
       {"", "{", "[1,]", "{\"a\" 1}", "nul", "1 2", "\"\xFF\"", "{\"a\": 1e999}", "01", "'a'"})
    expect_refused(text, "not JSON");
}

TEST(JsonDocument, RefusesDepthAndKeysThatComeTwice) {
  expect_refused(std::string(100'000, '['), "nests deeper than 64");
  expect_refused(R"({"a": {"k": 1, "l": 2, "k": 1}})", "'k' comes twice");
  expect_refused(std::string((std::size_t{1} << 27) + 1, ' '), "134217728", ErrorCode::resource_limit);
}

TEST(JsonDocument, LargeObjectsTakeLittleTime) {
  std::string text = "{";
  for (int i = 0; i < 500'000; ++i) text += "\"key" + std::to_string(i) + "\":" + std::to_string(i) + ",";
  text += "\"last\":0}";
  const std::clock_t start = std::clock();
  const JsonDocument document(text, "f");
  EXPECT_EQ(document.root().size(), 500'001u);
  EXPECT_LT(std::clock() - start, 2 * CLOCKS_PER_SEC);
}

}  // namespace
}  // namespace lathe
