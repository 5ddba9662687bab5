#include "api/step_work.h"

#include <algorithm>

#include "quant/activation.h"
#include "tensor/tensor_view.h"

namespace lathe {
namespace {

std::uint64_t product(std::int64_t a, std::int64_t b) {
  return static_cast<std::uint64_t>(a) * static_cast<std::uint64_t>(b);
}

/// Pairs of a token of the step and a token that it sees; `window` 0: it sees all before it and itself.
std::uint64_t visible_pairs(const SequencePart& part, std::int64_t window, bool causal) {
  if (!causal) return product(part.tokens, std::int64_t{part.past} + part.tokens);
  std::uint64_t pairs = 0;
  for (std::int64_t i = 0; i < part.tokens; ++i)
    pairs +=
        static_cast<std::uint64_t>(window == 0 ? part.past + i + 1 : std::min(part.past + i + 1, window));
  return pairs;
}

class StepCounter {
 public:
  StepCounter(const Plan& plan, const PlanStep& step, std::span<const std::int64_t> symbols,
              std::span<const SequencePart> parts)
      : plan_(plan), step_(step), symbols_(symbols), parts_(parts) {}

  StepWork count() {
    if (step_.op->name == "Gather") {
      count_gather();
      return work_;
    }
    for (const auto input : step_.inputs) {
      const PlanTensor& operand = tensor(input);
      if (operand.place == Place::weight) count_weight(operand);
      if (!is_cache(operand) && operand.place != Place::weight) work_.activation_bytes += bytes(operand);
    }
    for (const auto output : step_.outputs)
      if (!is_cache(tensor(output))) work_.activation_bytes += bytes(tensor(output));
    if (step_.attributes.named().contains("window"))
      count_attention();
    else
      count_cache_writes();
    return work_;
  }

 private:
  const PlanTensor& tensor(std::int32_t index) const {
    return plan_.tensors[static_cast<std::size_t>(index)];
  }
  std::int64_t value(const Dim& dim) const {
    return dim.is_symbolic() ? symbols_[static_cast<std::size_t>(plan_.symbol(dim.symbol))] : dim.value;
  }
  std::uint64_t bytes(const PlanTensor& operand) const {
    Shape shape;
    for (const auto& dim : operand.type.dims) shape.push_back(value(dim));
    return dense_bytes(operand.type.dtype, shape);
  }
  /// [layers, pages, 2, kv_heads, page tokens * head_dim]
  static bool is_cache(const PlanTensor& operand) { return operand.type.dims.size() == 5; }
  std::int64_t rows() const {
    const auto& dims = tensor(step_.outputs.front()).type.dims;
    return dims.empty() ? 1 : value(dims.front());
  }

  /// As many rows of the table as there are ids.
  void count_gather() {
    const PlanTensor& output = tensor(step_.outputs.front());
    const PlanTensor& table = tensor(step_.inputs.front());
    work_.activation_bytes += bytes(output);
    if (table.place != Place::weight) {
      work_.activation_bytes += bytes(output);
      return;
    }
    const auto table_rows = std::max<std::int64_t>(1, table.type.dims.front().value);
    work_.weight_bytes +=
        product(rows(), static_cast<std::int64_t>(table.max_bytes)) / static_cast<std::uint64_t>(table_rows);
  }

  void count_weight(const PlanTensor& weight) {
    const auto& dims = weight.type.dims;
    if (dims.size() == 3 && step_.op->fusion == FusionKind::matmul) return count_experts(weight);
    work_.weight_bytes += weight.max_bytes;
    if (dims.size() == 2 && step_.op->fusion == FusionKind::matmul)
      count_product(weight, product(dims[0].value, dims[1].value), rows());
  }

  /// Of a matmul by experts, whose weight is [experts, rows, columns] and whose output [tokens, k, rows]: a
  /// token reads its k experts; those of several tokens may be the same, so this is the most that they read.
  void count_experts(const PlanTensor& weight) {
    const std::int64_t slots = value(tensor(step_.outputs.front()).type.dims[1]) * rows();
    const std::int64_t experts = std::max<std::int64_t>(1, weight.type.dims[0].value);
    work_.weight_bytes += weight.max_bytes / static_cast<std::uint64_t>(experts) *
                          static_cast<std::uint64_t>(std::min(experts, slots));
    count_product(weight, product(weight.type.dims[1].value, weight.type.dims[2].value), slots);
  }

  void count_product(const PlanTensor& weight, std::uint64_t elements, std::int64_t times) {
    const bool floats = std::none_of(step_.inputs.begin(), step_.inputs.end(), [this](std::int32_t input) {
      return tensor(input).type.dtype == Dtype::a8;
    });
    const bool codes =
        !floats || (weight.type.dtype >= Dtype::packed4 && weight.type.dtype <= Dtype::packed6k);
    (codes ? work_.int8_operations : work_.float_operations) +=
        2 * elements * static_cast<std::uint64_t>(times);
  }

  /// Bytes of one token's keys and values in one layer; 0 where the step has no cache.
  std::uint64_t token_bytes(std::int64_t head_dim) const {
    for (const auto input : step_.inputs)
      if (is_cache(tensor(input)))
        return product(2 * tensor(input).type.dims[3].value, head_dim) *
               info(tensor(input).type.dtype).block_bytes / info(tensor(input).type.dtype).block_elements;
    return 0;
  }

  void count_attention() {
    const auto& heads = tensor(step_.inputs.front()).type.dims;  // [T, heads, head_dim]
    if (heads.size() != 3) return;
    const auto& named = step_.attributes.named();
    const auto window = std::get<std::int64_t>(named.find("window")->second);
    const auto causal = named.find("causal");
    const bool is_causal = causal == named.end() || std::get<std::int64_t>(causal->second) != 0;
    for (const auto& part : parts_) {
      work_.float_operations +=
          4 * product(heads[1].value, heads[2].value) * visible_pairs(part, window, is_causal);
      const std::int64_t past = window == 0 ? part.past : std::min<std::int64_t>(part.past, window);
      work_.cache_bytes += token_bytes(heads[2].value) * static_cast<std::uint64_t>(past);
    }
  }

  void count_cache_writes() {
    if (step_.outputs.empty()) return;
    for (const auto input : step_.inputs) {
      const auto& dims = tensor(input).type.dims;
      if (dims.size() != 3 || !dims[0].is_symbolic()) continue;  // keys: [T, kv_heads, head_dim]
      std::int64_t tokens = 0;
      for (const auto& part : parts_) tokens += part.tokens;
      work_.cache_bytes += token_bytes(dims[2].value) * static_cast<std::uint64_t>(tokens);
      return;
    }
  }

  const Plan& plan_;
  const PlanStep& step_;
  std::span<const std::int64_t> symbols_;
  std::span<const SequencePart> parts_;
  StepWork work_;
};

}  // namespace

StepWork step_work(const Plan& plan, const PlanStep& step, std::span<const std::int64_t> symbols,
                   std::span<const SequencePart> parts) {
  return StepCounter(plan, step, symbols, parts).count();
}

}  // namespace lathe
