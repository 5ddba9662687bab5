// Programs on texts: inputs that come and go, executions beside each other, and what is refused.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

#include "lathe/execute.h"
#include "support/temporary_file.h"

namespace lathe {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

Tensor texts(std::vector<std::string> values) {
  Tensor tensor{"string", {std::ssize(values)}, {}};
  tensor.texts = std::move(values);
  return tensor;
}

class StringProgram : public testing::Test {
 protected:
  Program load(const std::string& body) {
    file_.write("graph g {\n" + body + "}\n");
    options_.file = file_.path();
    options_.model_options.threads = 1;
    return Program::load(options_);
  }

  void expect_refused(const std::function<void()>& action, ErrorCode code, const std::string& message) {
    try {
      action();
      ADD_FAILURE() << "accepted, and should be refused: " << message;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), code) << error.what();
      EXPECT_THAT(error.what(), HasSubstr(message));
    }
  }

  test::TemporaryFile file_{"", ".graph"};
  ProgramOptions options_;
};

constexpr const char* kTwice =
    "%x: string[N] = input\n%y: string[N] = StringConcat(%x, %x)\n%same: bool[N] = Equal(%x, %y)\n"
    "return y = %y, same = %same, x = %x\n";

TEST_F(StringProgram, TakesOtherTextsInTheNextRun) {
  options_.sizes = {{"N", 3}};
  Execution execution = load(kTwice).execution();
  execution.set_input("x", texts({"a", "", "ü"}));
  execution.run();
  EXPECT_THAT(execution.output("y").texts, ElementsAre("aa", "", "üü"));
  EXPECT_EQ(numbers(execution.output("same")), (std::vector<double>{0, 1, 0}));
  execution.set_input("x", texts({"longer than what lies in a string itself", "aa"}));
  for (int i = 0; i < 3; ++i) {
    execution.run();
    EXPECT_THAT(execution.output("x").texts, ElementsAre("longer than what lies in a string itself", "aa"));
    EXPECT_EQ(execution.output("y").texts.at(1), "aaaa");
    execution.run(false);  // on the inputs that are there
  }
}

TEST_F(StringProgram, RunsBesideItself) {
  options_.sizes = {{"N", 1}};
  const Program program = load(kTwice);
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i)
    threads.emplace_back([&program, i] {
      Execution execution = program.execution(1);
      for (int k = 0; k < 50; ++k) {
        const std::string text = std::to_string(i) + " " + std::to_string(k);
        execution.set_input("x", texts({text}));
        execution.run();
        EXPECT_EQ(execution.output("y").texts.at(0), text + text);
      }
    });
  for (auto& thread : threads) thread.join();
}

TEST_F(StringProgram, RefusesInputsThatAreNoTexts) {
  const std::string twice = "%x: string[2] = input\n%y: string[2] = StringConcat(%x, %x)\nreturn y = %y\n";
  const auto give = [&](Tensor tensor) {
    return [&, tensor] { load(twice).execution().set_input("x", tensor); };
  };
  constexpr auto kInvalid = ErrorCode::invalid_argument;
  Tensor fewer = texts({"a", "b"});
  fewer.texts.pop_back();
  expect_refused(give(fewer), kInvalid, "x is string[2], and 1 texts were given");
  expect_refused(give(texts({"a"})), kInvalid, "string[1] was given");
  expect_refused(give({"i64", {2}, std::vector<std::byte>(16)}), kInvalid, "i64[2] was given");
  expect_refused(
      [&] {
        Execution execution = load(twice).execution();
        execution.set_input("x", texts({"a", "\xc3"}));
        execution.run();
      },
      kInvalid, "text 1 of x is not UTF-8");
}

TEST_F(StringProgram, RefusesConstantsThatAreTexts) {
  options_.constants = {{"c", texts({"a", "b"})}};
  expect_refused([&] { load("%c: string[2] = constant\n%y: string[2] = Identity(%c)\nreturn y = %y\n"); },
                 ErrorCode::invalid_file, "the op Strings makes them of bytes");
}

TEST(StringComparison, CountsTextsThatDiffer) {
  const auto a = texts({"a", "b", "c"});
  const Comparison same = compare({{"t", a}}, {{"t", a}}, Tolerance{});
  EXPECT_TRUE(same.within);
  EXPECT_TRUE(same.tensors.at(0).equal);
  const Comparison other = compare({{"t", a}}, {{"t", texts({"a", "B", "C"})}}, Tolerance{1e9, 1e9});
  EXPECT_FALSE(other.within);
  EXPECT_EQ(other.tensors.at(0).different, 2);
  EXPECT_EQ(other.tensors.at(0).elements, 3);
  EXPECT_THAT(other.tensors.at(0).first, ElementsAre(1));
  const Tensor numbers_too{"u8", {3}, std::vector<std::byte>(3)};
  const Comparison mixed = compare({{"t", a}}, {{"t", numbers_too}}, Tolerance{});
  EXPECT_FALSE(mixed.within);
  EXPECT_THAT(mixed.notes.at(0), HasSubstr("of string in A, and of u8 in B"));
}

}  // namespace
}  // namespace lathe
