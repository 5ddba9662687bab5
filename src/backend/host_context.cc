#include "backend/host_context.h"

#include <algorithm>
#include <chrono>

#include "base/error.h"

namespace lathe {
namespace {

constexpr std::size_t kScratchAlignment = 64;

std::size_t round_up(std::size_t bytes) {
  return (bytes + kScratchAlignment - 1) / kScratchAlignment * kScratchAlignment;
}

}  // namespace

HostContext::HostContext(std::shared_ptr<const Plan> plan, std::shared_ptr<ThreadPool> pool, Buffer arena,
                         Backend& backend)
    : plan_(std::move(plan)), pool_(std::move(pool)), arena_(std::move(arena)), backend_(backend) {
  bound_.resize(plan_->bindings.size(), nullptr);
  for (const auto& tensor : plan_->tensors) {
    CHECK(tensor.type.dims.size() <= kMaxRank);
    std::vector<int> symbols;
    for (const auto& dim : tensor.type.dims)
      symbols.push_back(dim.is_symbolic() ? plan_->symbol(dim.symbol) : -1);
    dim_symbols_.push_back(std::move(symbols));
  }
  const auto append = [this](const std::vector<std::int32_t>& tensors) {
    const auto first = static_cast<std::uint32_t>(arguments_.size());
    for (const auto index : tensors) {
      const auto& type = plan_->tensors[static_cast<std::size_t>(index)].type;
      arguments_.push_back(
          {nullptr, {}, static_cast<std::int32_t>(type.dims.size()), static_cast<std::int32_t>(type.dtype)});
      argument_tensors_.push_back(index);
    }
    return first;
  };
  for (const auto& step : plan_->steps) {
    const auto first_input = append(step.inputs);
    operands_.push_back({first_input, append(step.outputs)});
  }
  active_.reserve(plan_->steps.size());
  // Scratch for the greatest step, so that later ones need no more.
  for (const auto& profile : plan_->profiles) {
    std::vector<std::int64_t> most;
    for (const auto& symbol : profile.symbols) most.push_back(symbol.maximum);
    resolve(most, ~0u);
  }
}

void HostContext::bind(int binding, const Buffer& buffer, std::uint64_t offset) {
  CHECK(binding >= 0 && static_cast<std::size_t>(binding) < bound_.size() && offset <= buffer.bytes());
  auto* address = static_cast<std::byte*>(buffer.data()) + offset;
  auto& slot = bound_[static_cast<std::size_t>(binding)];
  pointers_stale_ = pointers_stale_ || slot != address;
  slot = address;
}

void HostContext::resolve_dims(TensorArg& argument, const PlanTensor& tensor,
                               std::span<const std::int64_t> symbols) const {
  const auto& indices = dim_symbols_[static_cast<std::size_t>(&tensor - plan_->tensors.data())];
  for (std::size_t i = 0; i < indices.size(); ++i)
    argument.dims[i] =
        indices[i] < 0 ? tensor.type.dims[i].value : symbols[static_cast<std::size_t>(indices[i])];
}

void HostContext::resolve_pointers() {
  for (std::size_t i = 0; i < arguments_.size(); ++i) {
    const auto& tensor = plan_->tensors[static_cast<std::size_t>(argument_tensors_[i])];
    std::byte* base = nullptr;
    if (tensor.place == Place::arena)
      base = static_cast<std::byte*>(arena_.data()) +
             profile_->offsets[static_cast<std::size_t>(argument_tensors_[i])];
    if (tensor.place == Place::weight)
      base = static_cast<std::byte*>(plan_->weights[static_cast<std::size_t>(tensor.index)].data());
    if (tensor.place == Place::bound) base = bound_[static_cast<std::size_t>(tensor.index)];
    arguments_[i].data = base == nullptr ? nullptr : base + tensor.offset;
  }
  pointers_stale_ = false;
}

KernelCall HostContext::call_of(std::uint32_t step) const {
  const auto& plan_step = plan_->steps[step];
  return {arguments_.data() + operands_[step].first_input,
          arguments_.data() + operands_[step].first_output,
          plan_step.attributes.values(),
          nullptr,
          static_cast<std::int32_t>(plan_step.inputs.size()),
          0,
          1,
          0};
}

void HostContext::reserve_scratch(std::size_t bytes) {
  if (bytes <= scratch_bytes_) return;
  scratch_bytes_ = round_up(bytes);
  scratch_ = backend_.allocate(scratch_bytes_ * static_cast<std::size_t>(pool_->threads()));
}

void HostContext::resolve(std::span<const std::int64_t> symbols, std::uint32_t wanted_outputs) {
  const auto* profile = &plan_->profiles[static_cast<std::size_t>(plan_->profile_for(symbols))];
  pointers_stale_ = pointers_stale_ || profile != profile_;
  profile_ = profile;
  for (std::size_t i = 0; i < arguments_.size(); ++i)
    resolve_dims(arguments_[i], plan_->tensors[static_cast<std::size_t>(argument_tensors_[i])], symbols);

  active_.clear();
  std::int32_t first_open = 0;  // all steps before this one are complete for every thread
  bool parallel_open = false;   // a parallel step ran since then
  std::size_t scratch = 0;
  for (std::uint32_t i = 0; i < plan_->steps.size(); ++i) {
    const auto& step = plan_->steps[i];
    if ((step.outputs_mask & (wanted_outputs | kEffectBit)) == 0) continue;
    const StepChoice& choice = profile_->choices[i];
    KernelCall call = call_of(i);
    call.variant = choice.variant;
    const bool serial = choice.threads == 1 || (choice.threads == 0 && choice.kernel->serial != nullptr &&
                                                choice.kernel->serial(call));
    if (choice.kernel->scratch_bytes != nullptr) {
      call.threads = serial ? 1 : pool_->threads();
      scratch = std::max(scratch, choice.kernel->scratch_bytes(call));
    }
    // Serial steps follow each other on one thread; only what crosses threads needs a barrier.
    const bool barrier =
        profile_->conflicts[i] >= first_open && (!serial || parallel_open) && !active_.empty();
    if (barrier) {
      first_open = static_cast<std::int32_t>(i);
      parallel_open = false;
    }
    parallel_open = parallel_open || !serial;
    active_.push_back({i, &choice, serial, barrier});
  }
  reserve_scratch(scratch);
  resolved_symbols_.assign(symbols.begin(), symbols.end());
  resolved_outputs_ = wanted_outputs;
}

void HostContext::run_step(const ActiveStep& active, int thread) const {
  KernelCall call = call_of(active.step);
  call.scratch = static_cast<std::byte*>(scratch_.data()) + scratch_bytes_ * static_cast<std::size_t>(thread);
  call.thread = thread;
  call.threads = active.serial ? 1 : pool_->threads();
  call.variant = active.choice->variant;
  active.choice->kernel->run(call);
}

void HostContext::run_thread(int thread) {
  for (const auto& active : active_) {
    if (active.barrier_before) pool_->barrier();
    if (!active.serial || thread == 0) run_step(active, thread);
  }
}

void HostContext::run(std::span<const std::int64_t> symbols, std::uint32_t wanted_outputs) {
  CHECK(symbols.size() == plan_->symbols.size());
  for (std::size_t i = 0; i < symbols.size(); ++i)
    CHECK(symbols[i] >= 0 && symbols[i] <= plan_->symbols[i].maximum);
  if (wanted_outputs != resolved_outputs_ ||
      !std::equal(symbols.begin(), symbols.end(), resolved_symbols_.begin()))
    resolve(symbols, wanted_outputs);
  if (pointers_stale_) resolve_pointers();
  if (!profiling_) {
    pool_->run([this](int thread) { run_thread(thread); });
    return;
  }
  step_seconds_.assign(plan_->steps.size(), 0.0);
  for (const auto& active : active_) {
    const auto start = std::chrono::steady_clock::now();
    pool_->run([&](int thread) {
      if (!active.serial || thread == 0) run_step(active, thread);
    });
    step_seconds_[active.step] =
        std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
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
  CHECK(source.place == Place::arena && bytes.size() <= source.max_bytes);
  backend_.read(arena_, profile_->offsets[index], bytes);
}

}  // namespace lathe
