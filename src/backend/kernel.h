// A kernel (TensorRT: tactic): a name, what it accepts, a function. Kernels are found once, when a plan is
// compiled.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

#include "backend/kernel_call.h"
#include "graph/graph.h"

namespace lathe {

/// A node as kernels are asked about it: types in, types out.
struct NodeTypes {
  std::span<const ValueType> inputs;
  std::span<const ValueType> outputs;
  const Node* node = nullptr;
};

struct Kernel {
  std::string name;  // unique; what plans store: "avx512.quantized_linear.packed4m"
  std::string_view op;
  std::string_view
      arithmetic;  // kernels of one arithmetic give equal bits, whatever the shape, threads and batch
  int rank = 0;    // the higher is tried first where nothing was measured
  bool (*accepts)(const NodeTypes&) = nullptr;
  KernelFunction run = nullptr;
  /// Bytes of scratch per thread for the call's dimensions (pointers in `call` are null); nullptr: none.
  std::size_t (*scratch_bytes)(const KernelCall& call) = nullptr;
  /// True where the call is too small to be worth more than one thread; nullptr: never serial. What a kernel
  /// is run with where nothing was measured.
  bool (*serial)(const KernelCall& call) = nullptr;
  /// Tiles and splits that `run` knows, all with the same bits; KernelCall::variant is an index. Empty: one
  /// that has no name. The first is what is taken where nothing was measured.
  std::span<const std::string_view> variants = {};
  /// The input whose bytes output 0 may share, where it has the same type and is not needed later; -1: none.
  int in_place_input = -1;
};

}  // namespace lathe
