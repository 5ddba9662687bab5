// What a loaded model consists of, for people and tools to look at, and what the machine could do at best.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace lathe {

struct TensorInspection {
  std::string name;
  std::string dtype;
  std::vector<std::int64_t> shape;  // outermost first
  std::uint64_t bytes = 0;
};

struct PassInspection {
  std::string name;
  bool enabled = true;
  bool changed = false;
  double seconds = 0;
};

struct StepInspection {
  std::string name;  // the node's
  std::string op;
  std::string kernel;
  std::vector<std::string> inputs;  // types: "f32[T, 576]"
  std::vector<std::string> outputs;
};

struct MemoryInspection {
  std::uint64_t arena_bytes = 0;
  std::uint64_t arena_lower_bound = 0;  // the most that is alive at one step
  std::uint64_t cache_bytes = 0;
  std::uint64_t weight_bytes_mapped = 0;
  std::uint64_t weight_bytes_copied = 0;
  double weight_seconds = 0;
};

struct Inspection {
  std::vector<std::pair<std::string, std::string>> metadata;  // values as text; long ones cut
  std::vector<TensorInspection> tensors;                      // in the file's order
  std::vector<std::string> unused_keys;  // of the model's configuration, that nothing reads
  std::vector<PassInspection> passes;    // empty without weights, as are the next two
  std::vector<StepInspection> steps;
  MemoryInspection memory;
};

/// Operations: two for each multiply-add.
struct MachineLimits {
  double read_bytes_per_s = 0;       // from memory
  double int8_operations_per_s = 0;  // 8-bit dot products with the best instructions there are
};

/// Measures for about half a second with `threads` threads (0: one per core). Throws Error(resource_limit)
/// without the memory for it.
MachineLimits measure_machine_limits(int threads = 0);

}  // namespace lathe
