#include "end_to_end/poisoning_context.h"

#include <cstdlib>
#include <cstring>

#include "backend/host_context.h"

namespace lathe::test {
namespace {

constexpr int kPoison = 0xff;  // NaN in every float type, -1 in every integer type

std::shared_ptr<std::byte> poisoned(std::size_t bytes) {
  const std::size_t size = (bytes + 64) / 64 * 64;
  auto* data = static_cast<std::byte*>(std::aligned_alloc(64, size));
  std::memset(data, kPoison, size);
  return {data, [](std::byte* memory) { std::free(memory); }};
}

}  // namespace

PoisoningContext::PoisoningContext(std::shared_ptr<const Plan> plan, int threads)
    : plan_(std::move(plan)),
      threads_(threads),
      arena_bytes_(plan_->arena_bytes()),
      arena_(poisoned(arena_bytes_)),
      bound_(plan_->bindings.size(), nullptr) {}

void PoisoningContext::bind(int binding, const Buffer& buffer, std::uint64_t offset) {
  bound_.at(static_cast<std::size_t>(binding)) = static_cast<std::byte*>(buffer.data()) + offset;
}

TensorArg PoisoningContext::argument(std::int32_t index) const {
  const auto& tensor = plan_->tensors[static_cast<std::size_t>(index)];
  TensorArg result{nullptr,
                   {},
                   static_cast<std::int32_t>(tensor.type.dims.size()),
                   static_cast<std::int32_t>(tensor.type.dtype)};
  for (std::size_t d = 0; d < tensor.type.dims.size(); ++d) {
    const auto& dim = tensor.type.dims[d];
    result.dims[d] =
        dim.is_symbolic() ? symbols_[static_cast<std::size_t>(plan_->symbol(dim.symbol))] : dim.value;
  }
  std::byte* base = arena() + profile_->offsets[static_cast<std::size_t>(index)];
  if (tensor.place == Place::weight)
    base = static_cast<std::byte*>(plan_->weights[static_cast<std::size_t>(tensor.index)].data());
  if (tensor.place == Place::bound) base = bound_[static_cast<std::size_t>(tensor.index)];
  result.data = base + tensor.offset;
  return result;
}

std::size_t PoisoningContext::bytes_of(std::int32_t index) const {
  const auto& type = plan_->tensors[static_cast<std::size_t>(index)].type;
  const TensorArg arg = argument(index);
  return dense_bytes(type.dtype, Shape(arg.dims, arg.dims + arg.rank));
}

void PoisoningContext::set_alive(std::vector<bool>& alive, std::int32_t tensor, bool value) const {
  if (plan_->tensors[static_cast<std::size_t>(tensor)].place != Place::arena) return;
  const auto begin =
      alive.begin() + static_cast<std::ptrdiff_t>(profile_->offsets[static_cast<std::size_t>(tensor)]);
  std::fill(begin, begin + static_cast<std::ptrdiff_t>(bytes_of(tensor)), value);
}

std::vector<PoisoningContext::Step> PoisoningContext::steps_to_run(std::uint32_t wanted_outputs) const {
  std::vector<Step> steps;
  for (std::size_t i = 0; i < plan_->steps.size(); ++i)
    if ((plan_->steps[i].outputs_mask & (wanted_outputs | kEffectBit)) != 0) steps.push_back({i, {}});
  std::vector<bool> alive(arena_bytes_, false);
  for (std::size_t i = 0; i < plan_->outputs.size(); ++i)
    if ((wanted_outputs >> i & 1) != 0) set_alive(alive, plan_->outputs[i].tensor, true);
  for (auto step = steps.rbegin(); step != steps.rend(); ++step) {
    step->alive_behind = alive;
    for (const auto tensor : plan_->steps[step->index].outputs) set_alive(alive, tensor, false);
    for (const auto tensor : plan_->steps[step->index].inputs) set_alive(alive, tensor, true);
  }
  return steps;
}

void PoisoningContext::run_step(const Step& step) {
  const auto& plan_step = plan_->steps[step.index];
  const StepChoice& choice = profile_->choices[step.index];
  std::vector<TensorArg> inputs;
  std::vector<TensorArg> outputs;
  for (const auto tensor : plan_step.inputs) inputs.push_back(argument(tensor));
  for (const auto tensor : plan_step.outputs) outputs.push_back(argument(tensor));
  KernelCall call{inputs.data(),
                  outputs.data(),
                  plan_step.attributes.values(),
                  nullptr,
                  static_cast<std::int32_t>(inputs.size()),
                  0,
                  threads_,
                  choice.variant};
  const std::size_t scratch_bytes =
      choice.kernel->scratch_bytes == nullptr ? 0 : choice.kernel->scratch_bytes(call);
  for (call.thread = threads_ - 1; call.thread >= 0; --call.thread) {
    const auto scratch = poisoned(scratch_bytes);
    call.scratch = scratch.get();
    choice.kernel->run(call);
  }
  for (std::size_t i = 0; i < arena_bytes_; ++i)
    if (!step.alive_behind[i]) arena()[i] = std::byte{kPoison};
}

void PoisoningContext::run(std::span<const std::int64_t> symbols, std::uint32_t wanted_outputs) {
  symbols_.assign(symbols.begin(), symbols.end());
  profile_ = &plan_->profiles[static_cast<std::size_t>(plan_->profile_for(symbols))];
  std::memset(arena(), kPoison, arena_bytes_);
  for (const auto& step : steps_to_run(wanted_outputs)) run_step(step);
}

void PoisoningContext::read_output(int output, std::span<std::byte> bytes) {
  const auto tensor = plan_->outputs.at(static_cast<std::size_t>(output)).tensor;
  std::memcpy(bytes.data(), argument(tensor).data, bytes.size());
}

}  // namespace lathe::test
