// A network compiled to be watched: its outputs on samples, tensors inside it, and the times of its steps.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "api/execution.h"
#include "api/program_implementation.h"
#include "graph/graph.h"
#include "lathe/execute.h"

namespace lathe {

class NetworkTrial {
 public:
  enum class Purpose {
    values,   // every tensor of the graph can be read: nothing is fused
    outputs,  // kernels by rank
    times,    // as the network itself would be compiled
  };
  /// `options` are those of the network; `sizes` bound what run() takes.
  NetworkTrial(const ProgramOptions& options, const Graph& graph, const Sizes& sizes, Purpose purpose);

  /// Outputs of a float type, in the network's order.
  std::vector<Tensor> run(const NamedTensors& sample);
  /// One that a layer wrote in the last run, as float32. Of Purpose::values.
  Tensor tensor(const std::string& name) const { return execution_.tensor(name); }

  struct Times {
    double whole = 0;                                        // of a run without clocks inside
    std::vector<std::pair<std::string, double>> steps = {};  // names with seconds
  };
  /// The least of several runs, at the greatest sizes, on inputs that are made up.
  Times time();

 private:
  std::shared_ptr<const ProgramImplementation> program_;
  ExecutionImplementation execution_;
};

}  // namespace lathe
