#include "api/type_costs.h"

#include <algorithm>
#include <array>
#include <atomic>

#include "api/row_sample.h"
#include "base/error.h"
#include "quant/block_format.h"
#include "quant/quantize_rows.h"

namespace lathe {
namespace {

constexpr std::array kTypes = {Dtype::q2_k, Dtype::q3_k, Dtype::iq4_xs, Dtype::q4_0, Dtype::iq4_nl,
                               Dtype::q4_k, Dtype::q4_1, Dtype::q5_0,   Dtype::q5_k, Dtype::q5_1,
                               Dtype::q6_k, Dtype::q8_0, Dtype::f16};
constexpr std::size_t kTrialSequences = 2;
constexpr std::size_t kTrialTokens = 128;
constexpr std::int64_t kRowsAtOnce = 64;

bool fits(Dtype dtype, std::int64_t columns) { return columns % info(dtype).block_elements == 0; }

/// All values of a tensor as they are behind rounding at once.
std::vector<float> rounded_values(const TensorView& tensor, Dtype dtype, ThreadPool& pool) {
  const std::int64_t columns = tensor.columns();
  std::vector<float> values(static_cast<std::size_t>(tensor.rows() * columns));
  std::atomic<std::int64_t> next{0};
  pool.run([&](int) {
    std::vector<std::byte> bytes(static_cast<std::size_t>(kRowsAtOnce) * row_bytes(dtype, columns));
    for (std::int64_t row = next.fetch_add(kRowsAtOnce); row < tensor.rows();
         row = next.fetch_add(kRowsAtOnce)) {
      const std::int64_t count = std::min(kRowsAtOnce, tensor.rows() - row);
      float* place = values.data() + row * columns;
      decode_rows(tensor.dtype,
                  tensor.data + static_cast<std::uint64_t>(row) * row_bytes(tensor.dtype, columns), place,
                  count, columns);
      quantize_rows(dtype, place, nullptr, count, columns, bytes.data(), Effort::fast);
      decode_rows(dtype, bytes.data(), place, count, columns);
    }
  });
  return values;
}

std::vector<TypeOption> options_of(const TensorView& tensor, const TensorCost& cost,
                                   std::span<const float> importance, ThreadPool& pool) {
  std::vector<TypeOption> options;
  for (const Dtype dtype : kTypes)
    if (fits(dtype, tensor.columns()) && can_quantize(dtype))
      options.push_back({dtype, bytes_in_file(dtype, tensor.shape), 0});
  const RowSample sample(tensor, importance);
  const double trial = sample.error(cost.trial, Effort::fast);
  std::atomic<std::size_t> next{0};
  pool.run([&](int) {
    for (std::size_t i = next.fetch_add(1); i < options.size(); i = next.fetch_add(1))
      options[i].divergence =
          trial > 0 ? cost.trial_divergence * sample.error(options[i].dtype, Effort::best) / trial : 0;
  });
  std::ranges::stable_sort(options, {}, &TypeOption::bytes);
  return options;
}

}  // namespace

std::uint64_t bytes_in_file(Dtype dtype, const Shape& shape) {
  constexpr std::uint64_t kAlignment = 32;
  return (dense_bytes(dtype, shape) + kAlignment - 1) / kAlignment * kAlignment;
}

std::vector<std::vector<std::int32_t>> trial_sequences(const Calibration& calibration) {
  const std::size_t all = calibration.sequences.size();
  std::vector<std::vector<std::int32_t>> sequences;
  for (std::size_t i = 0; i < std::min(kTrialSequences, all); ++i) {
    std::vector<std::int32_t> sequence = calibration.sequences[i * all / kTrialSequences];
    sequence.resize(std::min(sequence.size(), kTrialTokens));
    sequences.push_back(std::move(sequence));
  }
  return sequences;
}

std::vector<TensorCost> measure_costs(TrialModel& model, const KeptReference& reference,
                                      const Checkpoint& checkpoint, const std::vector<std::string>& names,
                                      const Importance& importance, ThreadPool& pool, const ShowShare& show) {
  std::vector<TensorCost> costs;
  for (const std::string& name : names) {
    show(static_cast<double>(costs.size()) / static_cast<double>(names.size()));
    const TensorView& tensor = checkpoint.tensors.at(name);
    TensorCost cost;
    cost.name = name;
    if (!fits(cost.trial, tensor.columns())) cost.trial = Dtype::f16;
    model.put(name, rounded_values(tensor, cost.trial, pool));
    cost.trial_divergence = reference.divergence(model.logits()).mean;
    model.restore(name);
    cost.options = options_of(tensor, cost, importance.of(name), pool);
    costs.push_back(std::move(cost));
  }
  show(1);
  return costs;
}

}  // namespace lathe
