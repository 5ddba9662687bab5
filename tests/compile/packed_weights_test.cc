// Weights that two plans have in common are packed once.
#include <gtest/gtest.h>

#include "compile/build_plan.h"
#include "compile/fake_backend.h"

namespace lathe {
namespace {

std::vector<Kernel> linear_kernels() {
  return {{.name = "linear", .op = "QuantizedLinear", .arithmetic = "int8", .run = fake::spend<1>}};
}

/// A device that reads the host's memory.
class SharingDevice final : public Backend {
 public:
  SharingDevice() : device_(linear_kernels()) {}
  std::string_view name() const override { return "sharing"; }
  Buffer allocate(std::size_t bytes) override { return device_.allocate(bytes); }
  std::optional<Buffer> share(std::span<const std::byte> host, std::shared_ptr<const void> owner) override {
    return Buffer(const_cast<std::byte*>(host.data()), host.size(), true,
                  [kept = std::move(owner)](void*, std::size_t) {});
  }
  void write(const Buffer& buffer, std::uint64_t offset, std::span<const std::byte> host) override {
    device_.write(buffer, offset, host);
  }
  void read(const Buffer& buffer, std::uint64_t offset, std::span<std::byte> host) override {
    device_.read(buffer, offset, host);
  }
  Traffic traffic() const override { return {}; }
  std::span<const Kernel> kernels() const override { return device_.kernels(); }
  std::unique_ptr<ExecutionContext> create_context(std::shared_ptr<const Plan> plan,
                                                   ContextOptions options) override {
    return device_.create_context(std::move(plan), std::move(options));
  }

 private:
  fake::Device device_;
};

Graph network(const std::vector<std::byte>& weight) {
  Graph graph;
  const auto codes = graph.add_input("codes", {Dtype::a8, {1, 32}});
  const auto constant = graph.add_constant("weight", {weight.data(), Dtype::q4_0, {16, 32}}, nullptr);
  graph.add_output("y", graph.add("QuantizedLinear", "y", {codes, constant}));
  return graph;
}

std::shared_ptr<Plan> plan_of(const Graph& graph, Backend& device, PackedWeights* packed) {
  BuildOptions options;
  options.packed = packed;
  return build_plan(graph, device, options);
}

TEST(PackedWeights, ArePackedOnceForAllPlansOfTheirConstants) {
  const std::vector<std::byte> weight(16 * 18, std::byte{0x11}), other(16 * 18, std::byte{0x22});
  SharingDevice device;
  PackedWeights packed;
  const auto first = plan_of(network(weight), device, &packed);
  const auto second = plan_of(network(weight), device, &packed);
  const auto of_other = plan_of(network(other), device, &packed);
  const auto alone = plan_of(network(weight), device, nullptr);
  EXPECT_EQ(first->weights[0].data(), second->weights[0].data());
  EXPECT_NE(first->weights[0].data(), of_other->weights[0].data());
  EXPECT_NE(first->weights[0].data(), alone->weights[0].data());
  EXPECT_EQ(first->weights[0].bytes(), alone->weights[0].bytes());
  EXPECT_EQ(std::memcmp(second->weights[0].data(), alone->weights[0].data(), alone->weights[0].bytes()), 0);
}

TEST(PackedWeights, OutliveThePlanThatPackedThem) {
  const std::vector<std::byte> weight(16 * 18, std::byte{0x11});
  SharingDevice device;
  PackedWeights packed;
  plan_of(network(weight), device, &packed).reset();
  const auto later = plan_of(network(weight), device, &packed);
  const auto alone = plan_of(network(weight), device, nullptr);
  EXPECT_EQ(std::memcmp(later->weights[0].data(), alone->weights[0].data(), alone->weights[0].bytes()), 0);
}

TEST(PackedWeights, OfADeviceThatSharesNothingAreItsPlansOwn) {
  const std::vector<std::byte> weight(16 * 18, std::byte{0x11});
  fake::Device device(linear_kernels());
  PackedWeights packed;
  const auto first = plan_of(network(weight), device, &packed);
  const auto second = plan_of(network(weight), device, &packed);
  EXPECT_NE(first->weights[0].data(), second->weights[0].data());
}

}  // namespace
}  // namespace lathe
