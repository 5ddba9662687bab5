// A network compiled to be watched: its outputs on samples, tensors inside it, and the times of its steps.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "api/execution.h"
#include "api/program_implementation.h"
#include "api/program_sharing.h"
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
  /// `options` are those of the network; `sizes` bound what run() takes, which is given all inputs.
  NetworkTrial(const ProgramOptions& options, Graph graph, const Sizes& sizes, Purpose purpose,
               ProgramSharing& sharing);

  /// Outputs of a float type, in the network's order.
  std::vector<Tensor> run(const NamedTensors& sample);
  std::vector<std::string> output_names() const;
  /// One that the last run computed. Of Purpose::values.
  Tensor tensor(const std::string& name) const;
  /// Gives back the memory of runs until the next one.
  void rest() { execution_.reset(); }

  struct Times {
    double whole = 0;                                        // of a run without clocks inside
    std::vector<std::pair<std::string, double>> steps = {};  // names with seconds
  };
  /// The least of several runs, at the greatest sizes, on inputs that are made up.
  Times time();

 private:
  ExecutionImplementation& execution();

  std::shared_ptr<const ProgramImplementation> program_;
  std::optional<ExecutionImplementation> execution_;  // made by the first run
};

}  // namespace lathe
