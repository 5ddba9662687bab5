// A program: its plan, and all that a run of it needs to know. Shared by the executions, and never changed.
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "api/index_rules.h"
#include "api/program_inputs.h"
#include "backend/backend.h"
#include "backend/plan_file.h"
#include "compile/compile.h"
#include "graph/graph.h"
#include "lathe/execute.h"

namespace lathe {

class CalibrationSet;
struct ProgramSharing;
struct ProgramSource;

class ProgramImplementation {
 public:
  /// Changes a graph before it is compiled.
  using EditGraph = std::function<void(Graph& graph)>;
  explicit ProgramImplementation(const ProgramOptions& options, const EditGraph& edit = nullptr);
  /// Of this graph, whatever the network's file has.
  ProgramImplementation(const ProgramOptions& options, Graph graph, ProgramSharing& sharing);

  /// Values of the plan's symbols.
  std::vector<std::int64_t> symbols(const Sizes& sizes) const;
  /// Bit i: output i is computed.
  std::uint32_t wanted() const;
  /// Index of a tensor that a layer writes; throws Error(invalid_argument).
  std::size_t written_tensor(const std::string& name) const;

  std::string name;
  ModelOptions model_options;                     // complete
  Graph before;                                   // the passes; empty of a plan from a file
  PrecisionInspection precision;                  // without layers where none was chosen
  std::shared_ptr<const CompileResult> compiled;  // null of a plan from a file
  std::shared_ptr<const PlanFile> plan_file;      // null of what is compiled here
  std::shared_ptr<Backend> backend;
  std::shared_ptr<const Plan> plan;
  std::vector<InputSpec> inputs;
  std::vector<InputSpec> states;
  std::vector<IndexRule> rules;
  InputTensors first_inputs;
  Sizes sizes;
  std::vector<int> outputs;  // indices in the plan, of those that are computed
  std::vector<std::string> notes;
  bool keep_tensors = false;
  bool reuses_memory = false;  // whatever keep_tensors says: a plan from a file

  // As the public API shows them.
  std::vector<TensorInfo> input_infos, output_infos, tensor_infos;
  NamedSizes named_sizes;

 private:
  void begin(const ProgramOptions& options);
  /// `samples`: that precision is chosen by, or null; `sharing` too.
  void compile_graph(const ProgramOptions& options, ProgramSource source, const CalibrationSet* samples,
                     ProgramSharing* sharing);
  /// The same network at the sizes that are known now, as numbers.
  void read_again(const ProgramOptions& options, Graph& graph);
  void load_plan(const ProgramOptions& options, const std::string& file);
  /// Chooses the types of the layers of the source's graph.
  void apply_precision(const ProgramOptions& options, const CalibrationSet& samples, ProgramSource& source,
                       ProgramSharing& sharing);
  void read_raw_inputs(const ProgramOptions& options);
  void choose_outputs(std::span<const std::string> names);
  void describe();
  TensorInfo describe_tensor(std::int32_t tensor, const std::string& shown_name) const;
};

/// The program's layers and what it binds, with the names that TensorRT's inspector has.
std::string layers_json(const ProgramImplementation& program);
std::vector<StepInspection> layers(const ProgramImplementation& program);
Inspection inspect(const ProgramImplementation& program);
std::string graph_text(const ProgramImplementation& program, bool before);

}  // namespace lathe
