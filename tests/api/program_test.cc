// Programs from graphs in text form: what runs, and which indices are let through to kernels.
#include <gtest/gtest.h>

#include <cstring>
#include <thread>

#include "lathe/build.h"
#include "lathe/execute.h"
#include "support/temporary_file.h"

namespace lathe {
namespace {

Tensor floats(const std::vector<float>& values, std::vector<std::int64_t> shape) {
  Tensor tensor{"f32", std::move(shape), std::vector<std::byte>(values.size() * sizeof(float))};
  std::memcpy(tensor.bytes.data(), values.data(), tensor.bytes.size());
  return tensor;
}

Tensor indices(const std::vector<std::int32_t>& values) {
  Tensor tensor{"i32", {std::ssize(values)}, std::vector<std::byte>(values.size() * sizeof(std::int32_t))};
  std::memcpy(tensor.bytes.data(), values.data(), tensor.bytes.size());
  return tensor;
}

class ProgramTest : public testing::Test {
 protected:
  Program load(const std::string& body) {
    file_.write("graph g {\n" + body + "}\n");
    options_.file = file_.path();
    options_.model_options.threads = 2;
    return Program::load(options_);
  }

  void expect_refused(const std::string& body, ErrorCode code, const std::string& message) {
    try {
      load(body);
      ADD_FAILURE() << "loaded, and should be refused: " << message;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), code) << error.what();
      EXPECT_NE(std::string(error.what()).find(message), std::string::npos) << error.what();
    }
  }

  test::TemporaryFile file_{"", ".graph"};
  ProgramOptions options_;
};

constexpr const char* kSum =
    "%x: f32[N, 2] = input\n%y: f32[N, 2] = Add(%x, %x)\n%z: f32[N, 2] = Add(%y, %x)\nreturn z = %z\n";

TEST_F(ProgramTest, RunsSmallerInputsThanItWasLoadedFor) {
  options_.sizes = {{"N", 3}};
  Execution execution = load(kSum).execution();  // which keeps what it needs of the program
  execution.set_input("x", floats({1, 2, 3, 4}, {2, 2}));
  execution.run();
  EXPECT_EQ(numbers(execution.output("z")), (std::vector<double>{3, 6, 9, 12}));
  execution.set_input("x", floats({5, 6}, {1, 2}));
  execution.run();
  EXPECT_EQ(numbers(execution.output("z")), (std::vector<double>{15, 18}));
  execution.set_input("x", floats(std::vector<float>(8), {4, 2}));
  EXPECT_THROW(execution.run(), Error);
  EXPECT_THROW(execution.set_input("x", floats({1}, {1})), Error);
  EXPECT_THROW(execution.set_input("y", floats({1, 2}, {1, 2})), Error);
  EXPECT_THROW(execution.output("y"), Error);
}

TEST_F(ProgramTest, BytesMustBeThoseOfTheShape) {
  Tensor wrong = floats({1, 2, 3, 4}, {2, 2});
  wrong.bytes.resize(8);
  options_.inputs = {{"x", wrong}};
  expect_refused(kSum, ErrorCode::invalid_argument, "8 bytes were given");
}

TEST_F(ProgramTest, ShowsTensorsInsideOnlyWhereTheyAreKept) {
  options_.inputs = {{"x", floats({1, 2}, {1, 2})}};
  {
    Execution execution = load(kSum).execution();
    execution.run();
    EXPECT_THROW(execution.tensor("z"), Error);
  }
  options_.keep_tensors = true;
  const Program program = load(kSum);
  Execution execution = program.execution();
  execution.run();
  ASSERT_FALSE(program.tensors().empty());
  EXPECT_EQ(numbers(execution.tensor("z")), (std::vector<double>{3, 6}));
  EXPECT_THROW(execution.tensor("nothing"), Error);
}

TEST_F(ProgramTest, ExecutionsWithThreadsOfTheirOwnRunAtOnce) {
  options_.sizes = {{"N", 200}};
  const Program program = load(kSum);
  std::vector<Execution> executions;
  for (int i = 0; i < 3; ++i) executions.push_back(program.execution(1));
  std::vector<Tensor> results(3);
  {
    std::vector<std::jthread> threads;
    for (std::size_t i = 0; i < 3; ++i)
      threads.emplace_back([&, i] {
        executions[i].set_input("x", floats(std::vector<float>(400, static_cast<float>(i)), {200, 2}));
        for (int run = 0; run < 20; ++run) executions[i].run();
        results[i] = executions[i].output("z");
      });
  }
  for (std::size_t i = 0; i < 3; ++i)
    EXPECT_EQ(numbers(results[i]), std::vector<double>(400, 3.0 * static_cast<double>(i)));
}

TEST_F(ProgramTest, ComputedIndicesThatStayInRangeRun) {
  options_.inputs = {{"x", floats({0, 9, 7, 1, 2, 3}, {2, 3})}, {"table", floats({10, 20, 30}, {3, 1})}};
  Execution execution = load(
                            "%x: f32[N, 3] = input\n%table: f32[3, 1] = input\n%best: i32[N] = ArgMax(%x)\n"
                            "%y: f32[N, 1] = Gather(%table, %best)\nreturn y = %y\n")
                            .execution();
  execution.run();
  EXPECT_EQ(numbers(execution.output("y")), (std::vector<double>{20, 30}));
}

TEST_F(ProgramTest, ComputedIndicesThatMayLeadOutsideAreRefused) {
  expect_refused(
      "%x: f32[N, 4] = input\n%table: f32[3, 1] = input\n%best: i32[N] = ArgMax(%x)\n"
      "%y: f32[N, 1] = Gather(%table, %best)\nreturn y = %y\n",
      ErrorCode::unsupported, "nothing shows that it stays below 3");
}

TEST_F(ProgramTest, ConstantIndicesAreCheckedBeforeTheyAreFolded) {
  const std::string body =
      "%table: f32[3, 1] = constant\n%rows: i32[2] = constant\n%y: f32[2, 1] = Gather(%table, %rows)\n"
      "%x: f32[2, 1] = input\n%z: f32[2, 1] = Add(%y, %x)\nreturn z = %z\n";
  options_.constants = {{"table", floats({10, 20, 30}, {3, 1})}, {"rows", indices({2, 3})}};
  expect_refused(body, ErrorCode::invalid_argument, "rows[1] is 3");
  options_.constants[1].second = indices({2, 0});
  options_.inputs = {{"x", floats({1, 2}, {2, 1})}};
  Execution execution = load(body).execution();
  execution.run();
  EXPECT_EQ(numbers(execution.output("z")), (std::vector<double>{31, 12}));
}

TEST_F(ProgramTest, ConstantsMayHaveNoElementsAndBeAbsent) {
  options_.constants = {{"weight", {"i8", {2, 3}, std::vector<std::byte>(6, std::byte{2})}},
                        {"factors", floats({1, 10}, {2})},
                        {"zero", {"u8", {}, {std::byte{1}}}},
                        {"none", {"f32", {0, 2}, {}}}};
  options_.inputs = {{"x", {"u8", {1, 3}, {std::byte{1}, std::byte{2}, std::byte{4}}}}};
  Execution execution =
      load(
          "%x: u8[1, 3] = input\n%weight: i8[2, 3] = constant\n%factors: f32[2] = constant\n"
          "%absent: none[0] = constant\n%zero: u8[] = constant\n%none: f32[0, 2] = constant\n"
          "%y: f32[1, 2] = LinearCodes(%x, %weight, %factors, %absent, %zero)\n"
          "%z: f32[1, 2] = Concat(%none, %y) {axis = 0}\nreturn z = %z\n")
          .execution();
  execution.run();
  EXPECT_EQ(numbers(execution.output("z")), (std::vector<double>{8, 80}));
}

TEST_F(ProgramTest, GraphsThatCannotRunAreRefused) {
  expect_refused("%x: f32[N] = input\nreturn x = %x\n", ErrorCode::unsupported, "computes nothing");
  std::string many = "%x: f32[N] = input\n%y: f32[N] = Add(%x, %x)\nreturn ";
  for (int i = 0; i < 31; ++i) many += (i == 0 ? "o" : ", o") + std::to_string(i) + " = %y";
  expect_refused(many + "\n", ErrorCode::unsupported, "31 outputs");
  expect_refused("%x: f32[N", ErrorCode::invalid_file, "line");
}

constexpr const char* kRunningSum = R"(
  %x: f32[4, 2] = input
  %start: f32[2] = input
  %sum.0: f32[2], %sum.1: f32[4, 2] = Scan(%start, %x) {states = 1, scanned = 1} do graph body {
    %before: f32[2] = input
    %next: f32[2] = input
    %one: f32[1] = constant
    %more: f32[2] = Add(%next, %one)
    %after: f32[2] = Add(%before, %more)
    return after = %after, shown = %after
  }
  return last = %sum.0, all = %sum.1
)";

TEST_F(ProgramTest, RunsGraphsInsideNodes) {
  options_.constants = {{"one", floats({1}, {1})}};
  options_.inputs = {{"x", floats({1, 2, 3, 4, 5, 6, 7, 8}, {4, 2})}, {"start", floats({10, 20}, {2})}};
  Execution execution = load(kRunningSum).execution();
  for (int run = 0; run < 2; ++run) {  // again in memory that the first run gave back
    execution.run();
    EXPECT_EQ(numbers(execution.output("all")), (std::vector<double>{12, 23, 16, 28, 22, 35, 30, 44}));
    EXPECT_EQ(numbers(execution.output("last")), (std::vector<double>{30, 44}));
  }
}

TEST_F(ProgramTest, PlanFilesHoldGraphsInsideNodesWithTheirConstants) {
  options_.constants = {{"one", floats({1}, {1})}};
  load(kRunningSum);
  test::TemporaryFile plan("", ".plan");
  std::string bytes;
  build(options_, [&bytes](std::span<const std::byte> part, std::uint64_t) {
    bytes.append(reinterpret_cast<const char*>(part.data()), part.size());
  });
  plan.write(bytes);
  ProgramOptions options;
  options.file = plan.path();
  options.inputs = {{"x", floats({1, 2, 3, 4, 5, 6, 7, 8}, {4, 2})}, {"start", floats({10, 20}, {2})}};
  Execution execution = Program::load(options).execution();
  execution.run();
  EXPECT_EQ(numbers(execution.output("last")), (std::vector<double>{30, 44}));
}

TEST_F(ProgramTest, RefusesBodiesThatDoNotFit) {
  expect_refused(
      "%x: f32[4] = input\n%y.0: f32[4], %y.1: f32[4] = Scan(%x, %x) {states = 1, scanned = 1} do graph b {\n"
      "%a: f32[4] = input\nreturn a = %a\n}\nreturn y = %y.0\n",
      ErrorCode::invalid_file, "inputs");
  expect_refused("%x: f32[4] = input\n%y: f32[4] = Scan(%x) {states = 0, scanned = 1}\nreturn y = %y\n",
                 ErrorCode::invalid_file, "do");
}

TEST_F(ProgramTest, SizesThatRulesRefuseAreRefusedWhenTheyAreKnown) {
  constexpr const char* kProduct =
      "%a: f32[N, K] = input\n%b: f32[4, 3] = input\n%y: f32[N, 3] = MatMulAny(%a, %b)\nreturn y = %y\n";
  options_.sizes = {{"N", 2}, {"K", 4}};
  Execution execution = load(kProduct).execution();
  execution.run();
  execution.set_input("a", floats(std::vector<float>(6), {2, 3}));
  try {
    execution.run();
    ADD_FAILURE() << "3 columns times 4 rows";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::invalid_argument) << error.what();
  }
}

}  // namespace
}  // namespace lathe
