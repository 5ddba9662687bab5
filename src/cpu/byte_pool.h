// The driver of MaxPool of bytes on one or two axes, over a vector type B of bytes. Plain data and functions
// of internal linkage, so that ISA files may include it.
//
// For each line of the output the greatest bytes of the input's lines are found first, between the padding;
// then the greatest of neighbours, and of these every one that the stride asks for.
#pragma once

#include <cstdint>

#include "cpu/pool_windows.h"

namespace lathe::byte_pool {
namespace {

constexpr std::int64_t kSlack = 64;  // vectors run over the end of a line

struct Problem : pool::Windows {
  std::int64_t width;  // of a line with its padding, and slack
  const std::uint8_t* x;
  std::uint8_t* y;
};

[[maybe_unused]] Problem problem_of(const KernelCall& call) {
  Problem problem{pool::windows_of(call), 0, nullptr, nullptr};
  const WindowAxis& columns = problem.columns;
  const std::int64_t given = columns.pad_begin + columns.input;
  const std::int64_t wanted = (columns.output - 1) * columns.stride + window_extent(columns);
  problem.width = ((given > wanted ? given : wanted) + 2 * kSlack - 1) / kSlack * kSlack;
  problem.x = static_cast<const std::uint8_t*>(call.inputs[0].data);
  problem.y = static_cast<std::uint8_t*>(call.outputs[0].data);
  return problem;
}

/// The greatest bytes of the lines that a line of the output sees.
template <class B>
void pool_lines(const Problem& problem, const std::uint8_t* plane, std::int64_t line, std::uint8_t* target) {
  const std::int64_t end = last_kernel(problem.lines, line);
  for (std::int64_t i = 0; i < problem.columns.input; i += B::kBytes) {
    B greatest = B::least();
    for (std::int64_t k = first_kernel(problem.lines, line); k < end; ++k) {
      const std::int64_t at = first_input(problem.lines, line) + k * problem.lines.dilation;
      greatest =
          greater(greatest, B::load_first(plane + at * problem.columns.input + i, problem.columns.input - i));
    }
    greatest.store(target + i);  // the least behind the end, as the padding is
  }
}

/// The greatest of neighbours from each column of `padded` on.
template <class B>
B pool_columns(const WindowAxis& columns, const std::uint8_t* padded) {
  B greatest = B::load(padded);
  for (std::int64_t k = 1; k < columns.kernel; ++k)
    greatest = greater(greatest, B::load(padded + k * columns.dilation));
  return greatest;
}

template <class B>
void run(const KernelCall& call) {
  const Problem problem = problem_of(call);
  const WindowAxis& columns = problem.columns;
  auto* padded = static_cast<std::uint8_t*>(call.scratch);
  std::uint8_t* pooled = padded + problem.width;
  for (std::int64_t i = 0; i < problem.width; i += B::kBytes) B::least().store(padded + i);
  const std::int64_t lines = problem.planes * problem.lines.output;
  const std::int64_t end = lines * (call.thread + 1) / call.threads;
  for (std::int64_t line = lines * call.thread / call.threads; line < end; ++line) {
    const std::uint8_t* plane = problem.x + line / problem.lines.output * problem.lines.input * columns.input;
    std::uint8_t* y = problem.y + line * columns.output;
    pool_lines<B>(problem, plane, line % problem.lines.output, padded + columns.pad_begin);
    if (columns.stride == 1) {
      for (std::int64_t i = 0; i < columns.output; i += B::kBytes)
        pool_columns<B>(columns, padded + i).store_first(y + i, columns.output - i);
      continue;
    }
    for (std::int64_t i = 0; i <= (columns.output - 1) * columns.stride; i += B::kBytes)
      pool_columns<B>(columns, padded + i).store(pooled + i);
    for (std::int64_t i = 0; i < columns.output; ++i) y[i] = pooled[i * columns.stride];
  }
}

[[maybe_unused]] std::size_t scratch_bytes(const KernelCall& call) {
  return static_cast<std::size_t>(2 * problem_of(call).width);
}

}  // namespace
}  // namespace lathe::byte_pool
