// Runs a plan on kernels that are plain functions of the host's processor: all threads walk through the steps
// together and wait for each other only where a step needs what another thread may still be writing or
// reading (step_schedule.h).
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <vector>

#include "backend/backend.h"
#include "backend/step_schedule.h"
#include "base/barrier.h"
#include "base/thread_pool.h"
#include "graph/size_elements.h"

namespace lathe {

/// The arena of a context: the caller's memory where the options have it, else fresh. Throws
/// Error(invalid_argument) where that memory is too small, with both sizes, or does not begin at a multiple
/// of 64 bytes.
Buffer arena_for(const Plan& plan, ContextOptions& options, Backend& backend);

class HostContext final : public ExecutionContext {
 public:
  /// `arena` has plan->arena_bytes(); `backend` outlives this and does the copies.
  HostContext(std::shared_ptr<const Plan> plan, std::shared_ptr<ThreadPool> pool, Buffer arena,
              Backend& backend);

  void bind(int binding, const Buffer& buffer, std::uint64_t offset) override;
  void run(std::span<const std::int64_t> symbols, std::uint32_t wanted_outputs) override;
  void read_output(int output, std::span<std::byte> bytes) override;
  void read_tensor(int tensor, std::span<std::byte> bytes) override;
  /// From the moment the first of a step's threads begins until the last one ends.
  std::vector<double> step_seconds() const override { return step_seconds_; }
  void set_profiling(bool on) override;

 private:
  struct Operands {
    std::uint32_t first_input;  // indices into Resolved::arguments
    std::uint32_t first_output;
  };
  struct SymbolicDim {
    std::uint32_t argument;
    std::uint32_t dim;
    std::uint32_t symbol;
  };
  struct BoundArgument {
    std::uint32_t argument;
    std::uint32_t binding;
    std::uint64_t offset;
  };
  struct ActiveStep {
    std::uint32_t step;
    StepSchedule::Entry schedule;
    KernelFunction run;
    KernelCall call;  // without scratch and thread
  };
  /// A profile's steps for the symbols and outputs it was last asked for. Each profile has its own, so that
  /// to change between them costs nothing.
  struct Resolved {
    Resolved(const Plan& plan, const PlanProfile& profile_used, std::int32_t threads)
        : profile(profile_used), schedule(plan, profile_used, threads) {}

    const PlanProfile& profile;
    StepSchedule schedule;
    std::vector<TensorArg> arguments;  // all steps' inputs and outputs
    std::vector<ActiveStep> active;
    std::vector<std::int64_t> symbols;
    std::uint32_t outputs = 0;
    std::uint64_t bound_version = 0;  // of bound_ when arguments got its addresses
  };
  struct Times {
    std::chrono::steady_clock::time_point begin;
    std::chrono::steady_clock::time_point end;
  };

  void collect_arguments();
  void point_at_memory(Resolved& resolved);
  void point_at_bound(Resolved& resolved) const;
  void resolve(Resolved& resolved, std::span<const std::int64_t> symbols, std::uint32_t wanted_outputs);
  std::vector<ValueType> input_types(const Resolved& resolved, std::uint32_t step) const;
  Elements sizes_of(const Resolved& resolved, std::uint32_t step) const;
  void check_types(Resolved& resolved) const;
  void check_types(const Resolved& resolved, std::uint32_t step) const;
  void reserve_scratch(std::size_t bytes);
  void run_thread(int thread) const;
  void run_step(const ActiveStep& active, int thread) const;
  void run_profiled();
  void throw_faults();

  std::shared_ptr<const Plan> plan_;
  std::shared_ptr<ThreadPool> pool_;
  Buffer arena_;
  Backend& backend_;
  std::vector<Operands> operands_;              // per step
  std::vector<std::int32_t> argument_tensors_;  // per argument
  std::vector<SymbolicDim> symbolic_dims_;      // of all arguments
  std::vector<BoundArgument> bound_arguments_;
  std::map<std::int32_t, std::uint32_t> size_steps_;  // "Sizes" steps, by the tensor that they give
  std::vector<std::byte*> bound_;                     // one for each binding
  std::uint64_t bound_version_ = 1;                   // counts changes of bound_
  std::vector<std::unique_ptr<Resolved>> resolved_;   // one for each profile
  Resolved* current_ = nullptr;                       // of the last run
  std::size_t scratch_bytes_ = 0;                     // per thread
  Buffer scratch_;
  std::unique_ptr<Barrier[]> meetings_;  // inside steps, by the first of their threads
  std::vector<std::int32_t> faults_;     // one for each step
  bool profiling_ = false;
  std::vector<Times> times_;  // [threads, steps] while profiling
  std::vector<double> step_seconds_;
};

/// Bit of PlanStep::outputs_mask for steps with effects: they run whatever outputs are wanted.
inline constexpr std::uint32_t kEffectBit = 1u << 31;

}  // namespace lathe
