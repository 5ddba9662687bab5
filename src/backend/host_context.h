// Runs a plan on kernels that are plain functions of the host's processor: all threads walk through the steps
// together and wait for each other only where a step needs what another thread may still be writing or
// reading.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "backend/backend.h"
#include "base/thread_pool.h"

namespace lathe {

class HostContext final : public ExecutionContext {
 public:
  /// `arena` has plan->arena_bytes(); `backend` outlives this and does the copies.
  HostContext(std::shared_ptr<const Plan> plan, std::shared_ptr<ThreadPool> pool, Buffer arena,
              Backend& backend);

  void bind(int binding, const Buffer& buffer, std::uint64_t offset) override;
  void run(std::span<const std::int64_t> symbols, std::uint32_t wanted_outputs) override;
  void read_output(int output, std::span<std::byte> bytes) override;
  void read_tensor(int tensor, std::span<std::byte> bytes) override;
  std::vector<double> step_seconds() const override { return step_seconds_; }
  void set_profiling(bool on) override { profiling_ = on; }

 private:
  struct Operands {
    std::uint32_t first_input;  // indices into arguments_
    std::uint32_t first_output;
  };
  struct ActiveStep {
    std::uint32_t step;
    const StepChoice* choice;
    bool serial;
    bool barrier_before;
  };

  void resolve(std::span<const std::int64_t> symbols, std::uint32_t wanted_outputs);
  void resolve_dims(TensorArg& argument, const PlanTensor& tensor,
                    std::span<const std::int64_t> symbols) const;
  void resolve_pointers();
  void reserve_scratch(std::size_t bytes);
  void run_thread(int thread);
  void run_step(const ActiveStep& active, int thread) const;
  KernelCall call_of(std::uint32_t step) const;

  std::shared_ptr<const Plan> plan_;
  std::shared_ptr<ThreadPool> pool_;
  Buffer arena_;
  Backend& backend_;
  const PlanProfile* profile_ = nullptr;       // of the last resolve
  std::vector<std::byte*> bound_;              // one for each binding
  std::vector<std::vector<int>> dim_symbols_;  // per tensor and dimension: index of its symbol, -1: a number
  std::vector<TensorArg> arguments_;           // all steps' inputs and outputs
  std::vector<std::int32_t> argument_tensors_;
  std::vector<Operands> operands_;  // per step
  std::vector<ActiveStep> active_;
  std::vector<std::int64_t> resolved_symbols_;
  std::uint32_t resolved_outputs_ = 0;
  bool pointers_stale_ = true;
  std::size_t scratch_bytes_ = 0;  // per thread
  Buffer scratch_;
  bool profiling_ = false;
  std::vector<double> step_seconds_;
};

/// Bit of PlanStep::outputs_mask for steps with effects: they run whatever outputs are wanted.
inline constexpr std::uint32_t kEffectBit = 1u << 31;

}  // namespace lathe
