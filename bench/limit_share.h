// What a benchmark reaches of the machine's limits, as counters beside its time.
#pragma once

#include <benchmark/benchmark.h>

#include <map>
#include <utility>

#include "cpu/limits.h"

namespace lathe {

/// Measured once for each number of threads, at the ISA level that LATHE_ISA chooses.
inline double read_limit(int threads) {
  static std::map<int, double> measured;
  const auto [found, is_new] = measured.try_emplace(threads);
  if (is_new) found->second = measure_read_limit(threads);
  return found->second;
}

inline double dot_limit(DotOperand operand, int threads) {
  static std::map<std::pair<DotOperand, int>, double> measured;
  const auto [found, is_new] = measured.try_emplace({operand, threads});
  if (is_new) found->second = measure_dot_limit(operand, threads);
  return found->second;
}

/// Adds GB/s, and "of bandwidth", of bytes that a call reads from memory.
inline void count_bytes(benchmark::State& state, double bytes, int threads) {
  const double all = static_cast<double>(state.iterations()) * bytes;
  const double limit = read_limit(threads);
  state.counters["GB/s"] = benchmark::Counter(all * 1e-9, benchmark::Counter::kIsRate);
  state.counters["of bandwidth"] = benchmark::Counter(all / limit, benchmark::Counter::kIsRate);
}

/// Adds GOP/s, and the share of the peak for these operands, of a call's operations: two for each
/// multiply-add.
inline void count_operations(benchmark::State& state, double operations, DotOperand operand, int threads) {
  const double all = static_cast<double>(state.iterations()) * operations;
  const double limit = dot_limit(operand, threads);
  const char* name = operand == DotOperand::int8   ? "of int8 peak"
                     : operand == DotOperand::bf16 ? "of bf16 peak"
                                                   : "of f32 peak";
  state.counters["GOP/s"] = benchmark::Counter(all * 1e-9, benchmark::Counter::kIsRate);
  state.counters[name] = benchmark::Counter(all / limit, benchmark::Counter::kIsRate);
}

}  // namespace lathe
