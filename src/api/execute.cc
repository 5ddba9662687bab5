// The public Program and Execution: calls go to the parts that do them.
#include "lathe/execute.h"

#include "api/execution.h"
#include "api/program_implementation.h"

namespace lathe {

Execution::Execution(std::unique_ptr<ExecutionImplementation> implementation)
    : implementation_(std::move(implementation)) {}
Execution::~Execution() = default;
Execution::Execution(Execution&&) noexcept = default;
Execution& Execution::operator=(Execution&&) noexcept = default;

void Execution::set_input(const std::string& name, Tensor tensor) {
  implementation_->set_input(name, std::move(tensor));
}
RunTimes Execution::run(bool transfers) { return implementation_->run(transfers); }
Tensor Execution::output(const std::string& name) const { return implementation_->output(name); }
Tensor Execution::tensor(const std::string& name) const { return implementation_->tensor(name); }
void Execution::set_profiling(bool on) { implementation_->set_profiling(on); }
std::vector<double> Execution::layer_seconds() const { return implementation_->layer_seconds(); }

Program::Program(std::shared_ptr<const ProgramImplementation> implementation)
    : implementation_(std::move(implementation)) {}
Program::~Program() = default;
Program::Program(Program&&) noexcept = default;
Program& Program::operator=(Program&&) noexcept = default;

Program Program::load(const ProgramOptions& options) {
  return Program(std::make_shared<const ProgramImplementation>(options));
}

const std::string& Program::name() const { return implementation_->name; }
const std::vector<TensorInfo>& Program::inputs() const { return implementation_->input_infos; }
const std::vector<TensorInfo>& Program::outputs() const { return implementation_->output_infos; }
const NamedSizes& Program::sizes() const { return implementation_->named_sizes; }
const std::vector<std::string>& Program::notes() const { return implementation_->notes; }
std::vector<StepInspection> Program::layers() const { return lathe::layers(*implementation_); }
std::string Program::layers_json() const { return lathe::layers_json(*implementation_); }
const std::vector<TensorInfo>& Program::tensors() const { return implementation_->tensor_infos; }

Inspection Program::inspect() const { return lathe::inspect(*implementation_); }
std::string Program::graph_text(bool before) const { return lathe::graph_text(*implementation_, before); }

Execution Program::execution(int own_threads) const {
  return Execution(std::make_unique<ExecutionImplementation>(implementation_, own_threads));
}

}  // namespace lathe
