// A plan (TensorRT: engine): steps in order, kernels chosen, weights packed on the device, memory offsets
// fixed.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "backend/kernel.h"
#include "tensor/buffer.h"

namespace lathe {

/// The greatest number that a symbolic dimension takes; arena offsets are planned for it.
struct SymbolLimit {
  std::string name;
  std::int64_t maximum = 0;
};

/// Where a tensor of the plan lies.
enum class Place : std::uint8_t {
  weight,  // weights[index], at offset
  arena,   // the context's arena, at offset
  bound,   // bound by the caller by name: inputs, state
};

struct PlanTensor {
  std::string name;
  ValueType type;
  Place place = Place::arena;
  std::int32_t index = 0;  // weight: which buffer; bound: which binding
  std::uint64_t offset = 0;
  std::uint64_t max_bytes = 0;  // at the symbols' limits
};

struct PlanStep {
  std::string name;  // the node's
  const Kernel* kernel = nullptr;
  std::vector<std::int32_t> inputs;  // indices of tensors
  std::vector<std::int32_t> outputs;
  std::vector<AttributeValue> attributes;
  std::uint32_t outputs_mask = 0;  // bit i: plan output i needs this step
  std::int32_t conflict =
      -1;  // the latest earlier step that must be complete before this one starts; -1: none
};

struct PlanOutput {
  std::string name;
  std::int32_t tensor = 0;
};

/// What loading the weights cost, for `--trace` and `inspect`.
struct WeightReport {
  std::uint64_t mapped_bytes = 0;  // used where the file lies
  std::uint64_t copied_bytes = 0;  // packed or copied to the device
  double seconds = 0;
};

struct Plan {
  std::string name;
  std::vector<SymbolLimit> symbols;
  std::vector<PlanTensor> tensors;
  std::vector<PlanStep> steps;
  std::vector<PlanOutput> outputs;     // at most 32
  std::vector<std::int32_t> bindings;  // tensors that the caller binds, in order
  std::uint64_t arena_bytes = 0;
  std::uint64_t arena_lower_bound = 0;  // the largest sum of bytes alive at one step
  std::vector<Buffer> weights;
  std::vector<std::shared_ptr<const void>> weight_owners;  // keep mapped files alive
  WeightReport weight_report;

  /// Index of an output or binding by name; throws Error(invalid_argument).
  int output(std::string_view output_name) const;
  int binding(std::string_view binding_name) const;
  int symbol(std::string_view symbol_name) const;
};

}  // namespace lathe
