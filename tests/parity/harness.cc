#include "parity/harness.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <memory>
#include <numeric>

#include "backend/step_attributes.h"
#include "base/error.h"
#include "cpu/kernels.h"

namespace lathe::parity {
namespace {

constexpr std::size_t kGuard = 128;
constexpr std::byte kPoison{0xff};

/// 64-byte aligned memory with poison on both sides.
class GuardedMemory {
 public:
  explicit GuardedMemory(std::size_t bytes) : bytes_(bytes), storage_(bytes + 2 * kGuard + 64, kPoison) {
    const auto address = reinterpret_cast<std::uintptr_t>(storage_.data()) + kGuard;
    offset_ = kGuard + (64 - address % 64) % 64;
  }
  explicit GuardedMemory(const Tensor& tensor) : GuardedMemory(tensor.bytes.size()) {
    std::copy(tensor.bytes.begin(), tensor.bytes.end(), data());
  }

  std::byte* data() { return storage_.data() + offset_; }
  std::span<const std::byte> bytes() { return {data(), bytes_}; }
  bool intact() const {
    for (std::size_t i = 0; i < storage_.size(); ++i)
      if ((i < offset_ || i >= offset_ + bytes_) && storage_[i] != kPoison) return false;
    return true;
  }

 private:
  std::size_t bytes_;
  std::vector<std::byte> storage_;
  std::size_t offset_;
};

TensorArg argument(const Tensor& tensor, std::byte* data) {
  TensorArg arg{
      data, {}, static_cast<std::int32_t>(tensor.dims.size()), static_cast<std::int32_t>(tensor.dtype)};
  for (std::size_t i = 0; i < tensor.dims.size(); ++i) arg.dims[i] = tensor.dims[i];
  return arg;
}

std::vector<ValueType> types_of(std::span<const Tensor> tensors) {
  std::vector<ValueType> types;
  for (const auto& tensor : tensors)
    types.push_back({tensor.dtype, {tensor.dims.begin(), tensor.dims.end()}});
  return types;
}

bool equal_floats(float a, float b) {
  return std::memcmp(&a, &b, sizeof a) == 0 || (std::isnan(a) && std::isnan(b));
}

}  // namespace

namespace {

Node node_of(const Case& test) {
  const Op* op = find_op(test.op);
  if (op == nullptr) throw Error(ErrorCode::internal, "no op is named " + std::string(test.op));
  Node node;
  node.op = op;
  EXPECT_EQ(op->attributes.size(), test.attributes.size()) << test.name;
  for (std::size_t i = 0; i < op->attributes.size(); ++i) {
    const auto& spec = op->attributes[i];
    if (spec.kind == AttributeKind::integer)
      node.attributes.emplace(spec.name, test.attributes.at(i).integer);
    else if (spec.kind == AttributeKind::real)
      node.attributes.emplace(spec.name, test.attributes.at(i).real);
    else
      node.attributes.emplace(spec.name, std::string(test.attributes.at(i).text));
  }
  return node;
}

}  // namespace

bool accepts(const Kernel& kernel, const Case& test) {
  const Node node = node_of(test);
  const auto inputs = types_of(test.inputs);
  const auto outputs = types_of(test.outputs);
  return kernel.op == test.op && kernel.accepts({inputs, outputs, &node});
}

std::vector<Tensor> run(const Kernel& kernel, const Case& test, int threads, int variant, ThreadOrder order) {
  const Node node = node_of(test);
  const StepAttributes attributes(*node.op, node.attributes);
  std::vector<GuardedMemory> memories;
  for (const auto& input : test.inputs) memories.emplace_back(input);
  for (const auto& output : test.outputs) memories.emplace_back(output);
  std::vector<TensorArg> inputs;
  std::vector<TensorArg> outputs;
  for (std::size_t i = 0; i < test.inputs.size(); ++i)
    inputs.push_back(argument(test.inputs[i], memories[i].data()));
  const auto memory_of_output = [&](std::size_t i) -> GuardedMemory& {
    return i == 0 && test.alias >= 0 ? memories[static_cast<std::size_t>(test.alias)]
                                     : memories[test.inputs.size() + i];
  };
  for (std::size_t i = 0; i < test.outputs.size(); ++i)
    outputs.push_back(argument(test.outputs[i], memory_of_output(i).data()));

  KernelCall call{inputs.data(),
                  outputs.data(),
                  attributes.values(),
                  nullptr,
                  static_cast<std::int32_t>(inputs.size()),
                  0,
                  threads,
                  variant};
  if (kernel.serial != nullptr && kernel.serial(call)) call.threads = 1;
  const std::size_t scratch_bytes = kernel.scratch_bytes == nullptr ? 0 : kernel.scratch_bytes(call);
  for (int i = 0; i < call.threads; ++i) {
    call.thread = order == ThreadOrder::last_first ? call.threads - 1 - i : i;
    GuardedMemory scratch(scratch_bytes);
    call.scratch = scratch.data();
    kernel.run(call);
    EXPECT_TRUE(scratch.intact()) << kernel.name << " writes beside its scratch: " << test.name;
  }

  for (auto& memory : memories)
    EXPECT_TRUE(memory.intact()) << kernel.name << " writes beside its outputs: " << test.name;
  for (std::size_t i = 0; i < test.inputs.size(); ++i) {
    if (static_cast<int>(i) == test.alias) continue;
    EXPECT_EQ(std::memcmp(memories[i].data(), test.inputs[i].bytes.data(), test.inputs[i].bytes.size()), 0)
        << kernel.name << " changes input " << i << ": " << test.name;
  }
  std::vector<Tensor> results;
  for (std::size_t i = 0; i < test.outputs.size(); ++i) {
    const auto bytes = memory_of_output(i).bytes();
    results.push_back({test.outputs[i].dtype, test.outputs[i].dims, {bytes.begin(), bytes.end()}});
  }
  return results;
}

std::string difference(std::span<const Tensor> a, std::span<const Tensor> b) {
  if (a.size() != b.size()) return "number of outputs";
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (a[i].bytes.size() != b[i].bytes.size()) return "bytes of output " + std::to_string(i);
    if (a[i].bytes == b[i].bytes) continue;
    const bool floats = a[i].dtype == Dtype::f32;
    const std::size_t step = floats ? sizeof(float) : 1;
    for (std::size_t at = 0; at < a[i].bytes.size(); at += step) {
      const std::string place = "output " + std::to_string(i) + "[" + std::to_string(at / step) + "]: ";
      const float x = floats ? a[i].as<float>()[at / step] : static_cast<float>(a[i].bytes[at]);
      const float y = floats ? b[i].as<float>()[at / step] : static_cast<float>(b[i].bytes[at]);
      if (!equal_floats(x, y)) return place + std::to_string(x) + " and " + std::to_string(y);
    }
  }
  return {};
}

std::span<const Kernel> kernels() {
  static const std::vector<Kernel> kAll = cpu_kernels(detected_isa());
  return kAll;
}

std::int64_t sample_step(std::int64_t count) {
  constexpr std::int64_t kSamples = 2000;
  std::int64_t step = count / kSamples + 1;
  while (std::gcd(step, count) > 1) ++step;
  return step;
}

const Kernel& portable_of(const Kernel& kernel) {
  const auto name = "portable" + kernel.name.substr(kernel.name.find('.'));
  for (const auto& candidate : kernels())
    if (candidate.name == name) return candidate;
  throw Error(ErrorCode::internal, kernel.name + " has no portable kernel");
}

Tensor empty(Dtype dtype, Shape dims, std::size_t bytes) {
  return {dtype, std::move(dims), std::vector<std::byte>(bytes, kPoison)};
}

Tensor empty(Dtype dtype, Shape dims) {
  const auto bytes = dense_bytes(dtype, dims);
  return empty(dtype, std::move(dims), bytes);
}

Tensor normal(Random& random, Shape dims, float deviation) {
  Tensor tensor = empty(Dtype::f32, std::move(dims));
  std::normal_distribution<float> distribution(0, deviation);
  for (std::size_t i = 0; i < tensor.bytes.size() / sizeof(float); ++i)
    tensor.as<float>()[i] = distribution(random);
  return tensor;
}

Tensor integers(std::span<const std::int32_t> values, Shape dims) {
  Tensor tensor = empty(Dtype::i32, std::move(dims));
  std::copy(values.begin(), values.end(), tensor.as<std::int32_t>());
  return tensor;
}

Tensor integers(Random& random, Shape dims, std::int32_t low, std::int32_t high) {
  Tensor tensor = empty(Dtype::i32, std::move(dims));
  std::uniform_int_distribution<std::int32_t> distribution(low, high);
  for (std::size_t i = 0; i < tensor.bytes.size() / sizeof(std::int32_t); ++i)
    tensor.as<std::int32_t>()[i] = distribution(random);
  return tensor;
}

}  // namespace lathe::parity
