#include "api/execution.h"

#include <algorithm>
#include <chrono>

#include "api/tensor_numbers.h"
#include "base/error.h"
#include "tensor/dtype.h"
#include "text/utf8.h"

namespace lathe {
namespace {

double now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

bool is_of_texts(const InputSpec& input) { return input.type.dtype == Dtype::string; }

}  // namespace

ExecutionImplementation::ExecutionImplementation(std::shared_ptr<const ProgramImplementation> program,
                                                 int own_threads)
    : program_(std::move(program)), inputs_(program_->first_inputs) {
  ContextOptions options;
  options.own_threads = own_threads;
  options.keep_tensors = program_->keep_tensors;
  context_ = program_->backend->create_context(program_->plan, std::move(options));
  buffers_.resize(program_->plan->bindings.size());
  allocate_states();
  if (inputs_.size() == program_->inputs.size()) prepare();  // else the caller gives them first
}

void ExecutionImplementation::allocate_states() {
  for (const auto& state : program_->states) {
    const auto shape = shape_of(state.type, program_->sizes);
    const std::uint64_t bytes = dense_bytes(state.type.dtype, shape);
    Buffer buffer = program_->backend->allocate(bytes);
    // A fresh cache, whatever the device gives: pages that no token wrote are never read, other states are.
    const std::vector<std::byte> zeros(std::min<std::uint64_t>(bytes, 1 << 20));
    for (std::uint64_t at = 0; at < bytes; at += zeros.size())
      program_->backend->write(buffer, at,
                               std::span(zeros).first(std::min<std::uint64_t>(zeros.size(), bytes - at)));
    buffers_[static_cast<std::size_t>(program_->plan->binding(state.name))] = std::move(buffer);
  }
}

void ExecutionImplementation::set_input(const std::string& name, Tensor tensor) {
  Sizes own;
  bind_sizes(find_input(program_->inputs, name), tensor, own);
  inputs_[name] = std::move(tensor);
  prepared_ = false;
}

void ExecutionImplementation::prepare() {
  const auto& program = *program_;
  Sizes sizes;
  for (const auto& input : program.inputs) bind_sizes(input, inputs_.at(input.name), sizes);
  sizes.insert(program.sizes.begin(), program.sizes.end());
  for (const auto& state : program.states)
    if (shape_of(state.type, sizes) != shape_of(state.type, program.sizes))
      throw Error(ErrorCode::invalid_argument, state.name + " keeps the size that it was loaded with",
                  {{}, std::nullopt, state.name});
  const auto symbols = program.symbols(sizes);
  program.plan->profile_for(symbols);
  check_indices(program.rules, inputs_, [&sizes](const Dim& dim) { return size_of(dim, sizes); });

  for (const auto& input : program.inputs) {
    auto& buffer = buffers_[static_cast<std::size_t>(program.plan->binding(input.name))];
    const Tensor& tensor = inputs_.at(input.name);
    const std::size_t bytes =
        is_of_texts(input) ? tensor.texts.size() * info(Dtype::string).block_bytes : tensor.bytes.size();
    if (buffer.bytes() < bytes) buffer = program.backend->allocate(bytes);
  }
  outputs_.clear();
  for (const int output : program.outputs) {
    const auto tensor = program.plan->outputs[static_cast<std::size_t>(output)].tensor;
    const auto& type = program.plan->tensors[static_cast<std::size_t>(tensor)].type;
    if (program.plan->dynamic) {
      outputs_.push_back({std::string(info(type.dtype).name), {}, {}});  // sized by the run
      continue;
    }
    Tensor result{std::string(info(type.dtype).name), shape_of(type, sizes), {}};
    result.bytes.resize(dense_bytes(type.dtype, result.shape));
    outputs_.push_back(std::move(result));
  }
  sizes_ = std::move(sizes);
  symbols_ = symbols;
  prepared_ = true;
  sent_ = false;
}

std::vector<std::byte> ExecutionImplementation::elements_of(const Tensor& tensor,
                                                            const std::string& name) const {
  std::vector<std::uint64_t> numbers;
  for (const auto& text : tensor.texts) {
    if (!is_utf8(text))
      throw Error(ErrorCode::invalid_argument,
                  "text " + std::to_string(numbers.size()) + " of " + printable(name) + " is not UTF-8",
                  {{}, std::nullopt, name});
    numbers.push_back(context_->text_table().number_of(text, name));
  }
  const auto bytes = std::as_bytes(std::span(numbers));
  return {bytes.begin(), bytes.end()};
}

/// A sequence or an optional, its tensors on the device.
RunValue ExecutionImplementation::sent(const Tensor& tensor, const ValueType& type,
                                       const std::string& name) const {
  RunValue value;
  value.type = {type.dtype, {}, false, type.container};
  if (type.container == Container::tensor) {
    value.type = {*dtype_named(tensor.dtype), {tensor.shape.begin(), tensor.shape.end()}};
    const bool texts = type.dtype == Dtype::string;
    const auto numbers = texts ? elements_of(tensor, name) : std::vector<std::byte>();
    const auto& bytes = texts ? numbers : tensor.bytes;
    value.memory =
        std::make_shared<Buffer>(program_->backend->allocate(std::max<std::size_t>(bytes.size(), 1)));
    value.data = static_cast<std::byte*>(value.memory->data());
    program_->backend->write(*value.memory, 0, bytes);
    return value;
  }
  ValueType element = value.type;
  element.container =
      type.container == Container::optional_sequence ? Container::sequence : Container::tensor;
  for (const auto& each : tensor.elements) value.elements.push_back(sent(each, element, name));
  return value;
}

Tensor ExecutionImplementation::received(const RunValue& value) const {
  Tensor tensor{std::string(info(value.type.dtype).name), {}, {}};
  tensor.container = container_name(value.type.container);
  if (value.type.container != Container::tensor) {
    for (const auto& element : value.elements) tensor.elements.push_back(received(element));
    return tensor;
  }
  for (const auto& dim : value.type.dims) tensor.shape.push_back(dim.value);
  if (value.type.dtype == Dtype::string) {
    const auto* numbers = reinterpret_cast<const std::uint64_t*>(value.data);
    for (std::int64_t i = 0; i < element_count(tensor.shape); ++i)
      tensor.texts.emplace_back(context_->text_table().text(numbers[i]));
    return tensor;
  }
  tensor.bytes.assign(value.data, value.data + byte_count(value.type));
  return tensor;
}

void ExecutionImplementation::send_inputs() {
  const bool any_texts = std::ranges::any_of(program_->inputs, is_of_texts);
  if (any_texts) context_->text_table().clear();
  for (const auto& input : program_->inputs) {
    const Tensor& tensor = inputs_.at(input.name);
    const int binding = program_->plan->binding(input.name);
    if (input.type.container != Container::tensor) {
      context_->bind_value(binding, sent(tensor, input.type, input.name));
      continue;
    }
    const bool texts = is_of_texts(input);
    const auto numbers = texts ? elements_of(tensor, input.name) : std::vector<std::byte>();
    program_->backend->write(buffers_[static_cast<std::size_t>(binding)], 0, texts ? numbers : tensor.bytes);
  }
  if (any_texts) context_->text_table().keep();
  sent_ = true;
}

void ExecutionImplementation::bind() {
  for (std::size_t i = 0; i < buffers_.size(); ++i) context_->bind(static_cast<int>(i), buffers_[i]);
}

void ExecutionImplementation::read(int output, Tensor& tensor) {
  const Plan& plan = *program_->plan;
  const auto& source =
      plan.tensors[static_cast<std::size_t>(plan.outputs[static_cast<std::size_t>(output)].tensor)];
  const auto index = static_cast<std::size_t>(source.index);
  if (source.place == Place::arena)
    context_->read_output(output, tensor.bytes);
  else
    program_->backend->read(source.place == Place::weight ? plan.weights[index] : buffers_[index],
                            source.offset, tensor.bytes);
}

void ExecutionImplementation::read_outputs() {
  for (std::size_t i = 0; i < outputs_.size(); ++i) {
    if (program_->plan->dynamic)
      outputs_[i] = received(context_->output_value(program_->outputs[i]));
    else
      read(program_->outputs[i], outputs_[i]);
  }
}

RunTimes ExecutionImplementation::run(bool transfers) {
  if (!prepared_) prepare();
  RunTimes times;
  times.to_device_start = now();
  if (transfers || !sent_) send_inputs();
  times.to_device_end = now();
  times.enqueue_start = times.to_device_end;
  bind();
  times.enqueue_end = now();
  times.compute_start = times.enqueue_end;
  context_->run(symbols_, program_->wanted());
  times.compute_end = now();
  times.to_host_start = times.compute_end;
  if (transfers) read_outputs();
  times.to_host_end = now();
  return times;
}

const Tensor& ExecutionImplementation::output(const std::string& name) const {
  const auto found = std::ranges::find(program_->output_infos, name, &TensorInfo::name);
  if (found == program_->output_infos.end())
    throw Error(ErrorCode::invalid_argument, "the program computes no output " + printable(name));
  return outputs_[static_cast<std::size_t>(found - program_->output_infos.begin())];
}

Tensor ExecutionImplementation::tensor(const std::string& name) const {
  if (!program_->keep_tensors)
    throw Error(ErrorCode::invalid_argument, "the program was loaded without keep_tensors",
                {{}, std::nullopt, "keep_tensors"});
  return arena_tensor(program_->written_tensor(name));
}

Tensor ExecutionImplementation::arena_tensor(std::size_t index) const {
  if (program_->plan->dynamic) {
    const RunValue& value = context_->tensor_value(static_cast<int>(index));
    if (value.type.container != Container::tensor || is_element(value.type.dtype)) return received(value);
    return plain_tensor({value.data, value.type.dtype, shape_of(value.type, sizes_)});
  }
  const auto& type = program_->plan->tensors[index].type;
  const Shape shape = shape_of(type, sizes_);
  std::vector<std::byte> bytes(dense_bytes(type.dtype, shape));
  context_->read_tensor(static_cast<int>(index), bytes);
  return plain_tensor({bytes.data(), type.dtype, shape});
}

}  // namespace lathe
