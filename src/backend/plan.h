// A plan (TensorRT: engine): steps in order, kernels chosen, weights packed on the device, memory offsets
// fixed. It holds several profiles: ranges of the symbols with choices and offsets of their own, over one
// copy of the weights.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "backend/kernel.h"
#include "backend/step_attributes.h"
#include "tensor/buffer.h"

namespace lathe {

/// The greatest number that a symbolic dimension takes in any profile.
struct SymbolLimit {
  std::string name;
  std::int64_t maximum = 0;
};

/// Where a tensor of the plan lies.
enum class Place : std::uint8_t {
  weight,  // weights[index], at offset
  arena,   // the context's arena, at the profile's offset
  bound,   // bound by the caller by name: inputs, state
};

struct PlanTensor {
  std::string name;
  ValueType type;
  Place place = Place::arena;
  std::int32_t index = 0;       // weight: which buffer; bound: which binding
  std::uint64_t offset = 0;     // of weights and bound tensors; of the arena's see PlanProfile::offsets
  std::uint64_t max_bytes = 0;  // at the symbols' limits
  std::int32_t storage = -1;    // of a view: the tensor whose bytes it is; known while a plan is built alone
};

/// A step without a kernel is a view: its output is input `aliases_input` with other dimensions. It is there
/// in plans alone whose sizes depend on what tensors hold.
struct PlanStep {
  std::string name;  // the node's
  const Op* op = nullptr;
  std::vector<std::int32_t> inputs;  // indices of tensors
  std::vector<std::int32_t> outputs;
  StepAttributes attributes;
  std::uint32_t outputs_mask = 0;                          // bit i: plan output i needs this step
  std::vector<std::shared_ptr<const struct Plan>> bodies;  // of If, Loop and Scan; dynamic all
};

/// How a step runs in one profile.
struct StepChoice {
  const Kernel* kernel = nullptr;
  std::int32_t variant = 0;
  std::int32_t first_thread = 0;
  std::int32_t threads = 0;  // from first_thread on; 0: all, or the first alone where the kernel says serial
};

/// A kernel that was measured for a step, the chosen one among them.
struct MeasuredKernel {
  std::string kernel;
  std::string variant;
  std::int32_t threads = 0;
  double seconds = 0;  // of one call at the profile's optimum
};

struct SymbolRange {
  std::int64_t minimum = 0;
  std::int64_t optimum = 0;  // what choices were made for
  std::int64_t maximum = 0;
};

struct PlanProfile {
  std::string name;                  // "decode"
  std::vector<SymbolRange> symbols;  // in the order of Plan::symbols
  std::vector<StepChoice> choices;   // one for each step
  std::vector<std::vector<MeasuredKernel>>
      measured;                        // for each step what was tried, best first; empty: nothing
  std::vector<std::uint64_t> offsets;  // in the arena, one for each tensor; 0 for others
  std::vector<std::int32_t>
      conflicts;  // per step the latest earlier one that must be complete before; -1: none
  std::uint64_t arena_bytes = 0;
  std::uint64_t arena_lower_bound = 0;  // the largest sum of bytes alive at one step
  std::int32_t threads = 0;             // that run fastest here; 0: all
};

struct PlanOutput {
  std::string name;
  std::int32_t tensor = 0;
};

/// Where a weight came from, beside its bytes in Plan::weights.
struct WeightSource {
  std::string name;           // the constant's
  Dtype stored = Dtype::f32;  // as the model has it
  Dtype layout = Dtype::f32;  // as the plan has it
  Shape shape;
  bool refittable = true;  // false: computed while building, from other weights or from nothing
};

/// What loading the weights cost, for `--trace` and `inspect`.
struct WeightReport {
  std::uint64_t mapped_bytes = 0;  // used where the file lies
  std::uint64_t copied_bytes = 0;  // packed or copied to the device
  double seconds = 0;
};

struct Plan {
  std::string name;
  /// Some sizes depend on what tensors hold: each step finds its outputs' types when its turn comes, and
  /// memory comes from a pool (backend/dynamic_context.h). Profiles have no offsets then.
  bool dynamic = false;
  std::vector<SymbolLimit> symbols;
  std::vector<PlanTensor> tensors;
  std::vector<PlanStep> steps;
  std::vector<PlanOutput> outputs;     // at most 30
  std::vector<std::int32_t> bindings;  // tensors that the caller binds, in order
  std::vector<PlanProfile> profiles;   // at least one; the first that fits is used
  std::int32_t step_tokens = 0;        // of a chunk with which prompts pass fastest; 0: not measured
  std::vector<Buffer> weights;
  std::vector<WeightSource> weight_sources;                // one for each
  std::vector<std::shared_ptr<const void>> weight_owners;  // keep mapped files alive
  WeightReport weight_report;

  /// Index of an output, binding or symbol by name; throws Error(invalid_argument).
  int output(std::string_view output_name) const;
  int binding(std::string_view binding_name) const;
  int symbol(std::string_view symbol_name) const;
  /// Index of the first profile whose ranges hold the values; throws Error(invalid_argument) naming the
  /// symbol that none of them takes.
  int profile_for(std::span<const std::int64_t> symbol_values) const;
  /// What an arena for every profile needs.
  std::uint64_t arena_bytes() const;
};

/// A body's inputs and outputs as a graph, which is what shape rules look at.
std::shared_ptr<const Graph> interface_of(const Plan& plan);

}  // namespace lathe
