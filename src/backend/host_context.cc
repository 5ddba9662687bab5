#include "backend/host_context.h"

#include <algorithm>

#include "backend/barrier_meeting.h"
#include "backend/step_fault.h"
#include "base/error.h"
#include "base/require_bytes.h"
#include "graph/infer.h"

namespace lathe {
namespace {

constexpr std::size_t kAlignment = 64;  // of the arena and of scratch

std::size_t round_up(std::size_t bytes) { return (bytes + kAlignment - 1) / kAlignment * kAlignment; }

}  // namespace

Buffer arena_for(const Plan& plan, ContextOptions& options, Backend& backend) {
  if (!options.memory) {
    require_bytes(plan.arena_bytes(), "a run of the plan", memory_available(), "memory");
    return backend.allocate(plan.arena_bytes());
  }
  const auto refuse = [](const std::string& message) {
    throw Error(ErrorCode::invalid_argument, message, {{}, std::nullopt, "memory"});
  };
  if (options.memory->bytes() < plan.arena_bytes())
    refuse("the plan's tensors need " + std::to_string(plan.arena_bytes()) + " bytes, the memory has " +
           std::to_string(options.memory->bytes()));
  const auto beyond = reinterpret_cast<std::uintptr_t>(options.memory->data()) % kAlignment;
  if (beyond != 0)
    refuse("the memory for the plan's tensors begins " + std::to_string(beyond) +
           " bytes behind a multiple of " + std::to_string(kAlignment));
  return *std::move(options.memory);
}

HostContext::HostContext(std::shared_ptr<const Plan> plan, std::shared_ptr<ThreadPool> pool, Buffer arena,
                         Backend& backend)
    : plan_(std::move(plan)), pool_(std::move(pool)), arena_(std::move(arena)), backend_(backend) {
  meetings_ = std::make_unique<Barrier[]>(static_cast<std::size_t>(pool_->threads()));
  bound_.resize(plan_->bindings.size(), nullptr);
  faults_.resize(plan_->steps.size(), 0);
  collect_arguments();
  for (std::size_t i = 0; i < plan_->steps.size(); ++i)
    if (plan_->steps[i].op != nullptr && plan_->steps[i].op->name == "Sizes")
      size_steps_.emplace(plan_->steps[i].outputs[0], static_cast<std::uint32_t>(i));
  for (const auto& profile : plan_->profiles) {
    resolved_.push_back(std::make_unique<Resolved>(*plan_, profile, pool_->threads()));
    point_at_memory(*resolved_.back());
    // Scratch for the greatest step, so that later ones need no more.
    std::vector<std::int64_t> most;
    for (const auto& symbol : profile.symbols) most.push_back(symbol.maximum);
    resolve(*resolved_.back(), most, ~0u);
  }
}

void HostContext::collect_arguments() {
  const auto append = [this](const std::vector<std::int32_t>& tensors) {
    const auto first = static_cast<std::uint32_t>(argument_tensors_.size());
    for (const auto index : tensors) {
      const auto argument = static_cast<std::uint32_t>(argument_tensors_.size());
      const auto& tensor = plan_->tensors[static_cast<std::size_t>(index)];
      CHECK(tensor.type.dims.size() <= kMaxRank);
      for (std::uint32_t d = 0; d < tensor.type.dims.size(); ++d)
        if (tensor.type.dims[d].is_symbolic())
          symbolic_dims_.push_back(
              {argument, d, static_cast<std::uint32_t>(plan_->symbol(tensor.type.dims[d].symbol))});
      if (tensor.place == Place::bound)
        bound_arguments_.push_back({argument, static_cast<std::uint32_t>(tensor.index), tensor.offset});
      argument_tensors_.push_back(index);
    }
    return first;
  };
  for (const auto& step : plan_->steps) {
    const auto first_input = append(step.inputs);
    operands_.push_back({first_input, append(step.outputs)});
  }
}

void HostContext::point_at_memory(Resolved& resolved) {
  for (const auto index : argument_tensors_) {
    const auto& tensor = plan_->tensors[static_cast<std::size_t>(index)];
    TensorArg argument{nullptr,
                       {},
                       static_cast<std::int32_t>(tensor.type.dims.size()),
                       static_cast<std::int32_t>(tensor.type.dtype)};
    for (std::size_t d = 0; d < tensor.type.dims.size(); ++d) argument.dims[d] = tensor.type.dims[d].value;
    std::byte* base = nullptr;
    if (tensor.place == Place::arena)
      base =
          static_cast<std::byte*>(arena_.data()) + resolved.profile.offsets[static_cast<std::size_t>(index)];
    if (tensor.place == Place::weight)
      base = static_cast<std::byte*>(plan_->weights[static_cast<std::size_t>(tensor.index)].data());
    if (base != nullptr) argument.data = base + tensor.offset;
    resolved.arguments.push_back(argument);
  }
  resolved.active.reserve(plan_->steps.size());
}

void HostContext::point_at_bound(Resolved& resolved) const {
  for (const auto& bound : bound_arguments_) {
    std::byte* base = bound_[bound.binding];
    resolved.arguments[bound.argument].data = base == nullptr ? nullptr : base + bound.offset;
  }
  resolved.bound_version = bound_version_;
}

void HostContext::bind(int binding, const Buffer& buffer, std::uint64_t offset) {
  CHECK(binding >= 0 && static_cast<std::size_t>(binding) < bound_.size() && offset <= buffer.bytes());
  auto* address = static_cast<std::byte*>(buffer.data()) + offset;
  auto& slot = bound_[static_cast<std::size_t>(binding)];
  if (slot != address) ++bound_version_;
  slot = address;
}

void HostContext::reserve_scratch(std::size_t bytes) {
  if (bytes <= scratch_bytes_) return;
  scratch_bytes_ = round_up(bytes);
  scratch_ = backend_.allocate(scratch_bytes_ * static_cast<std::size_t>(pool_->threads()));
}

void HostContext::resolve(Resolved& resolved, std::span<const std::int64_t> symbols,
                          std::uint32_t wanted_outputs) {
  for (const auto& dim : symbolic_dims_) resolved.arguments[dim.argument].dims[dim.dim] = symbols[dim.symbol];

  resolved.active.clear();
  resolved.schedule.clear();
  std::size_t scratch = 0;
  for (std::uint32_t i = 0; i < plan_->steps.size(); ++i) {
    const auto& step = plan_->steps[i];
    if ((step.outputs_mask & (wanted_outputs | kEffectBit)) == 0) continue;
    const StepChoice& choice = resolved.profile.choices[i];
    const Kernel& kernel = *choice.kernel;
    KernelCall call{resolved.arguments.data() + operands_[i].first_input,
                    resolved.arguments.data() + operands_[i].first_output,
                    step.attributes.values(),
                    nullptr,
                    static_cast<std::int32_t>(step.inputs.size()),
                    0,
                    1,
                    choice.variant};
    call.fault = &faults_[i];
    const auto entry = resolved.schedule.add(i, kernel.serial != nullptr && kernel.serial(call));
    call.threads = entry.threads.count;
    if (kernel.scratch_bytes != nullptr) scratch = std::max(scratch, kernel.scratch_bytes(call));
    resolved.active.push_back({i, entry, kernel.run, call});
  }
  reserve_scratch(scratch);
  resolved.symbols.assign(symbols.begin(), symbols.end());
  resolved.outputs = wanted_outputs;
}

namespace {

ValueType type_of(const TensorArg& argument) {
  ValueType type{static_cast<Dtype>(argument.dtype), {}};
  for (std::int32_t d = 0; d < argument.rank; ++d) type.dims.emplace_back(argument.dims[d]);
  return type;
}

Node node_of(const PlanStep& step) {
  Node node;
  node.op = step.op;
  node.name = step.name;
  node.attributes = step.attributes.named();
  return node;
}

}  // namespace

/// What was only known by name when the plan was made is a number now, and weights are there: the ops' rules
/// say whether it fits.
void HostContext::check_types(Resolved& resolved) const {
  try {
    for (const auto& active : resolved.active) {
      const Op* op = plan_->steps[active.step].op;
      const bool open =
          op != nullptr && op->infer_values != nullptr && (!plan_->symbols.empty() || op->value_inputs != 0);
      if (open) check_types(resolved, active.step);
    }
  } catch (const Error&) {
    resolved.symbols.clear();  // asked again, they are refused again
    resolved.outputs = 0;
    throw;
  }
}

std::vector<ValueType> HostContext::input_types(const Resolved& resolved, std::uint32_t index) const {
  std::vector<ValueType> types;
  for (std::size_t i = 0; i < plan_->steps[index].inputs.size(); ++i)
    types.push_back(type_of(resolved.arguments[operands_[index].first_input + i]));
  return types;
}

/// The numbers that a step "Sizes" will give.
Elements HostContext::sizes_of(const Resolved& resolved, std::uint32_t index) const {
  const auto types = input_types(resolved, index);
  const std::vector<ValueType> outputs = {type_of(resolved.arguments[operands_[index].first_output])};
  return size_elements({node_of(plan_->steps[index]), types, {}, outputs, {}}).at(0);
}

void HostContext::check_types(const Resolved& resolved, std::uint32_t index) const {
  const PlanStep& step = plan_->steps[index];
  const auto types = input_types(resolved, index);
  std::vector<TensorView> values(step.inputs.size());
  std::vector<Elements> elements(step.inputs.size());
  bool all_read = true;  // that the rule asks for
  for (std::size_t i = 0; i < step.inputs.size() && i < 32; ++i) {
    if ((step.op->value_inputs >> i & 1) == 0) continue;
    const TensorArg& argument = resolved.arguments[operands_[index].first_input + i];
    const auto& tensor = plan_->tensors[static_cast<std::size_t>(step.inputs[i])];
    const auto sizes = size_steps_.find(step.inputs[i]);
    if (sizes != size_steps_.end()) elements[i] = sizes_of(resolved, sizes->second);
    if (tensor.place != Place::weight ||
        !plan_->weights[static_cast<std::size_t>(tensor.index)].host_visible()) {
      all_read = all_read && sizes != size_steps_.end();
      continue;
    }
    values[i] = {static_cast<const std::byte*>(argument.data), types[i].dtype, {}};
    for (const auto& dim : types[i].dims) values[i].shape.push_back(dim.value);
  }
  const auto made = infer_types(node_of(step), {types, values, elements});
  for (std::size_t i = 0; i < made.size(); ++i) {
    const auto planned = type_of(resolved.arguments[operands_[index].first_output + i]);
    if (!is_compatible(planned, made[i]) || (all_read && !is_planned(made[i])))
      throw Error(ErrorCode::invalid_argument, std::string(step.op->name) + " " + printable(step.name) +
                                                   " makes " + to_string(made[i]) +
                                                   " at these sizes, and the plan has " + to_string(planned));
  }
}

void HostContext::run_step(const ActiveStep& active, int thread) const {
  KernelCall call = active.call;
  call.scratch = static_cast<std::byte*>(scratch_.data()) + scratch_bytes_ * static_cast<std::size_t>(thread);
  const auto& threads = active.schedule.threads;
  call.thread = thread - threads.first;
  const BarrierMeeting meeting{{meet_at_barrier, static_cast<std::int64_t>(scratch_bytes_)},
                               &meetings_[static_cast<std::size_t>(threads.first)],
                               threads.count,
                               pool_->spins()};
  call.meeting = &meeting;
  active.run(call);
}

void HostContext::run_thread(int thread) const {
  for (const auto& active : current_->active) {
    auto* wait = active.schedule.barrier;
    if (wait != nullptr && wait->threads.contains(thread))
      wait->barrier.wait(wait->threads.count, pool_->spins());
    if (active.schedule.threads.contains(thread)) run_step(active, thread);
  }
}

void HostContext::run(std::span<const std::int64_t> symbols, std::uint32_t wanted_outputs) {
  CHECK(symbols.size() == plan_->symbols.size());
  const auto is_for = [&](const Resolved& resolved) {
    return resolved.outputs == wanted_outputs && std::ranges::equal(symbols, resolved.symbols);
  };
  if (current_ == nullptr || !is_for(*current_)) {
    auto& resolved = *resolved_[static_cast<std::size_t>(plan_->profile_for(symbols))];
    if (!is_for(resolved)) {
      resolve(resolved, symbols, wanted_outputs);
      check_types(resolved);
    }
    current_ = &resolved;
  }
  if (current_->bound_version != bound_version_) point_at_bound(*current_);
  if (profiling_)
    run_profiled();
  else
    pool_->run([this](int thread) { run_thread(thread); }, current_->schedule.threads());
  throw_faults();
}

void HostContext::throw_faults() {
  const auto found = std::ranges::find_if(faults_, [](std::int32_t fault) { return fault != 0; });
  if (found == faults_.end()) return;
  const auto& step = plan_->steps[static_cast<std::size_t>(found - faults_.begin())];
  std::ranges::fill(faults_, 0);
  throw_fault(step);
}

void HostContext::set_profiling(bool on) {
  profiling_ = on;
  times_.resize(on ? plan_->steps.size() * static_cast<std::size_t>(pool_->threads()) : 0);
  step_seconds_.clear();
}

/// One step after another, none beside it, so that each has the machine to itself.
void HostContext::run_profiled() {
  using Clock = std::chrono::steady_clock;
  const auto steps = current_->active.size();
  pool_->run(
      [&](int thread) {
        Times* times = times_.data() + static_cast<std::size_t>(thread) * steps;
        for (const auto& active : current_->active) {
          pool_->barrier();
          times->begin = Clock::now();
          if (active.schedule.threads.contains(thread)) run_step(active, thread);
          (times++)->end = Clock::now();
        }
      },
      current_->schedule.threads());
  step_seconds_.assign(plan_->steps.size(), 0.0);
  for (std::size_t i = 0; i < steps; ++i) {
    const auto& threads = current_->active[i].schedule.threads;
    auto begin = Clock::time_point::max();
    auto end = Clock::time_point::min();
    for (auto thread = threads.first; thread < threads.end(); ++thread) {
      const Times& times = times_[static_cast<std::size_t>(thread) * steps + i];
      begin = std::min(begin, times.begin);
      end = std::max(end, times.end);
    }
    step_seconds_[current_->active[i].step] = std::chrono::duration<double>(end - begin).count();
  }
}

void HostContext::read_output(int output, std::span<std::byte> bytes) {
  const auto& tensor =
      plan_->tensors[static_cast<std::size_t>(plan_->outputs.at(static_cast<std::size_t>(output)).tensor)];
  CHECK(tensor.place == Place::arena);
  read_tensor(static_cast<int>(&tensor - plan_->tensors.data()), bytes);
}

void HostContext::read_tensor(int tensor, std::span<std::byte> bytes) {
  const auto index = static_cast<std::size_t>(tensor);
  const auto& source = plan_->tensors.at(index);
  CHECK(current_ != nullptr && source.place == Place::arena && bytes.size() <= source.max_bytes);
  backend_.read(arena_, current_->profile.offsets[index], bytes);
}

}  // namespace lathe
