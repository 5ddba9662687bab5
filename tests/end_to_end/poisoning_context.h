// Runs a plan step by step in an arena that holds poison wherever a value is not alive: before the run all of
// it, and behind each step every byte that no later step reads before it writes it, and that no wanted output
// has. What is alive is found from the bytes of the steps' operands, not from the compiler's lifetimes.
#pragma once

#include <memory>
#include <vector>

#include "backend/backend.h"

namespace lathe::test {

class PoisoningContext final : public ExecutionContext {
 public:
  /// Each step's shares are run one after another, the last thread's first.
  PoisoningContext(std::shared_ptr<const Plan> plan, int threads);

  void bind(int binding, const Buffer& buffer, std::uint64_t offset) override;
  void run(std::span<const std::int64_t> symbols, std::uint32_t wanted_outputs) override;
  void read_output(int output, std::span<std::byte> bytes) override;

 private:
  struct Step {
    std::size_t index;
    std::vector<bool> alive_behind;  // per byte of the arena
  };
  TensorArg argument(std::int32_t tensor) const;
  std::size_t bytes_of(std::int32_t tensor) const;
  void set_alive(std::vector<bool>& alive, std::int32_t tensor, bool value) const;
  std::vector<Step> steps_to_run(std::uint32_t wanted_outputs) const;
  void run_step(const Step& step);
  std::byte* arena() const { return arena_.get(); }

  std::shared_ptr<const Plan> plan_;
  int threads_;
  std::size_t arena_bytes_;
  std::shared_ptr<std::byte> arena_;
  std::vector<std::byte*> bound_;
  const PlanProfile* profile_ = nullptr;
  std::vector<std::int64_t> symbols_;
};

}  // namespace lathe::test
