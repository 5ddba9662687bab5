#include "apps/eval_report.h"

#include <cmath>
#include <filesystem>

#include "apps/output.h"

namespace lathe::apps {
namespace {

using Rows = std::vector<std::vector<std::string>>;

/// "value", or "value ± error".
std::vector<std::string> row(const std::string& name, double value, int digits, double error,
                             const std::string& unit = "") {
  std::vector<std::string> cells = {name, format_number(value, digits) + unit};
  if (error > 0) cells.push_back("± " + format_number(error, digits) + unit);
  return cells;
}

std::vector<std::string> row(const std::string& name, const Figure& figure, int digits) {
  return row(name, figure.value, digits, figure.error);
}

std::vector<std::string> percent_row(const std::string& name, const Figure& figure) {
  return row(name, 100 * figure.value, 3, 100 * figure.error, " %");
}

/// 0.999 as "99.9 %".
std::string share_text(double share) { return format_number(100 * share, 1) + " %"; }

/// Of the greatest value down to the least.
template <class Format>
void add_spread(Rows& rows, const Spread& spread, const std::string& what, const Format& format) {
  rows.push_back(format("Maximum " + what, Figure{spread.maximum, 0}));
  for (auto quantile = spread.quantiles.rbegin(); quantile != spread.quantiles.rend(); ++quantile)
    rows.push_back(
        format((quantile->share == 0.5 ? "Median" : share_text(quantile->share)) + " " + what, quantile->at));
  rows.push_back(format("Minimum " + what, Figure{spread.minimum, 0}));
}

std::string divergence_text(const Evaluation& evaluation) {
  constexpr int kDigits = 6;
  const TextDivergence& divergence = *evaluation.divergence;
  Rows perplexities = {
      row("Mean PPL(Q)", evaluation.perplexity, kDigits),
      row("Mean PPL(base)", divergence.reference_perplexity, kDigits),
      row("Cor(ln(PPL(Q)), ln(PPL(base)))", 100 * divergence.correlation, 2, 0, " %"),
      row("Mean ln(PPL(Q)/PPL(base))", divergence.log_ratio, kDigits),
      row("Mean PPL(Q)/PPL(base)", divergence.ratio, kDigits),
      row("Mean PPL(Q)-PPL(base)", divergence.difference, kDigits),
  };
  Rows kl = {row("Mean KLD", divergence.kl.mean, kDigits)};
  add_spread(kl, divergence.kl, "KLD",
             [](const std::string& name, const Figure& figure) { return row(name, figure, kDigits); });
  Rows steps = {percent_row("Mean Δp", divergence.delta_p.mean)};
  add_spread(steps, divergence.delta_p, "Δp", percent_row);
  steps.push_back(percent_row("RMS Δp", divergence.delta_p_rms));
  steps.push_back(percent_row("Same top p", divergence.same_top));
  return "\nPerplexity, Q: the model, base: the reference\n" + format_table(perplexities) +
         "\nKL divergence from the reference\n" + format_table(kl) + "\nProbability of the next token\n" +
         format_table(steps);
}

double bits_per_weight(const Evaluation& evaluation) {
  return 8 * static_cast<double>(evaluation.model.tensor_bytes) /
         static_cast<double>(evaluation.model.parameters);
}

std::string summary(const std::vector<Evaluation>& evaluations) {
  Rows rows = {{"model", "file", "bits/weight", "PPL", "mean KLD", "99 % KLD", "same top"}};
  for (const auto& evaluation : evaluations) {
    rows.push_back({label(evaluation), format_bytes(evaluation.file_bytes),
                    format_number(bits_per_weight(evaluation), 2),
                    format_number(evaluation.perplexity.value, 4)});
    if (!evaluation.divergence) continue;
    const auto& divergence = *evaluation.divergence;
    rows.back().insert(rows.back().end(), {format_number(divergence.kl.mean.value, 6),
                                           format_number(divergence.kl.at(0.99).value, 6),
                                           format_number(100 * divergence.same_top.value, 2) + " %"});
  }
  if (!evaluations.front().divergence) rows.front().resize(4);
  return format_table(rows);
}

std::string json_figure(const std::string& name, const Figure& figure) {
  return ",\n  " + json_string(name) + ": " + json_number(figure.value) + ", " +
         json_string(name + "_error") + ": " + json_number(figure.error);
}

std::string json_plain(const std::string& name, double value) {
  return ",\n  " + json_string(name) + ": " + json_number(value);
}

/// kl_p99_9
std::string share_name(double share) {
  std::string name = "_p" + json_number(std::round(share * 1000) / 10);
  for (auto& letter : name)
    if (letter == '.') letter = '_';
  return name;
}

std::string json_spread(const std::string& name, const Spread& spread) {
  std::string text = json_figure(name + "_mean", spread.mean) + json_plain(name + "_max", spread.maximum) +
                     json_plain(name + "_min", spread.minimum);
  for (const auto& quantile : spread.quantiles)
    text += json_figure(name + (quantile.share == 0.5 ? "_median" : share_name(quantile.share)), quantile.at);
  return text;
}

std::string json_of(const Evaluation& evaluation) {
  std::string text = "{\n  \"model\": " + json_string(evaluation.model.file) +
                     ",\n  \"math\": " + json_string(evaluation.options.math) +
                     ",\n  \"kv\": " + json_string(evaluation.options.kv) +
                     ",\n  \"file_bytes\": " + std::to_string(evaluation.file_bytes) +
                     json_plain("bits_per_weight", bits_per_weight(evaluation)) +
                     ",\n  \"context\": " + std::to_string(evaluation.context) +
                     ",\n  \"chunks\": " + std::to_string(evaluation.chunks) +
                     ",\n  \"scored\": " + std::to_string(evaluation.scored) +
                     json_plain("seconds", evaluation.seconds) +
                     json_figure("perplexity", evaluation.perplexity);
  if (evaluation.divergence) {
    const auto& divergence = *evaluation.divergence;
    text += json_figure("reference_perplexity", divergence.reference_perplexity) +
            json_plain("correlation", divergence.correlation) +
            json_figure("perplexity_log_ratio", divergence.log_ratio) +
            json_figure("perplexity_ratio", divergence.ratio) +
            json_figure("perplexity_difference", divergence.difference) + json_spread("kl", divergence.kl) +
            json_spread("delta_p", divergence.delta_p) + json_figure("delta_p_rms", divergence.delta_p_rms) +
            json_figure("same_top", divergence.same_top);
  }
  return text + "\n}";
}

}  // namespace

std::string label(const Evaluation& evaluation) {
  std::string text = std::filesystem::path(evaluation.model.file).filename().string();
  if (evaluation.options.math != "int8") text += ", math " + evaluation.options.math;
  if (!evaluation.options.weight_type.empty()) text += ", weights " + evaluation.options.weight_type;
  return text + ", kv " + evaluation.options.kv;
}

std::string to_text(const std::vector<Evaluation>& evaluations) {
  std::string text;
  for (const auto& evaluation : evaluations) {
    text += (text.empty() ? "" : "\n") + label(evaluation) + ": " + std::to_string(evaluation.chunks) +
            " chunks of " + std::to_string(evaluation.context) + " tokens, " +
            std::to_string(evaluation.scored) + " scored, " + format_seconds(evaluation.seconds) + "\n";
    if (evaluation.divergence)
      text += divergence_text(evaluation);
    else
      text += format_table({row("perplexity", evaluation.perplexity, 4)});
  }
  return evaluations.size() > 1 ? text + "\n" + summary(evaluations) : text;
}

std::string to_json(const std::vector<Evaluation>& evaluations) {
  if (evaluations.size() == 1) return json_of(evaluations.front()) + "\n";
  std::string text;
  for (const auto& evaluation : evaluations) text += (text.empty() ? "[" : ", ") + json_of(evaluation);
  return text + "]\n";
}

}  // namespace lathe::apps
