// Graph to Plan: passes, kernels, packed weights, memory.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "backend/backend.h"
#include "base/memory_available.h"
#include "compile/pack_weights.h"
#include "compile/tuning_options.h"
#include "graph/graph.h"
#include "passes/pipeline.h"

namespace lathe {

/// A profile to build: ranges of the symbols, and how much it counts beside the others.
struct ProfileRanges {
  std::string name;
  std::vector<SymbolRange> symbols;  // in the order of CompileOptions::limits
  double weight = 1;                 // in the sum that layouts are chosen by
};

struct CompileOptions {
  std::string math = "int8";  // arithmetic of matmuls with block-quantized or bf16 weights: "int8" or "f32"
  ActivationCodes activations;
  std::vector<std::string> disabled_passes;  // by name
  std::vector<SymbolLimit> limits;           // one for every symbol of the graph
  std::vector<ProfileRanges> profiles;       // empty: one that takes everything up to the limits
  bool reuse_memory = true;                  // false: every tensor keeps its bytes until the next run
  bool pack_weights = true;                  // false: read as the file has them, where a kernel does that
  int threads = 0;                           // that pack weights; 0: one per core
  std::optional<MemoryAvailable> memory;     // that there is; empty: what this machine leaves now
  TuningOptions tuning;
  /// Of other compilations on this device that have constants in common; null: there are none.
  DerivedConstants* derived = nullptr;
  PackedWeights* packed = nullptr;
};

struct CompileResult {
  std::shared_ptr<const Plan> plan;
  std::vector<PassReport> passes;
  Graph graph;  // behind the passes, as the plan has it
};

/// Throws Error(unsupported) naming a node that no kernel accepts, Error(invalid_argument) for a symbol
/// without limit.
CompileResult compile(Graph graph, Backend& backend, const CompileOptions& options);

/// The first part of it: the passes alone.
std::vector<PassReport> run_passes(Graph& graph, Backend& backend, const CompileOptions& options);

/// Adds what samplers read to the output "logits" f32[S, V]: "arg_max" i32[S], "top_values" f32[S, k] and
/// "top_ids" i32[S, k], "log_sum_exp" f32[S].
void add_sampling_outputs(Graph& graph, int candidates);

}  // namespace lathe
