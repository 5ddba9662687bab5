#include "compile/step_inputs.h"

#include <algorithm>
#include <cstring>
#include <memory>
#include <optional>

#include "backend/cache_layout.h"
#include "base/error.h"
#include "quant/activation.h"

namespace lathe {
namespace {

constexpr std::int64_t kPast = 256;  // positions before a short sequence's tokens
constexpr std::int64_t kShortTokens = 16;
constexpr std::uint64_t kMostStateBytes = std::uint64_t{1} << 28;  // that are written; the rest stays fresh

/// A cheap sequence of numbers without pattern.
struct Noise {
  std::uint64_t state = 0x9e3779b97f4a7c15u;
  std::uint32_t next() {
    state = state * 6364136223846793005u + 1442695040888963407u;
    return static_cast<std::uint32_t>(state >> 33);
  }
  float real() { return static_cast<float>(next()) / 1073741824.0f - 1.0f; }  // -1 to 1
};

template <class Item>
std::vector<std::byte> bytes_of(const std::vector<Item>& items) {
  std::vector<std::byte> bytes(items.size() * sizeof(Item));
  if (!bytes.empty()) std::memcpy(bytes.data(), items.data(), bytes.size());
  return bytes;
}

struct Sequences {
  std::vector<SequenceEntry> entries;
  std::vector<std::int32_t> positions;
};

Sequences sequences_of(const SymbolValues& values) {
  const std::int64_t tokens = values.named("T");
  const std::int64_t count = std::min(values.named("Q"), tokens);
  const std::int64_t pages = values.named("B") / count;
  Sequences result;
  for (std::int64_t i = 0; i < count; ++i) {
    const std::int64_t first = tokens * i / count;
    const std::int64_t own = tokens * (i + 1) / count - first;
    const std::int64_t room = pages * kPageTokens - own;
    if (room < 0)
      throw Error(ErrorCode::invalid_argument,
                  "a profile's optimum has " + std::to_string(tokens) + " tokens in " +
                      std::to_string(values.named("B")) + " pages, which do not hold them",
                  {{}, std::nullopt, "B"});
    const std::int64_t past = own <= kShortTokens ? std::min(kPast, room) : 0;
    result.entries.push_back({static_cast<std::int32_t>(first), static_cast<std::int32_t>(own),
                              static_cast<std::int32_t>(past), static_cast<std::int32_t>(pages * i)});
    for (std::int64_t t = 0; t < own; ++t) result.positions.push_back(static_cast<std::int32_t>(past + t));
  }
  // Entries that no token belongs to, where a profile has more sequences than tokens.
  result.entries.resize(static_cast<std::size_t>(values.named("Q")),
                        {static_cast<std::int32_t>(tokens), 0, 0, 0});
  return result;
}

/// What an input may hold where it picks rows: below the rows of what it picks from, by its first reader;
/// along whichever axis of several. Empty where it picks none.
std::optional<std::int64_t> rows_to_pick(const Plan& plan, std::int32_t tensor, const SymbolValues& values) {
  for (const auto& step : plan.steps) {
    const auto place = std::ranges::find(step.inputs, tensor);
    if (place == step.inputs.end()) continue;
    const auto index = place - step.inputs.begin();
    const auto& source = plan.tensors[static_cast<std::size_t>(step.inputs[0])].type.dims;
    if (step.op->name == "GatherAny" && index == 1 && !source.empty()) {
      std::int64_t least = values.of(source.front());
      for (const auto& dim : source) least = std::min(least, values.of(dim));
      return std::max<std::int64_t>(least, 1);
    }
    const bool picks_rows = step.op->name == "Gather" && index == 1;
    const bool picks_experts = step.op->fusion == FusionKind::matmul && index == 2;
    if (!picks_rows && !picks_experts) continue;
    const auto from = step.inputs[picks_rows ? 0 : 1];
    return values.of(plan.tensors[static_cast<std::size_t>(from)].type.dims.front());
  }
  return std::nullopt;
}

std::vector<std::byte> integers(const Plan& plan, std::int32_t tensor, const std::string& name,
                                std::int64_t count, const SymbolValues& values) {
  if (name == "sequences") return bytes_of(sequences_of(values).entries);
  if (name == "positions") return bytes_of(sequences_of(values).positions);
  std::vector<std::int32_t> numbers(static_cast<std::size_t>(count));
  const std::int64_t most =
      name == "block_tables" ? values.named("P", count) : rows_to_pick(plan, tensor, values).value_or(1);
  Noise noise;
  for (std::int64_t i = 0; i < count; ++i)
    numbers[static_cast<std::size_t>(i)] = static_cast<std::int32_t>(
        name == "block_tables" ? i % most : static_cast<std::int64_t>(noise.next()) % most);
  return bytes_of(numbers);
}

/// Where rows are picked.
std::vector<std::byte> wide_integers(std::int64_t count, std::int64_t rows) {
  std::vector<std::int64_t> numbers(static_cast<std::size_t>(count));
  Noise noise;
  for (auto& number : numbers) number = static_cast<std::int64_t>(noise.next()) % rows;
  return bytes_of(numbers);
}

/// Random codes, then scales, zeros and sums as a quantizer writes them (quant/activation.h).
std::vector<std::byte> activations(std::uint64_t bytes, std::int64_t columns) {
  std::vector<std::byte> rows(bytes);
  Noise noise;
  for (auto& byte : rows) byte = static_cast<std::byte>(noise.next());
  const auto row = row_bytes(Dtype::a8, columns);
  for (std::uint64_t at = 0; row != 0 && at < bytes; at += row)
    for (std::int64_t i = 0; i < columns / kActivationBlock * kActivationFactors; ++i) {
      const float factor = 0x1p-7f;
      const std::int32_t zero = kZeros / 2 * kZeroStep;
      const bool is_zero = i / (columns / kActivationBlock) == 1;
      std::memcpy(rows.data() + at + static_cast<std::uint64_t>(columns + 4 * i),
                  is_zero ? static_cast<const void*>(&zero) : &factor, 4);
    }
  return rows;
}

std::vector<std::byte> floats(std::int64_t count) {
  std::vector<float> numbers(static_cast<std::size_t>(count));
  Noise noise;
  for (auto& number : numbers) number = noise.real();
  return bytes_of(numbers);
}

/// Ordinary numbers in every float type: 0.065 in f16, tiny in f32.
std::vector<std::byte> pattern(std::uint64_t bytes) { return std::vector<std::byte>(bytes, std::byte{0x2c}); }

}  // namespace

std::vector<std::byte> input_bytes(const Plan& plan, int binding, const SymbolValues& values) {
  const auto index = plan.bindings.at(static_cast<std::size_t>(binding));
  const PlanTensor& tensor = plan.tensors[static_cast<std::size_t>(index)];
  const Shape shape = values.shape(tensor.type);
  const std::uint64_t bytes = dense_bytes(tensor.type.dtype, shape);
  std::vector<std::byte> result;
  if (tensor.type.dtype == Dtype::i32)
    result = integers(plan, index, tensor.name, element_count(shape), values);
  else if (const auto rows = rows_to_pick(plan, index, values); rows && tensor.type.dtype == Dtype::i64)
    result = wide_integers(element_count(shape), *rows);
  else if (tensor.type.dtype == Dtype::a8)
    result = activations(bytes, shape.back());
  else if (tensor.type.dtype == Dtype::f32)
    result = floats(element_count(shape));
  else
    result = pattern(bytes);
  result.resize(bytes);
  return result;
}

StepInputs::StepInputs(const Plan& plan, Backend& backend, const SymbolValues& values, TrialStates& states) {
  for (std::size_t i = 0; i < plan.bindings.size(); ++i) {
    const PlanTensor& tensor = plan.tensors[static_cast<std::size_t>(plan.bindings[i])];
    const bool state = tensor.max_bytes == 0 && !tensor.type.dims.empty();
    if (!state) {
      const auto bytes = input_bytes(plan, static_cast<int>(i), values);
      owned_.push_back(std::make_unique<Buffer>(backend.allocate(bytes.size())));
      backend.write(*owned_.back(), 0, bytes);
      buffers_.push_back(owned_.back().get());
      continue;
    }
    const std::uint64_t bytes = dense_bytes(tensor.type.dtype, values.shape(tensor.type));
    Buffer& buffer = states[tensor.name];
    if (buffer.bytes() < bytes) {
      buffer = backend.allocate(bytes);
      const auto written = pattern(std::min(bytes, kMostStateBytes));
      backend.write(buffer, 0, written);
    }
    buffers_.push_back(&buffer);
  }
}

void StepInputs::bind(ExecutionContext& context) const {
  for (std::size_t i = 0; i < buffers_.size(); ++i) context.bind(static_cast<int>(i), *buffers_[i], 0);
}

}  // namespace lathe
