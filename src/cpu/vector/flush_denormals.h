// Denormal numbers are zero while the function runs, as inputs and as results of SSE and AVX instructions:
// what bf16 dot products do in any case.
#pragma once

namespace lathe::vector {

/// `function` must not be inlined: a compiler may move arithmetic across a change of the register.
template <class Argument, class Function>
void flush_denormals(const Argument& argument, Function function) {
  constexpr unsigned kFlushResults = 0x8000;
  constexpr unsigned kFlushInputs = 0x0040;
  const unsigned before = __builtin_ia32_stmxcsr();
  __builtin_ia32_ldmxcsr(before | kFlushResults | kFlushInputs);
  function(argument);
  __builtin_ia32_ldmxcsr(before);
}

}  // namespace lathe::vector
