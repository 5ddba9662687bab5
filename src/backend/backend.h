// The seam to a device: memory, copies, kernels, and running a plan.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "backend/host_step.h"
#include "backend/kernel.h"
#include "backend/plan.h"
#include "base/error.h"
#include "tensor/buffer.h"

namespace lathe {

/// Bytes that crossed between host and device since the backend was made.
struct Traffic {
  std::uint64_t to_device = 0;
  std::uint64_t to_host = 0;
};

struct ContextOptions {
  /// The arena: at least Plan::arena_bytes() on this device, at a multiple of 64 bytes. Empty: the context
  /// allocates its own.
  std::optional<Buffer> memory;
  /// Threads of the context's own, so that it runs beside other contexts of the same backend; 0: it uses the
  /// backend's, and contexts that do so take turns.
  int own_threads = 0;
  /// Of plans whose sizes only a run knows: tensors stay until the next run, for tensor_value().
  bool keep_tensors = false;
};

/// One execution context over a plan: an arena and the bindings. Contexts of one plan share its weights; each
/// is used by one thread at a time.
class ExecutionContext {
 public:
  virtual ~ExecutionContext() = default;

  /// Binds an input or state by its index (Plan::binding). The buffer must outlive the runs that use it.
  virtual void bind(int binding, const Buffer& buffer, std::uint64_t offset = 0) = 0;

  /// Runs the steps that the wanted outputs need (bit i: output i) for the given values of the plan's symbols
  /// (Plan::symbols order, each at most its limit), and returns when they are done. Allocates nothing once it
  /// has seen the same symbols and outputs.
  virtual void run(std::span<const std::int64_t> symbols, std::uint32_t wanted_outputs) = 0;

  /// What the elements of tensors of strings are numbers of. Inputs' texts are put there when they are bound.
  virtual TextTable& text_table() {
    throw Error(ErrorCode::unsupported, "this device runs no plans with strings");
  }

  /// Copies the first bytes.size() bytes of an output to the host.
  virtual void read_output(int output, std::span<std::byte> bytes) = 0;
  /// The same of a sequence or an optional: its tensors' memory must be the device's.
  virtual void bind_value(int /*binding*/, RunValue /*value*/) {
    throw Error(ErrorCode::unsupported, "this device runs no plans with sequences");
  }
  /// What the last run gave, until the next one.
  virtual const RunValue& output_value(int /*output*/) const {
    throw Error(ErrorCode::unsupported, "this device runs no plans with sequences");
  }
  /// The output's dimensions in the last run, where only a run knows them.
  virtual Shape output_shape(int /*output*/) const {
    throw Error(ErrorCode::unsupported, "this device runs no plans whose sizes depend on what tensors hold");
  }
  /// The same of any tensor in the arena (index in Plan::tensors), of the last run. It is what its step wrote
  /// only in plans compiled without reuse of memory.
  virtual void read_tensor(int /*tensor*/, std::span<std::byte> /*bytes*/) {
    throw Error(ErrorCode::unsupported, "this device does not show tensors inside a plan");
  }

  /// The same where only a run knows its size: what its step gave, in contexts with
  /// ContextOptions::keep_tensors.
  virtual const RunValue& tensor_value(int /*tensor*/) const {
    throw Error(ErrorCode::unsupported, "this device does not show tensors inside such a plan");
  }

  /// Seconds of each step of the last run, if profiling is on; empty otherwise.
  virtual std::vector<double> step_seconds() const { return {}; }
  virtual void set_profiling(bool) {}
};

class Backend {
 public:
  virtual ~Backend() = default;

  virtual std::string_view name() const = 0;
  virtual Buffer allocate(
      std::size_t bytes) = 0;  // 64-byte aligned, contents undefined; throws Error(resource_limit)
  /// The same for what is written once, whole, and read by every step: on large pages where there are such.
  virtual Buffer allocate_weight(std::size_t bytes) { return allocate(bytes); }
  /// A buffer over host memory that needs no copy, if this device can read it; `owner` keeps it alive.
  virtual std::optional<Buffer> share(std::span<const std::byte> host, std::shared_ptr<const void> owner) = 0;
  virtual void write(const Buffer& buffer, std::uint64_t offset, std::span<const std::byte> host) = 0;
  virtual void read(const Buffer& buffer, std::uint64_t offset, std::span<std::byte> host) = 0;
  virtual Traffic traffic() const = 0;

  /// Threads that kernels are shared out among, where a context has none of its own.
  virtual int threads() const { return 1; }
  /// All kernels that this device can run, in no particular order.
  virtual std::span<const Kernel> kernels() const = 0;
  virtual std::unique_ptr<ExecutionContext> create_context(std::shared_ptr<const Plan> plan,
                                                           ContextOptions options = {}) = 0;
};

/// The highest-ranked kernel that accepts the node, of `arithmetic` unless that is empty; nullptr if there is
/// none.
const Kernel* find_kernel(std::span<const Kernel> kernels, const NodeTypes& types,
                          std::string_view arithmetic = {});

}  // namespace lathe
