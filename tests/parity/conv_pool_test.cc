// ConvPool gives the bits of FusedConv, of the pooling behind it, and of the functions behind that, on each
// level of instructions.
#include <gtest/gtest.h>

#include <sstream>

#include "base/cpu_features.h"
#include "graph/window.h"
#include "parity/rows.h"

namespace lathe::parity {
namespace {

constexpr std::size_t kConvAttributes = 10;  // of FusedConv
constexpr std::size_t kPoolAttributes = 11;  // behind the pooling's name
constexpr std::size_t kPoolEpilogue = 18;

/// The kernel of the level, or the portable one where that has none.
Tensor call(const std::string& isa, const Case& test) {
  for (const std::string& prefix : {isa + ".", std::string("portable.")})
    for (const auto& kernel : kernels())
      if (kernel.op == test.op && kernel.name.starts_with(prefix) && accepts(kernel, test))
        return parity::run(kernel, test, 1)[0];
  ADD_FAILURE() << "no kernel of " << test.op;
  return test.outputs[0];
}

Shape convolved(const Case& test) {
  const auto& attributes = test.attributes;
  const Shape& weight = test.inputs[1].dims;
  WindowAxis axes[2];
  resolve_windows({attributes[0].text, attributes[1].text, attributes[4].text, attributes[5].text}, 2,
                  test.inputs[0].dims.data() + 2, weight.data() + 2, false, axes);
  return {test.inputs[0].dims[0], weight[0], axes[0].output, axes[1].output};
}

Tensor separately(const std::string& isa, const Case& test) {
  const auto attributes = test.attributes.begin();
  Case conv{test.name, "FusedConv", test.inputs, {empty(Dtype::f32, convolved(test))}, {}, -1};
  conv.attributes.assign(attributes, attributes + kConvAttributes);
  const Tensor between = call(isa, conv);
  const std::string kind = test.attributes[kConvAttributes].text;
  Case pool{test.name, "GlobalAveragePool", {between}, test.outputs, {}, -1};
  if (kind != "mean") {
    pool.op = kind == "max" ? "MaxPool" : "AveragePool";
    pool.attributes.assign(attributes + kPoolAttributes, attributes + kPoolEpilogue);
    if (kind == "max") {
      pool.attributes.back() = integer(0);  // storage_order
      pool.attributes.push_back(integer(1));
    }
  }
  Tensor result = call(isa, pool);
  std::istringstream names(test.attributes[kPoolEpilogue].text);
  for (std::string name; std::getline(names >> std::ws, name, ',');) {
    const std::string_view op = name == "relu" ? "Relu" : name == "tanh" ? "Tanh" : "Sigmoid";
    result = call(isa, {test.name, op, {result}, test.outputs, {}, -1});
  }
  return result;
}

class ConvPool : public testing::TestWithParam<std::string> {};

TEST_P(ConvPool, GivesTheBitsOfSeparateKernels) {
  int checked = 0;
  for (const auto& kernel : kernels()) {
    if (kernel.op != "ConvPool" || !kernel.name.starts_with(GetParam() + ".")) continue;
    for (const auto& test : cases_of("ConvPool"))
      for (const int threads : {1, 2, 3}) {
        const std::vector<Tensor> expected = {separately(GetParam(), test)};
        ASSERT_EQ(difference(expected, run(kernel, test, threads)), "")
            << kernel.name << ": " << test.name << ", threads: " << threads;
        ++checked;
      }
  }
  EXPECT_GT(checked, 60);
}

std::vector<std::string> levels() {
  std::vector<std::string> names;
  for (auto isa = IsaLevel::portable; isa <= std::min(detected_isa(), IsaLevel::avx512);
       isa = static_cast<IsaLevel>(static_cast<int>(isa) + 1))
    names.emplace_back(isa_name(isa));
  return names;
}

INSTANTIATE_TEST_SUITE_P(Levels, ConvPool, testing::ValuesIn(levels()),
                         [](const auto& instance) { return instance.param; });

}  // namespace
}  // namespace lathe::parity
