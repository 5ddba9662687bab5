#include "apps/activation_table.h"

#include <algorithm>

#include "apps/output.h"

namespace lathe::apps {
namespace {

/// "blk.0.attn_q.weight, attn_k, attn_v": of the others what differs.
std::string weight_names(const ActivationInspection& input) {
  constexpr std::string_view kEnd = ".weight";
  std::string text;
  for (const auto& name : input.weights) {
    std::string shown = name;
    if (shown.ends_with(kEnd)) shown.resize(shown.size() - kEnd.size());
    if (!text.empty()) shown = shown.substr(shown.rfind('.') + 1);
    text += (text.empty() ? "" : ", ") + shown;
  }
  return text;
}

std::string percent(double share) { return format_number(100 * share, 2) + " %"; }

}  // namespace

std::string format_activations(const std::vector<ActivationInspection>& inputs, bool all) {
  if (inputs.empty()) return {};
  std::vector<std::vector<std::string>> rows = {
      {"input of", "codes", "because", "finer", "error", "was", "limit"}};
  for (const auto& input : inputs) {
    if (!all && !input.kept_finer()) continue;
    rows.push_back({weight_names(input), input.codes, input.reason,
                    std::to_string(input.fine_columns.size()) + " of " + std::to_string(input.columns),
                    percent(input.error_after), percent(input.error_before),
                    input.limit > 0 ? percent(input.limit) : "-"});
  }
  const auto finer = std::ranges::count_if(inputs, &ActivationInspection::kept_finer);
  std::string text = rows.size() > 1 ? format_table(rows, 3) : "";
  return text + std::to_string(finer) + " of " + std::to_string(inputs.size()) +
         " inputs of products are kept finer than 8 bits in some columns or in all\n";
}

}  // namespace lathe::apps
