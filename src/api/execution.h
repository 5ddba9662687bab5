// One execution context over a program: buffers on the device, and the host's copies of what goes in and out.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "api/program_implementation.h"

namespace lathe {

class ExecutionImplementation {
 public:
  ExecutionImplementation(std::shared_ptr<const ProgramImplementation> program, int own_threads);

  void set_input(const std::string& name, Tensor tensor);
  RunTimes run(bool transfers);
  const Tensor& output(const std::string& name) const;
  Tensor tensor(const std::string& name) const;
  /// The same by index in Plan::tensors, of what lies in the arena: views, which no layer writes, too.
  Tensor arena_tensor(std::size_t index) const;
  /// At the sizes of the last run.
  Shape shape(const ValueType& type) const { return shape_of(type, sizes_); }
  void set_profiling(bool on) { context_->set_profiling(on); }
  std::vector<double> layer_seconds() const { return context_->step_seconds(); }

 private:
  void allocate_states();
  /// Holds the inputs against the plan and the rules, and makes room.
  void prepare();
  void send_inputs();
  RunValue sent(const Tensor& tensor, const ValueType& type, const std::string& name) const;
  /// A tensor of texts as the device has it: their numbers.
  std::vector<std::byte> elements_of(const Tensor& tensor, const std::string& name) const;
  Tensor received(const RunValue& value) const;
  void bind();
  void read_outputs();
  void read(int output, Tensor& tensor);

  std::shared_ptr<const ProgramImplementation> program_;
  std::unique_ptr<ExecutionContext> context_;
  InputTensors inputs_;
  std::vector<Buffer> buffers_;  // one for each binding
  Sizes sizes_;
  std::vector<std::int64_t> symbols_;
  std::vector<Tensor> outputs_;  // in the program's order
  bool prepared_ = false;
  bool sent_ = false;  // the inputs are on the device
};

}  // namespace lathe
