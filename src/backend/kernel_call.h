// What a kernel is given. Plain data alone, so that ISA files may include it.
#pragma once

#include <cstddef>
#include <cstdint>

namespace lathe {

struct FusedProgram;

inline constexpr int kMaxRank = 8;

struct TensorArg {
  void* data;                   // on the kernel's device
  std::int64_t dims[kMaxRank];  // outermost first; symbols are numbers by now
  std::int32_t rank;
  std::int32_t dtype;  // a Dtype
};

union AttributeValue {
  std::int64_t integer;
  double real;
  const char* text;  // ends with a zero
  const FusedProgram* program;
};

/// Where the threads of a step can meet inside a kernel, to read what the others have left in their scratch.
struct StepMeeting {
  void (*wait)(const StepMeeting& meeting);  // returns when all of the step's threads have called it
  std::int64_t scratch_stride;               // bytes from a thread's scratch to that of the next
};

/// One step as one thread sees it: every thread of the pool calls the kernel with its own `thread`, and the
/// kernel does its share. A kernel that is `serial` for the call runs on thread 0 alone, with threads = 1.
struct KernelCall {
  const TensorArg* inputs;
  const TensorArg* outputs;
  const AttributeValue* attributes;  // in the order of the op's row
  void* scratch;                     // this thread's, 64-byte aligned, scratch_bytes() long
  std::int32_t input_count;
  std::int32_t thread;
  std::int32_t threads;
  std::int32_t variant = 0;              // index into the kernel's variants
  const StepMeeting* meeting = nullptr;  // null where threads cannot meet: a kernel must do without
  /// Where a kernel that checks what it reads sets a one: an index is out of range, a divisor is zero. It
  /// goes on with something harmless, and the run fails. Null where nobody looks.
  std::int32_t* fault = nullptr;
};

using KernelFunction = void (*)(const KernelCall&);

}  // namespace lathe
