// A RowProgram gives the bits of the separate kernels that it stands for, on each level of instructions, and
// each row the bits that it has alone.
#include <gtest/gtest.h>
#include <algorithm>

#include <map>

#include "base/cpu_features.h"
#include "graph/fused_program_text.h"
#include "parity/fused_cases.h"
#include "parity/matmul_operands.h"
#include "parity/rows.h"

namespace lathe::parity {
namespace {

/// Each instruction by the kernel of its own op.
class Separately {
 public:
  Separately(std::string isa, const Case& test) : isa_(std::move(isa)), test_(test) {}

  std::vector<Tensor> run() {
    const FusedProgram program = parse_fused_program(test_.attributes[0].text);
    std::vector<Tensor> outputs = test_.outputs;
    for (int i = 0; i < program.count; ++i) {
      const auto& instruction = program.instructions[i];
      const Tensor a = value(instruction.operands[0]);
      if (instruction.function == FusedFunction::store)
        outputs[static_cast<std::size_t>(instruction.result)] = a;
      else if (instruction.function == FusedFunction::quantize)
        outputs[static_cast<std::size_t>(instruction.result)] =
            call("QuantizeActivation", quantized_inputs(instruction, a), {},
                 test_.outputs[static_cast<std::size_t>(instruction.result)]);
      else
        temporaries_[instruction.result] = compute(instruction, a);
    }
    return outputs;
  }

 private:
  /// With the marks of fine columns, where there are.
  std::vector<Tensor> quantized_inputs(const FusedInstruction& instruction, const Tensor& a) const {
    const auto& marks = instruction.operands[1];
    if (marks.place == FusedPlace::none) return {a};
    return {a, test_.inputs[static_cast<std::size_t>(marks.index)]};
  }

  /// An operand as if it had the shape of x0.
  Tensor value(const FusedOperand& operand) const {
    if (operand.place == FusedPlace::temporary) return temporaries_.at(operand.index);
    const Tensor& input = test_.inputs[static_cast<std::size_t>(operand.index)];
    Tensor full = empty(Dtype::f32, test_.inputs[0].dims);
    const auto count = element_count(input.dims);
    for (std::int64_t i = 0; i < element_count(full.dims); ++i)
      full.as<float>()[i] = input.as<float>()[i % count];
    return full;
  }

  /// Scale or bias: the first row of an operand that is the same in all.
  Tensor row(const FusedOperand& operand) const {
    Tensor full = value(operand);
    full.dims = {full.dims.back()};
    full.bytes.resize(dense_bytes(Dtype::f32, full.dims));
    return full;
  }

  Tensor compute(const FusedInstruction& instruction, const Tensor& a) const {
    const Tensor like = empty(Dtype::f32, a.dims);
    const std::vector<AttributeValue> constants = {real(static_cast<double>(instruction.constants[0])),
                                                   real(static_cast<double>(instruction.constants[1]))};
    if (is_binary(instruction.function)) {
      static const std::map<FusedFunction, std::string> kOps = {
          {FusedFunction::add, "Add"}, {FusedFunction::mul, "Mul"}, {FusedFunction::sub, "Sub"},
          {FusedFunction::div, "Div"}, {FusedFunction::max, "Max"}, {FusedFunction::min, "Min"}};
      return call(kOps.at(instruction.function), {a, value(instruction.operands[1])}, {}, like);
    }
    if (is_unary(instruction.function)) {
      static const std::map<FusedFunction, std::pair<std::string, std::size_t>> kOps = {
          {FusedFunction::swish, {"Swish", 0}},
          {FusedFunction::tanh, {"Tanh", 0}},
          {FusedFunction::sigmoid, {"Sigmoid", 0}},
          {FusedFunction::relu, {"Relu", 0}},
          {FusedFunction::clip, {"Clip", 2}},
          {FusedFunction::leaky_relu, {"LeakyRelu", 1}},
          {FusedFunction::hard_sigmoid, {"HardSigmoid", 2}},
          {FusedFunction::hard_swish, {"HardSwish", 0}},
          {FusedFunction::exp, {"Exp", 0}},
          {FusedFunction::erf, {"Erf", 0}},
          {FusedFunction::abs, {"Abs", 0}},
          {FusedFunction::neg, {"Neg", 0}},
          {FusedFunction::sqrt, {"Sqrt", 0}},
          {FusedFunction::reciprocal, {"Reciprocal", 0}}};
      if (instruction.function == FusedFunction::gelu) return call("Gelu", {a}, {integer(0)}, like);
      if (instruction.function == FusedFunction::gelu_tanh) return call("Gelu", {a}, {integer(1)}, like);
      const auto& [op, count] = kOps.at(instruction.function);
      return call(op, {a}, {constants.begin(), constants.begin() + static_cast<std::ptrdiff_t>(count)}, like);
    }
    const AttributeValue epsilon = constants[0];
    if (instruction.function == FusedFunction::rms)
      return call("RMSNormalization", {a, row(instruction.operands[1])}, {epsilon}, like);
    std::vector<Tensor> inputs = {a, row(instruction.operands[1])};
    if (instruction.operands[2].place != FusedPlace::none) inputs.push_back(row(instruction.operands[2]));
    return call("LayerNormalization", inputs, {epsilon}, like);
  }

  Tensor call(std::string_view op, std::vector<Tensor> inputs, std::vector<AttributeValue> attributes,
              const Tensor& output) const {
    const Case test{std::string(op), op, std::move(inputs), {output}, std::move(attributes), -1};
    // Some ops have portable kernels alone.
    for (const std::string& prefix : {isa_ + ".", std::string("portable.")})
      for (const auto& kernel : kernels())
        if (kernel.op == op && kernel.name.starts_with(prefix) && accepts(kernel, test))
          return parity::run(kernel, test, 1)[0];
    ADD_FAILURE() << "no kernel of " << op;
    return output;
  }

  std::string isa_;
  const Case& test_;
  std::map<int, Tensor> temporaries_;
};

/// Norms by an input that differs from row to row have no op of their own.
bool has_separate_ops(const Case& test) {
  const FusedProgram program = parse_fused_program(test.attributes[0].text);
  for (int i = 0; i < program.count; ++i) {
    const auto& instruction = program.instructions[i];
    if (instruction.function != FusedFunction::rms && instruction.function != FusedFunction::layer) continue;
    for (const auto& operand : {instruction.operands[1], instruction.operands[2]})
      if (operand.place == FusedPlace::temporary ||
          (operand.place == FusedPlace::input &&
           test.inputs[static_cast<std::size_t>(operand.index)].dims == test.inputs[0].dims))
        return false;
  }
  return true;
}

class RowProgram : public testing::TestWithParam<std::string> {};

TEST_P(RowProgram, GivesTheBitsOfSeparateKernels) {
  std::map<std::string, int> programs;
  for (const auto& kernel : kernels()) {
    if (kernel.op != "RowProgram" || !kernel.name.starts_with(GetParam() + ".")) continue;
    for (const auto& test : cases_of("RowProgram")) {
      if (!accepts(kernel, test) || !has_separate_ops(test)) continue;
      ++programs[test.attributes[0].text];
      ASSERT_EQ(difference(Separately(GetParam(), test).run(), run(kernel, test, 2)), "")
          << kernel.name << ": " << test.name;
    }
  }
  EXPECT_GE(programs.size(), 29u);
}

/// The named row of what has rows, everything of what has not.
Tensor row_of(const Tensor& tensor, const Shape& whole, std::int64_t row) {
  if (tensor.dims != whole) return tensor;
  Tensor one{tensor.dtype, tensor.dims, {}};
  const auto bytes = tensor.bytes.size() / static_cast<std::size_t>(whole[0]);
  const auto begin =
      tensor.bytes.begin() + static_cast<std::ptrdiff_t>(static_cast<std::size_t>(row) * bytes);
  one.bytes.assign(begin, begin + static_cast<std::ptrdiff_t>(bytes));
  one.dims[0] = 1;
  return one;
}

TEST_P(RowProgram, GivesARowAloneWhatItHasInABatch) {
  for (const auto& kernel : kernels()) {
    if (kernel.op != "RowProgram" || !kernel.name.starts_with(GetParam() + ".")) continue;
    for (const auto& test : cases_of("RowProgram")) {
      const Shape& whole = test.inputs[0].dims;
      if (!accepts(kernel, test) || whole[0] == 1 || whole[0] > 16) continue;
      const auto together = run(kernel, test, 3);
      const std::int64_t index = whole[0] - 1;
      Case alone = test;
      std::vector<Tensor> expected;
      for (auto& input : alone.inputs) input = row_of(input, whole, index);
      for (std::size_t i = 0; i < together.size(); ++i) {
        expected.push_back(row_of(together[i], whole, index));
        alone.outputs[i] = row_of(alone.outputs[i], whole, index);
      }
      ASSERT_EQ(difference(expected, run(kernel, alone, 1)), "") << kernel.name << ": " << test.name;
    }
  }
}

std::vector<std::string> levels() {
  std::vector<std::string> names;
  const IsaLevel highest = std::min(detected_isa(), IsaLevel::avx512);  // that has row programs
  for (auto level = IsaLevel::portable; level <= highest;
       level = static_cast<IsaLevel>(static_cast<int>(level) + 1))
    names.emplace_back(isa_name(level));
  return names;
}

INSTANTIATE_TEST_SUITE_P(Levels, RowProgram, testing::ValuesIn(levels()),
                         [](const auto& instance) { return instance.param; });

}  // namespace
}  // namespace lathe::parity
