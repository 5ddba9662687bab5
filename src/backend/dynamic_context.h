// Runs a plan whose sizes depend on what tensors hold: step by step, each with the types that its op's rule
// gives for what its inputs have become, in memory from a pool that is given back behind the last reader.
#pragma once

#include <memory>
#include <vector>

#include "backend/backend.h"
#include "backend/host_step.h"
#include "base/thread_pool.h"

namespace lathe {

class DynamicContext final : public ExecutionContext {
 public:
  /// `backend` outlives this; its memory must be the host's. `keep` says that tensors stay until the next
  /// run.
  DynamicContext(std::shared_ptr<const Plan> plan, std::shared_ptr<ThreadPool> pool, Backend& backend,
                 bool keep = false);
  TextTable& text_table() override { return *texts_; }

  void bind(int binding, const Buffer& buffer, std::uint64_t offset) override;
  /// Throws Error(invalid_argument) naming the step whose inputs turn out not to fit.
  void run(std::span<const std::int64_t> symbols, std::uint32_t wanted_outputs) override;
  void read_output(int output, std::span<std::byte> bytes) override;
  Shape output_shape(int output) const override;
  void bind_value(int binding, RunValue value) override;
  const RunValue& output_value(int output) const override;
  const RunValue& tensor_value(int index) const override;
  std::vector<double> step_seconds() const override { return step_seconds_; }
  void set_profiling(bool on) override { profiling_ = on; }

 private:
  using Memory = std::shared_ptr<Buffer>;
  class Call;

  /// `texts`: of the plan around a body, or of its own.
  DynamicContext(std::shared_ptr<const Plan> plan, std::shared_ptr<ThreadPool> pool, Backend& backend,
                 bool keep, std::shared_ptr<TextTable> texts);

  void start(std::span<const std::int64_t> symbols);
  /// Rules see numbers alone: symbols in shapes that nodes give as a text become this run's.
  void give_sizes(std::span<const std::int64_t> symbols);
  void run_steps(std::span<const std::int64_t> symbols, std::uint32_t wanted_outputs);
  /// A run as another plan's body: its inputs are what that plan has.
  std::vector<RunValue> run_as_body(std::vector<RunValue> inputs, std::span<const std::int64_t> symbols);
  void run_host_step(std::size_t step);
  RunValue allocate(const ValueType& type);
  void run_step(std::size_t step, const PlanProfile& profile);
  void call_kernel(std::size_t step, const StepChoice& choice);
  const Kernel& kernel_for(std::size_t step, const StepChoice& choice) const;
  /// input_types_, values_ and output_types_ of a step.
  void find_types(std::size_t step);
  Node node_of(const PlanStep& step) const;
  Memory allocate(std::uint64_t bytes, const std::string& what);
  void release_read(const PlanStep& step);
  TensorArg argument(std::int32_t tensor) const;
  RunValue& tensor(std::int32_t index) { return tensors_[static_cast<std::size_t>(index)]; }
  const RunValue& tensor(std::int32_t index) const { return tensors_[static_cast<std::size_t>(index)]; }

  std::shared_ptr<const Plan> plan_;
  std::shared_ptr<ThreadPool> pool_;
  Backend& backend_;
  bool keep_;
  std::shared_ptr<TextTable> texts_;
  std::vector<std::byte*> bound_;
  std::vector<RunValue> bound_values_;                                // of bindings that are no tensors
  std::vector<Node> nodes_;                                           // one for each step
  std::vector<std::pair<std::size_t, Dims>> symbolic_shapes_;         // by step
  std::vector<RunValue> tensors_;                                     // of the run
  std::vector<RunValue> handed_;                                      // inputs, where the plan runs as a body
  std::vector<std::vector<std::unique_ptr<DynamicContext>>> bodies_;  // per step
  std::vector<std::int64_t> symbols_;
  std::size_t step_ = 0;  // whose turn it is
  // Of the step whose turn it is, so that steps need not allocate them.
  std::vector<ValueType> input_types_;
  std::vector<ValueType> output_types_;
  std::vector<TensorView> values_;  // of inputs whose elements the op's rule reads
  std::vector<TensorArg> arguments_;
  std::vector<std::int32_t> reads_;  // per tensor: how many readers there are, the caller among them
  std::vector<std::int32_t> left_;   // of these in this run
  std::vector<Memory> free_;         // buffers of earlier tensors
  Memory scratch_;
  bool profiling_ = false;
  std::vector<double> step_seconds_;
};

}  // namespace lathe
