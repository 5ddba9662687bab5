// A layer in another type with all that depends on it, run on recorded values of the float network: what the
// layer alone does to the network's outputs, without computing what is in front of it.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "api/network_trial.h"
#include "api/program_sharing.h"
#include "graph/graph.h"
#include "lathe/execute.h"
#include "passes/quantize_layers.h"

namespace lathe {

/// A layer and what it becomes.
struct TypedLayer {
  WeightedLayer layer;
  LayerType type = LayerType::f32;
  ValueRange range;  // of its input, where it becomes int8
};

class LayerReplay {
 public:
  using Names = std::vector<std::string>;
  /// `graph` is the float network, whose every tensor has a node. Nothing is computed yet.
  LayerReplay(const ProgramOptions& options, const Graph& graph, const TypedLayer& typed, const Sizes& sizes,
              ProgramSharing& sharing);

  /// What run() reads: inputs of the network, and tensors inside it.
  const Names& inputs() const { return inputs_; }
  /// Outputs of a float type that depend on the layer.
  Names output_names() const { return trial_ == nullptr ? Names() : trial_->output_names(); }
  /// These outputs. `values` has all of inputs(), and may have more. Keeps no memory of the run.
  std::vector<Tensor> run(const std::map<std::string, Tensor>& values);

 private:
  Names inputs_;
  std::unique_ptr<NetworkTrial> trial_;  // null: no output depends on the layer
};

}  // namespace lathe
