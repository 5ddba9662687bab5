#include "apps/quantize_report.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "apps/output.h"
#include "lathe/inspection.h"

namespace lathe::apps {
namespace {

std::string dimensions(const std::vector<std::int64_t>& shape) {
  std::string text;
  for (const auto size : shape) text += (text.empty() ? "" : " x ") + std::to_string(size);
  return text;
}

std::string type_words(const QuantizedTensor& tensor) {
  return tensor.to + (tensor.wanted == tensor.to ? "" : " (rows do not fit " + tensor.wanted + ")");
}

std::string decibels(double value) { return std::isfinite(value) ? format_number(value, 2) : "-"; }

double bits_per_weight(const Quantization& result) {
  return result.weights == 0
             ? 0
             : 8 * static_cast<double>(result.bytes_after) / static_cast<double>(result.weights);
}

std::string kl_text(double value) { return format_number(value, 6); }

/// What each matrix was found to cost, and what its next finer type would save.
std::string cost_table(const Quantization& result) {
  if (!result.budget) return {};
  std::vector<std::vector<std::string>> rows = {
      {"matrix", "tried in", "KL alone", "type", "size", "KL expected", "next finer", "would save", "for"}};
  for (const auto& tensor : result.tensors) {
    if (!tensor.costs) continue;
    const TensorCosts& costs = *tensor.costs;
    const bool last = costs.finer_type.empty();
    rows.push_back({tensor.name, costs.trial_type, kl_text(costs.trial_kl), tensor.to,
                    format_bytes(tensor.bytes_after), kl_text(costs.kl), last ? "-" : costs.finer_type,
                    last ? "-" : kl_text(costs.finer_saves), last ? "-" : format_bytes(costs.finer_bytes)});
  }
  return format_table(rows, 2) +
         "mean KL divergence on the calibration text: " + kl_text(result.kl_expected) + " expected, " +
         kl_text(result.kl_measured) + " measured\n";
}

std::string costs_json(const QuantizedTensor& tensor) {
  if (!tensor.costs) return {};
  const TensorCosts& costs = *tensor.costs;
  return ", \"tried\": " + json_string(costs.trial_type) + ", \"kl_tried\": " + json_number(costs.trial_kl) +
         ", \"kl\": " + json_number(costs.kl) + ", \"finer\": " + json_string(costs.finer_type) +
         ", \"finer_saves\": " + json_number(costs.finer_saves) +
         ", \"finer_bytes\": " + std::to_string(costs.finer_bytes);
}

std::string fallback_line(const Quantization& result) {
  std::size_t count = 0;
  for (const auto& tensor : result.tensors) count += tensor.wanted == tensor.to ? 0 : 1;
  if (count == 0) return {};
  return std::to_string(count) + (count == 1 ? " tensor has" : " tensors have") +
         " rows that do not fill whole blocks of the type wanted, and another type instead\n";
}

}  // namespace

std::string progress_bar(const std::string& work, double share) {
  constexpr std::size_t kWidth = 30;
  const auto filled = static_cast<std::size_t>(std::clamp(share, 0.0, 1.0) * kWidth);
  return "[" + std::string(filled, '#') + std::string(kWidth - filled, '.') + "] " +
         format_number(100 * share, 0) + " % " + work;
}

std::string quantization_table(const Quantization& result) {
  std::vector<std::vector<std::string>> rows = {
      {"tensor", "shape", "from", "to", "before", "after", "SQNR dB"}};
  std::size_t same = 0;
  for (const auto& tensor : result.tensors) {
    if (tensor.from == tensor.to) {
      ++same;
      continue;
    }
    rows.push_back({tensor.name, dimensions(tensor.shape), tensor.from, type_words(tensor),
                    format_bytes(tensor.bytes_before), format_bytes(tensor.bytes_after),
                    decibels(tensor.sqnr)});
  }
  std::string text = rows.size() > 1 ? format_table(rows, 4) : std::string();
  text += fallback_line(result);
  text += cost_table(result);
  return text + std::to_string(rows.size() - 1) + " tensors changed, " + std::to_string(same) +
         " stayed as they were; " + format_bytes(result.bytes_before) + " -> " +
         format_bytes(result.bytes_after) + ", " + format_number(bits_per_weight(result), 2) +
         " bits a weight, file " + format_bytes(result.file_bytes) + "\n";
}

std::string quantization_json(const Quantization& result) {
  std::string text = "{\"bytes\": " + std::to_string(result.file_bytes) +
                     ", \"bits_per_weight\": " + json_number(bits_per_weight(result)) + ", \"tensors\": [";
  for (std::size_t i = 0; i < result.tensors.size(); ++i) {
    const QuantizedTensor& tensor = result.tensors[i];
    std::string shape;
    for (const auto size : tensor.shape) shape += (shape.empty() ? "" : ", ") + std::to_string(size);
    text += (i == 0 ? "\n" : ",\n") + std::string("  {\"name\": ") + json_string(tensor.name) +
            ", \"shape\": [" + shape + "], \"from\": " + json_string(tensor.from) +
            ", \"to\": " + json_string(tensor.to) + ", \"wanted\": " + json_string(tensor.wanted) +
            ", \"bytes_before\": " + std::to_string(tensor.bytes_before) +
            ", \"bytes_after\": " + std::to_string(tensor.bytes_after) +
            ", \"sqnr\": " + json_number(tensor.sqnr) + costs_json(tensor) + "}";
  }
  text += "], \"warnings\": [";
  for (std::size_t i = 0; i < result.warnings.size(); ++i)
    text += (i == 0 ? "" : ", ") + json_string(result.warnings[i]);
  text += "]";
  if (result.budget)
    text += ", \"kl_expected\": " + json_number(result.kl_expected) +
            ", \"kl_measured\": " + json_number(result.kl_measured);
  return text + "}\n";
}

}  // namespace lathe::apps
