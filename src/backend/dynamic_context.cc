#include "backend/dynamic_context.h"

#include <algorithm>
#include <bit>
#include <chrono>

#include "backend/barrier_meeting.h"
#include "backend/host_context.h"
#include "backend/step_fault.h"
#include "base/barrier.h"
#include "base/error.h"
#include "base/require_bytes.h"
#include "graph/infer.h"
#include "graph/text_lists.h"

namespace lathe {
namespace {

constexpr std::size_t kAlignment = 64;

/// The dimensions of a node's "shape" where some are symbols; empty otherwise.
Dims symbolic_shape(const Node& node) {
  const auto shape = node.attributes.find("shape");
  if (shape == node.attributes.end() || !std::holds_alternative<std::string>(shape->second)) return {};
  const auto dims = parse_dims(std::get<std::string>(shape->second));
  return dims && std::ranges::any_of(*dims, &Dim::is_symbolic) ? *dims : Dims{};
}

}  // namespace

DynamicContext::DynamicContext(std::shared_ptr<const Plan> plan, std::shared_ptr<ThreadPool> pool,
                               Backend& backend, bool keep)
    : DynamicContext(std::move(plan), std::move(pool), backend, keep, std::make_shared<TextTable>()) {}

DynamicContext::DynamicContext(std::shared_ptr<const Plan> plan, std::shared_ptr<ThreadPool> pool,
                               Backend& backend, bool keep, std::shared_ptr<TextTable> texts)
    : plan_(std::move(plan)),
      pool_(std::move(pool)),
      backend_(backend),
      keep_(keep),
      texts_(std::move(texts)) {
  bound_.resize(plan_->bindings.size(), nullptr);
  bound_values_.resize(plan_->bindings.size());
  reads_.assign(plan_->tensors.size(), 0);
  for (const auto& step : plan_->steps) {
    nodes_.push_back(node_of(step));
    if (auto shape = symbolic_shape(nodes_.back()); !shape.empty())
      symbolic_shapes_.emplace_back(nodes_.size() - 1, std::move(shape));
    for (const auto input : step.inputs) ++reads_[static_cast<std::size_t>(input)];
    auto& bodies = bodies_.emplace_back();
    for (const auto& body : step.bodies)
      bodies.push_back(
          std::unique_ptr<DynamicContext>(new DynamicContext(body, pool_, backend_, false, texts_)));
  }
  for (const auto& output : plan_->outputs) ++reads_[static_cast<std::size_t>(output.tensor)];
}

Node DynamicContext::node_of(const PlanStep& step) const {
  Node node;
  node.op = step.op;
  node.name = step.name;
  node.inputs = step.inputs;
  node.outputs = step.outputs;
  node.attributes = step.attributes.named();
  for (const auto& body : step.bodies) node.bodies.push_back(interface_of(*body));
  return node;
}

void DynamicContext::bind(int binding, const Buffer& buffer, std::uint64_t offset) {
  CHECK(binding >= 0 && static_cast<std::size_t>(binding) < bound_.size() && offset <= buffer.bytes());
  CHECK(buffer.host_visible());
  bound_[static_cast<std::size_t>(binding)] = static_cast<std::byte*>(buffer.data()) + offset;
}

/// Buffers of powers of two, so that those of earlier tensors and runs serve again; what is large is as large
/// as it must be, and held against the memory that there is.
DynamicContext::Memory DynamicContext::allocate(std::uint64_t bytes, const std::string& what) {
  constexpr std::uint64_t kLeast = 256;
  constexpr std::uint64_t kLarge = std::uint64_t{1} << 24;
  constexpr std::uint64_t kExact = std::uint64_t{1} << 28;
  const std::uint64_t size = bytes < kExact ? std::bit_ceil(std::max(bytes, kLeast)) : bytes;
  const auto found =
      std::ranges::find_if(free_, [size](const Memory& memory) { return memory->bytes() == size; });
  if (found != free_.end()) {
    Memory memory = std::move(*found);
    free_.erase(found);
    return memory;
  }
  if (size >= kLarge) {
    auto left = memory_available();
    if (left && left->bytes < size) {
      free_.clear();
      left = memory_available();
    }
    const auto& step = plan_->steps[step_];
    require_bytes(size, std::string(step.op->name) + " " + printable(step.name) + ": " + what, left,
                  step.name);
  }
  return std::make_shared<Buffer>(backend_.allocate(size));
}

RunValue DynamicContext::allocate(const ValueType& type) {
  RunValue value{type, nullptr, allocate(byte_count(type), to_string(type)), {}};
  value.data = static_cast<std::byte*>(value.memory->data());
  return value;
}

class DynamicContext::Call final : public HostStepCall {
 public:
  Call(DynamicContext& context, std::size_t step, std::span<const RunValue> inputs)
      : HostStepCall(context.nodes_[step], inputs), context_(context), step_(step) {}

  RunValue allocate(const ValueType& type) override { return context_.allocate(type); }
  TextTable& text_table() const override { return *context_.texts_; }
  std::vector<RunValue> run_body(std::size_t body, std::vector<RunValue> inputs) override {
    return context_.bodies_[step_][body]->run_as_body(std::move(inputs), context_.symbols_);
  }

 private:
  DynamicContext& context_;
  std::size_t step_;
};

void DynamicContext::run_host_step(std::size_t index) {
  const PlanStep& step = plan_->steps[index];
  std::vector<RunValue> inputs;
  for (const auto input : step.inputs) inputs.push_back(tensor(input));
  Call call(*this, index, inputs);
  auto outputs = host_step(*step.op)(call);
  CHECK(outputs.size() == step.outputs.size());
  for (std::size_t i = 0; i < outputs.size(); ++i) tensor(step.outputs[i]) = std::move(outputs[i]);
}

std::vector<RunValue> DynamicContext::run_as_body(std::vector<RunValue> inputs,
                                                  std::span<const std::int64_t> symbols) {
  CHECK(inputs.size() == plan_->bindings.size());
  handed_ = std::move(inputs);
  run_steps(symbols, ~0u);
  std::vector<RunValue> outputs;
  for (const auto& output : plan_->outputs) outputs.push_back(tensor(output.tensor));
  handed_.clear();
  tensors_.clear();
  return outputs;
}

void DynamicContext::give_sizes(std::span<const std::int64_t> symbols) {
  for (const auto& [step, shape] : symbolic_shapes_) {
    Dims dims = shape;
    for (auto& dim : dims)
      if (dim.is_symbolic()) dim = Dim(symbols[static_cast<std::size_t>(plan_->symbol(dim.symbol))]);
    nodes_[step].attributes["shape"] = dims_text(dims).value();
  }
}

void DynamicContext::start(std::span<const std::int64_t> symbols) {
  give_sizes(symbols);
  for (auto& old : tensors_)
    if (old.memory != nullptr && old.memory.use_count() == 1) free_.push_back(std::move(old.memory));
  tensors_.assign(plan_->tensors.size(), {});
  left_ = reads_;
  for (std::size_t i = 0; i < tensors_.size(); ++i) {
    const PlanTensor& planned = plan_->tensors[i];
    if (planned.place == Place::arena) continue;
    RunValue& own = tensors_[i];
    if (planned.place == Place::bound && !handed_.empty()) {
      own = handed_[static_cast<std::size_t>(planned.index)];
      continue;
    }
    if (planned.place == Place::bound && planned.type.container != Container::tensor) {
      own = bound_values_[static_cast<std::size_t>(planned.index)];
      continue;
    }
    own.type = planned.type;
    for (auto& dim : own.type.dims)
      if (dim.is_symbolic()) dim = Dim(symbols[static_cast<std::size_t>(plan_->symbol(dim.symbol))]);
    own.data = planned.place == Place::bound
                   ? bound_[static_cast<std::size_t>(planned.index)]
                   : static_cast<std::byte*>(plan_->weights[static_cast<std::size_t>(planned.index)].data());
    if (own.data != nullptr) own.data += planned.offset;
  }
}

void DynamicContext::find_types(std::size_t index) {
  const PlanStep& step = plan_->steps[index];
  input_types_.resize(step.inputs.size());
  values_.assign(step.inputs.size(), {});
  for (std::size_t i = 0; i < step.inputs.size(); ++i) {
    const RunValue& input = tensor(step.inputs[i]);
    input_types_[i] = input.type;
    if (i >= 32 || (step.op->value_inputs >> i & 1) == 0) continue;
    values_[i] = {input.data, input.type.dtype, {}};
    for (const auto& dim : input.type.dims) values_[i].shape.push_back(dim.value);
  }
  output_types_ = infer_types(nodes_[index], {input_types_, values_});
  CHECK(output_types_.size() == step.outputs.size());
  for (const auto& type : output_types_) {
    if (!is_planned(type))
      throw Error(ErrorCode::internal, "step " + step.name + " does not know its output " + to_string(type));
    const auto problem = type_problem(type);
    if (!problem.empty())
      throw Error(ErrorCode::invalid_argument, "step " + printable(step.name) + ": " + problem);
  }
}

TensorArg DynamicContext::argument(std::int32_t index) const {
  const RunValue& own = tensor(index);
  TensorArg result{own.data,
                   {},
                   static_cast<std::int32_t>(own.type.dims.size()),
                   static_cast<std::int32_t>(own.type.dtype)};
  for (std::size_t d = 0; d < own.type.dims.size(); ++d) result.dims[d] = own.type.dims[d].value;
  return result;
}

/// The plan's choice, unless what it was made for has become something that it does not accept.
const Kernel& DynamicContext::kernel_for(std::size_t step, const StepChoice& choice) const {
  const NodeTypes types{input_types_, output_types_, &nodes_[step]};
  if (choice.kernel->accepts == nullptr || choice.kernel->accepts(types)) return *choice.kernel;
  const Kernel* other = find_kernel(backend_.kernels(), types);
  if (other == nullptr)
    throw Error(ErrorCode::unsupported, "no kernel of " + std::string(backend_.name()) +
                                            " accepts the sizes of " + printable(plan_->steps[step].name));
  return *other;
}

void DynamicContext::call_kernel(std::size_t index, const StepChoice& choice) {
  const PlanStep& step = plan_->steps[index];
  const Kernel& kernel = kernel_for(index, choice);
  arguments_.clear();
  for (const auto input : step.inputs) arguments_.push_back(argument(input));
  for (const auto output : step.outputs) arguments_.push_back(argument(output));
  KernelCall call{arguments_.data(),
                  arguments_.data() + step.inputs.size(),
                  step.attributes.values(),
                  nullptr,
                  static_cast<std::int32_t>(step.inputs.size()),
                  0,
                  1,
                  &kernel == choice.kernel ? choice.variant : 0};
  const bool serial = kernel.serial != nullptr && kernel.serial(call);
  call.threads = serial ? 1 : pool_->threads();
  const std::size_t scratch = kernel.scratch_bytes == nullptr
                                  ? 0
                                  : (kernel.scratch_bytes(call) + kAlignment - 1) / kAlignment * kAlignment;
  const std::size_t needed = scratch * static_cast<std::size_t>(call.threads);
  if (scratch_ == nullptr || scratch_->bytes() < needed) scratch_ = allocate(needed, "its scratch");
  Barrier barrier;
  BarrierMeeting meeting{
      {meet_at_barrier, static_cast<std::int64_t>(scratch)}, &barrier, call.threads, pool_->spins()};
  call.meeting = &meeting;
  std::int32_t fault = 0;
  call.fault = &fault;
  pool_->run(
      [&](int thread) {
        KernelCall own = call;
        own.thread = thread;
        own.scratch = static_cast<std::byte*>(scratch_->data()) + scratch * static_cast<std::size_t>(thread);
        kernel.run(own);
      },
      call.threads);
  if (fault != 0) throw_fault(step);
}

void DynamicContext::run_step(std::size_t index, const PlanProfile& profile) {
  const PlanStep& step = plan_->steps[index];
  step_ = index;
  if (is_host_step(*step.op)) {
    run_host_step(index);
    return release_read(step);
  }
  find_types(index);
  const StepChoice& choice = profile.choices[index];
  if (choice.kernel == nullptr) {
    RunValue view = tensor(step.inputs[static_cast<std::size_t>(step.op->aliases_input)]);
    view.type = output_types_[0];
    tensor(step.outputs[0]) = std::move(view);
  } else {
    bool any = false;
    for (std::size_t i = 0; i < output_types_.size(); ++i) {
      any = any || byte_count(output_types_[i]) > 0;
      tensor(step.outputs[i]) = allocate(output_types_[i]);
    }
    if (any) call_kernel(index, choice);
  }
  release_read(step);
}

/// Gives back the memory of tensors that nobody reads any more.
void DynamicContext::release_read(const PlanStep& step) {
  if (keep_) return;
  const auto release = [this](std::int32_t index) {
    tensor(index).elements.clear();
    Memory memory = std::exchange(tensor(index).memory, nullptr);
    if (memory != nullptr && memory.use_count() == 1) free_.push_back(std::move(memory));
  };
  for (const auto index : step.inputs)
    if (--left_[static_cast<std::size_t>(index)] == 0) release(index);
  for (const auto index : step.outputs)
    if (left_[static_cast<std::size_t>(index)] == 0) release(index);
}

void DynamicContext::run(std::span<const std::int64_t> symbols, std::uint32_t wanted_outputs) {
  texts_->forget();
  run_steps(symbols, wanted_outputs);
}

void DynamicContext::run_steps(std::span<const std::int64_t> symbols, std::uint32_t wanted_outputs) {
  CHECK(symbols.size() == plan_->symbols.size());
  using Clock = std::chrono::steady_clock;
  const auto& profile = plan_->profiles[static_cast<std::size_t>(plan_->profile_for(symbols))];
  symbols_.assign(symbols.begin(), symbols.end());
  start(symbols);
  step_seconds_.assign(profiling_ ? plan_->steps.size() : 0, 0.0);
  for (std::size_t i = 0; i < plan_->steps.size(); ++i) {
    if ((plan_->steps[i].outputs_mask & (wanted_outputs | kEffectBit)) == 0) continue;
    const auto begin = Clock::now();
    run_step(i, profile);
    if (profiling_) step_seconds_[i] = std::chrono::duration<double>(Clock::now() - begin).count();
  }
}

void DynamicContext::bind_value(int binding, RunValue value) {
  bound_values_.at(static_cast<std::size_t>(binding)) = std::move(value);
}

const RunValue& DynamicContext::output_value(int output) const {
  return tensor(plan_->outputs.at(static_cast<std::size_t>(output)).tensor);
}

const RunValue& DynamicContext::tensor_value(int index) const {
  CHECK(keep_ && index >= 0 && static_cast<std::size_t>(index) < tensors_.size());
  return tensor(index);
}

Shape DynamicContext::output_shape(int output) const {
  Shape shape;
  for (const auto& dim : tensor(plan_->outputs.at(static_cast<std::size_t>(output)).tensor).type.dims)
    shape.push_back(dim.value);
  return shape;
}

void DynamicContext::read_output(int output, std::span<std::byte> bytes) {
  const RunValue& own = tensor(plan_->outputs.at(static_cast<std::size_t>(output)).tensor);
  CHECK(bytes.size() <= byte_count(own.type));
  std::copy_n(own.data, bytes.size(), bytes.data());
}

}  // namespace lathe
