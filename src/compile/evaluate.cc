#include "compile/evaluate.h"

#include "backend/backend.h"
#include "backend/step_attributes.h"
#include "base/error.h"

namespace lathe {
namespace {

TensorArg argument(const ValueType& type, void* data) {
  TensorArg result{
      data, {}, static_cast<std::int32_t>(type.dims.size()), static_cast<std::int32_t>(type.dtype)};
  CHECK(type.dims.size() <= kMaxRank);
  for (std::size_t i = 0; i < type.dims.size(); ++i) result.dims[i] = type.dims[i].value;
  return result;
}

Shape shape_of(const ValueType& type) {
  Shape shape;
  for (const auto& dim : type.dims) shape.push_back(dim.value);
  return shape;
}

}  // namespace

std::optional<std::vector<ConstantData>> evaluate_on_host(std::span<const Kernel> kernels, const Node& node,
                                                          std::span<const TensorView> inputs,
                                                          std::span<const ValueType> outputs) {
  std::vector<ValueType> types;
  for (const auto& input : inputs)
    types.push_back({input.dtype, Dims(input.shape.begin(), input.shape.end())});
  const Kernel* kernel = find_kernel(kernels, {types, outputs, &node});
  if (kernel == nullptr) return std::nullopt;

  std::vector<TensorArg> in;
  for (std::size_t i = 0; i < inputs.size(); ++i)  // kernels do not write to inputs
    in.push_back(argument(types[i], const_cast<std::byte*>(inputs[i].data)));
  std::vector<ConstantData> results;
  std::vector<TensorArg> out;
  for (const auto& type : outputs) {
    const Shape shape = shape_of(type);
    const auto bytes = std::make_shared<std::vector<std::byte>>(dense_bytes(type.dtype, shape));
    bytes->reserve(1);  // no elements have an address too
    out.push_back(argument(type, bytes->data()));
    results.push_back({{bytes->data(), type.dtype, shape}, bytes});
  }
  const StepAttributes attributes(*node.op, node.attributes);
  KernelCall call{
      in.data(), out.data(), attributes.values(), nullptr, static_cast<std::int32_t>(in.size()), 0, 1, 0};
  const std::size_t scratch_bytes = kernel->scratch_bytes == nullptr ? 0 : kernel->scratch_bytes(call);
  constexpr std::size_t kAlignment = 64;
  std::vector<std::byte> scratch(scratch_bytes + kAlignment);
  const auto address = reinterpret_cast<std::uintptr_t>(scratch.data());
  call.scratch = scratch.data() + (kAlignment - address % kAlignment) % kAlignment;
  std::int32_t fault = 0;
  call.fault = &fault;
  kernel->run(call);
  if (fault != 0) return std::nullopt;  // the run says so, should it come there
  return results;
}

}  // namespace lathe
