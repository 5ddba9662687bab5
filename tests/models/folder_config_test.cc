// config.json key by key: types and ranges, what is refused with key and value, and what is listed.
#include "models/folder_config.h"

#include <gtest/gtest.h>

#include <functional>

#include "lathe/error.h"

namespace lathe {
namespace {

void expect_refused(const std::string& text, const std::function<void(FolderConfig&)>& read, ErrorCode code,
                    const std::string& field, const std::string& part) {
  const Json json = parse_json(text, "config");
  FolderConfig config(json, "config.json");
  try {
    read(config);
    ADD_FAILURE() << text << " was accepted, expected: " << part;
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), code) << error.what();
    EXPECT_EQ(error.place().file, "config.json");
    EXPECT_EQ(error.place().field, field) << error.what();
    EXPECT_NE(std::string(error.what()).find(part), std::string::npos) << error.what();
  }
}

const auto kInteger = [](FolderConfig& config) { config.integer("a", 1, 8); };
const auto kReal = [](FolderConfig& config) { config.real("a"); };
const auto kFinish = [](FolderConfig& config) { config.finish(); };

TEST(FolderConfig, Numbers) {
  const Json json = parse_json(R"({"a": 3, "b": 0.5, "c": null, "d": true, "e": "x"})", "config");
  FolderConfig config(json, "config.json");
  EXPECT_EQ(config.integer("a", 1, 8), 3);
  EXPECT_EQ(config.real("a"), 3.0);
  EXPECT_EQ(config.real("b"), 0.5);
  EXPECT_EQ(config.integer_or("c", 7, 1, 8), 7);
  EXPECT_EQ(config.real_or("missing", 2.5), 2.5);
  EXPECT_TRUE(config.boolean_or("d", false));
  EXPECT_EQ(config.text("e"), "x");
  EXPECT_FALSE(config.has("c"));
  EXPECT_TRUE(config.finish().empty());
}

TEST(FolderConfig, NumbersThatAreNone) {
  for (const char* text : {R"({"a": "3"})", R"({"a": 3.0})", R"({"a": true})", R"({"a": []})", R"({"a": {}})",
                           R"({"a": 99999999999999999999})"})
    expect_refused(text, kInteger, ErrorCode::invalid_model, "a", "must be an integer");
  for (const char* text : {R"({"a": 0})", R"({"a": -3})", R"({"a": 9})", R"({"a": 18446744073709551615})"})
    expect_refused(text, kInteger, ErrorCode::invalid_model, "a", "is not from 1 to 8");
  expect_refused("{}", kInteger, ErrorCode::invalid_model, "a", "missing");
  expect_refused(R"({"a": null})", kInteger, ErrorCode::invalid_model, "a", "missing");
  for (const char* text : {R"({"a": "0.5"})", R"({"a": false})", R"({"a": [1]})"})
    expect_refused(text, kReal, ErrorCode::invalid_model, "a", "must be a finite number");
}

TEST(FolderConfig, ListsAndObjects) {
  const Json json = parse_json(R"({"a": [1, 0.5], "b": ["x"], "c": {"d": 4}})", "config");
  FolderConfig config(json, "config.json");
  EXPECT_EQ(config.reals("a"), (std::vector<double>{1, 0.5}));
  EXPECT_EQ(config.texts("b"), (std::vector<std::string>{"x"}));
  auto object = config.object("c");
  ASSERT_TRUE(object);
  EXPECT_EQ(object->integer("d", 0, 9), 4);
  EXPECT_EQ(object->keys(), (std::vector<std::string>{"d"}));
  EXPECT_FALSE(config.object("missing"));
  expect_refused(R"({"a": [1, "2"]})", [](FolderConfig& c) { c.reals("a"); }, ErrorCode::invalid_model, "a",
                 "\"2\"");
  expect_refused(R"({"a": {"b": 1.5}})", [](FolderConfig& c) { c.object("a")->integer("b", 0, 1); },
                 ErrorCode::invalid_model, "a.b", "1.5");
  expect_refused(R"({"a": 1})", [](FolderConfig& c) { c.object("a"); }, ErrorCode::invalid_model, "a",
                 "object");
}

TEST(FolderConfig, ValuesThatAreComputedInOneWayAlone) {
  const auto expect_silu = [](FolderConfig& config) { config.expect("hidden_act", {"silu", "swish"}); };
  const Json json = parse_json(R"({"hidden_act": "swish", "other": null})", "config");
  FolderConfig config(json, "config.json");
  expect_silu(config);
  config.expect("other", {1});
  EXPECT_TRUE(config.finish().empty());
  expect_refused(R"({"hidden_act": "relu"})", expect_silu, ErrorCode::unsupported, "hidden_act",
                 "the value \"relu\" is not supported");
  expect_refused(R"({"hidden_act": {"a": 1}})", expect_silu, ErrorCode::unsupported, "hidden_act",
                 R"({"a":1})");
}

TEST(FolderConfig, UnreadKeysThatSoundLikeArithmeticAreRefused) {
  for (const char* key : {"logit_shift", "rope_magic", "attention_sink", "norm_after", "hidden_gate",
                          "moe_twist", "residual_alpha", "expert_bias", "window_size"})
    expect_refused("{\"" + std::string(key) + "\": 0.25}", kFinish, ErrorCode::unsupported, key, "0.25");
  expect_refused(R"({"layer_twist": true})", kFinish, ErrorCode::unsupported, "layer_twist", "true");
}

TEST(FolderConfig, UnreadKeysThatChangeNothingAreListed) {
  const Json json =
      parse_json(R"({"torch_dtype": "bfloat16", "attention_dropout": 0.1, "my_note": "x", "auto_map": {},
      "logit_shift": null, "rope_magic": false, "layer_list": [], "norm_name": "", "temperature": 1.0, "read": 1,
      "output_attentions": true, "chunk_size_feed_forward": 0})",
                 "config");
  FolderConfig config(json, "config.json");
  config.ignore({"read"});
  const auto unused = config.finish();
  EXPECT_EQ(unused.size(), json.size() - 1);
  EXPECT_EQ(unused.front(), "torch_dtype");
}

TEST(FolderConfig, ObjectsListTheirUnreadKeysToo) {
  const Json json = parse_json(R"({"outer": {"inner": {"note": 1, "read": 2}, "remark": 3}})", "config");
  FolderConfig config(json, "config.json");
  auto outer = config.object("outer");
  auto inner = outer->object("inner");
  inner->ignore({"read"});
  outer->finish_object(*inner);
  config.finish_object(*outer);
  EXPECT_EQ(config.finish(), (std::vector<std::string>{"outer.inner.note", "outer.remark"}));
  expect_refused(R"({"outer": {"gate_twist": 2}})",
                 [](FolderConfig& c) { c.finish_object(*c.object("outer")); }, ErrorCode::unsupported,
                 "outer.gate_twist", "2");
}

TEST(FolderConfig, ValuesAboveZero) {
  for (const char* value : {"0", "-0.5"})
    expect_refused(
        "{\"rope_theta\": " + std::string(value) + "}", [](FolderConfig& c) { c.positive("rope_theta"); },
        ErrorCode::invalid_model, "rope_theta",
        "the value " + std::string(value) + " must be greater than 0");
}

TEST(FolderConfig, FalseThatIsAnotherModel) {
  expect_refused(R"({"is_causal": false})", kFinish, ErrorCode::unsupported, "is_causal", "false");
}

TEST(FolderConfig, OnlyObjects) {
  const Json json = parse_json("[1]", "config");
  EXPECT_THROW(FolderConfig(json, "config.json"), Error);
}

}  // namespace
}  // namespace lathe
