// Typed access to metadata: type and range are checked where a value is used, and errors name the key.
#include "formats/checkpoint.h"

#include <gtest/gtest.h>

#include <functional>
#include <limits>

#include "lathe/error.h"

namespace lathe {
namespace {

Checkpoint sample() {
  Checkpoint checkpoint;
  checkpoint.file = "model.gguf";
  checkpoint.metadata = {
      {"minus", std::int64_t{-3}},
      {"ten", std::uint64_t{10}},
      {"huge", std::numeric_limits<std::uint64_t>::max()},
      {"half", 0.5},
      {"nan", std::numeric_limits<double>::quiet_NaN()},
      {"infinite", std::numeric_limits<double>::infinity()},
      {"yes", true},
      {"name", std::string("lathe")},
      {"names", std::vector<std::string>{"a", "b"}},
      {"reals", std::vector<double>{1.5}},
      {"integers", std::vector<std::int64_t>{1, 2}},
  };
  checkpoint.tensors.emplace("w", TensorView{nullptr, Dtype::f16, {2, 3}});
  return checkpoint;
}

void expect_error(std::string_view key, const std::function<void()>& access) {
  try {
    access();
    ADD_FAILURE() << key << " was accepted";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::invalid_model);
    EXPECT_EQ(error.place().file, "model.gguf");
    EXPECT_EQ(error.place().field, key);
    EXPECT_NE(std::string(error.what()).find(key), std::string::npos) << error.what();
  }
}

TEST(Checkpoint, ReadsWhatIsThere) {
  const Checkpoint checkpoint = sample();
  EXPECT_TRUE(checkpoint.has("ten"));
  EXPECT_FALSE(checkpoint.has("eleven"));
  EXPECT_EQ(checkpoint.integer("ten", 1, 10), 10);
  EXPECT_EQ(checkpoint.integer("minus", -3, 0), -3);
  EXPECT_EQ(checkpoint.integer_or("eleven", 11, 0, 1), 11);
  EXPECT_EQ(checkpoint.real("half"), 0.5);
  EXPECT_EQ(checkpoint.real("ten"), 10.0);
  EXPECT_EQ(checkpoint.real("minus"), -3.0);
  EXPECT_EQ(checkpoint.real_or("eleven", 1.25), 1.25);
  EXPECT_TRUE(checkpoint.boolean_or("yes", false));
  EXPECT_TRUE(checkpoint.boolean_or("eleven", true));
  EXPECT_EQ(checkpoint.text("name"), "lathe");
  EXPECT_EQ(checkpoint.optional_text("eleven"), std::nullopt);
  EXPECT_EQ(checkpoint.strings("names")->size(), 2u);
  EXPECT_EQ(checkpoint.reals("reals")->front(), 1.5);
  EXPECT_EQ(checkpoint.integers("integers")->back(), 2);
  EXPECT_EQ(checkpoint.integers("eleven"), nullptr);
  EXPECT_EQ(checkpoint.find_tensor("w")->shape, (Shape{2, 3}));
  EXPECT_EQ(checkpoint.find_tensor("v"), nullptr);
}

TEST(Checkpoint, RefusesWhatDoesNotFit) {
  const Checkpoint checkpoint = sample();
  expect_error("eleven", [&] { checkpoint.integer("eleven", 0, 1); });
  expect_error("ten", [&] { checkpoint.integer("ten", 1, 9); });
  expect_error("minus", [&] { checkpoint.integer("minus", 0, 9); });
  expect_error("huge", [&] { checkpoint.integer("huge", -1, std::numeric_limits<std::int64_t>::max()); });
  expect_error("half", [&] { checkpoint.integer("half", 0, 1); });
  expect_error("yes", [&] { checkpoint.integer_or("yes", 0, 0, 1); });
  expect_error("eleven", [&] { checkpoint.real("eleven"); });
  expect_error("nan", [&] { checkpoint.real("nan"); });
  expect_error("infinite", [&] { checkpoint.real_or("infinite", 1.0); });
  expect_error("name", [&] { checkpoint.real("name"); });
  expect_error("ten", [&] { checkpoint.boolean_or("ten", false); });
  expect_error("eleven", [&] { checkpoint.text("eleven"); });
  expect_error("ten", [&] { checkpoint.text("ten"); });
  expect_error("names", [&] { checkpoint.optional_text("names"); });
  expect_error("name", [&] { checkpoint.strings("name"); });
  expect_error("integers", [&] { checkpoint.reals("integers"); });
  expect_error("reals", [&] { checkpoint.integers("reals"); });
}

TEST(Checkpoint, KeysThatNobodyAskedForAreKnown) {
  const Checkpoint checkpoint = sample();
  EXPECT_EQ(checkpoint.unread_keys("n"), (std::vector<std::string>{"name", "names", "nan"}));
  checkpoint.text("name");
  checkpoint.real_or("nothing", 1);
  EXPECT_EQ(checkpoint.unread_keys("n"), (std::vector<std::string>{"names", "nan"}));
}

}  // namespace
}  // namespace lathe
