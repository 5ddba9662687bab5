// Two programs run side by side on the same inputs, or one held against tensors that are there already: every
// tensor that both have under one name is compared.
#include <algorithm>
#include <map>

#include "api/execution.h"
#include "api/tensor_difference.h"
#include "backend/plan_file.h"
#include "lathe/execute.h"

namespace lathe {
namespace {

/// A program with its run.
class Side {
 public:
  explicit Side(ProgramOptions options) {
    options.keep_tensors = true;
    program_ = std::make_shared<const ProgramImplementation>(options);
    execution_ = std::make_unique<ExecutionImplementation>(program_, 0);
    list_tensors();
  }

  const ProgramImplementation& program() const { return *program_; }
  void run() { execution_->run(true); }

  /// Gives it A's inputs. Returns what one of the two has alone.
  std::vector<std::string> take_inputs(const Side& a) {
    std::vector<std::string> notes;
    for (const auto& input : program_->inputs) {
      const auto given = a.program().first_inputs.find(input.name);
      if (given != a.program().first_inputs.end())
        execution_->set_input(input.name, given->second);
      else
        notes.push_back("B alone has the input " + printable(input.name));
    }
    for (const auto& input : a.program().inputs)
      if (std::ranges::find(program_->inputs, input.name, &InputSpec::name) == program_->inputs.end())
        notes.push_back("A alone has the input " + printable(input.name));
    return notes;
  }

  /// In the order in which layers write them; an output stands behind the tensor that it is.
  const std::vector<std::string>& names() const { return names_; }
  bool has(const std::string& name) const { return ops_.contains(name); }
  /// What writes it; empty of an output that no layer writes.
  const std::string& op(const std::string& name) const { return ops_.at(name); }
  bool is_output(const std::string& name) const {
    return std::ranges::find(program_->output_infos, name, &TensorInfo::name) != program_->output_infos.end();
  }
  Tensor tensor(const std::string& name) const {
    return is_output(name) ? execution_->output(name) : execution_->tensor(name);
  }

 private:
  void list_tensors() {
    const Plan& plan = *program_->plan;
    const auto name_of = [&plan](std::int32_t tensor) {
      return plan.tensors[static_cast<std::size_t>(tensor)].name;
    };
    std::map<std::string, std::string> writers;
    std::multimap<std::string, std::string> outputs;  // by the tensor that each is
    for (const auto& step : plan.steps)
      for (const auto tensor : step.outputs) writers.emplace(name_of(tensor), step.op->name);
    for (const auto& output : plan.outputs) outputs.emplace(name_of(output.tensor), output.name);
    const auto add = [&](const std::string& name, const std::string& op) {
      if (ops_.emplace(name, op).second) names_.push_back(name);
    };
    for (const auto& info : program_->tensor_infos) {
      const std::string& op = writers.at(info.name);
      add(info.name, op);
      const auto [first, last] = outputs.equal_range(info.name);
      for (auto output = first; output != last; ++output) add(output->second, op);
    }
    for (const auto& info : program_->output_infos) add(info.name, "");
  }

  std::shared_ptr<const ProgramImplementation> program_;
  std::unique_ptr<ExecutionImplementation> execution_;
  std::vector<std::string> names_;
  std::map<std::string, std::string> ops_;
};

}  // namespace

bool is_network(const std::string& file) {
  if (file.ends_with(".onnx") || file.ends_with(".graph") || file.ends_with(".txt")) return true;
  return file.ends_with(".plan") && is_plan_file(file) && PlanFile::open(file)->section("metadata").empty();
}

Comparison compare(const ProgramOptions& a, const ProgramOptions& b, const Tolerance& tolerance) {
  Side side_a(a);
  Side side_b(b);
  ComparisonMaker maker(tolerance);
  for (const auto& note : side_a.program().notes) maker.remark(note);
  for (const auto& note : side_b.take_inputs(side_a)) maker.remark(note);
  side_a.run();
  side_b.run();
  for (const auto& name : side_a.names()) {
    if (side_b.has(name))
      maker.add(name, side_a.op(name), side_a.tensor(name), side_b.tensor(name));
    else
      maker.only_a(name);
  }
  for (const auto& name : side_b.names())
    if (!side_a.has(name)) maker.only_b(name);
  return maker.result();
}

Comparison compare(const ProgramOptions& program, const NamedTensors& expected, const Tolerance& tolerance) {
  Side side(program);
  ComparisonMaker maker(tolerance);
  for (const auto& note : side.program().notes) maker.remark(note);
  side.run();
  // A file's name may lack what a tensor's has.
  const auto stands_for = [&side](const std::string& name) {
    return [&](const auto& item) {
      return item.first == name || (!side.has(item.first) && npy_file_name(name) == item.first + ".npy");
    };
  };
  for (const auto& name : side.names()) {
    const auto other = std::ranges::find_if(expected, stands_for(name));
    if (other != expected.end())
      maker.add(name, side.op(name), side.tensor(name), other->second);
    else if (side.is_output(name))
      maker.only_a(name);
  }
  for (const auto& item : expected)
    if (std::ranges::none_of(side.names(), [&](const auto& name) { return stands_for(name)(item); }))
      maker.only_b(item.first);
  return maker.result();
}

}  // namespace lathe
