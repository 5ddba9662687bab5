// The page of an evaluation: the models in a table and against their size, then for each of them how its
// divergence is spread, where in the text it is, and in which layer and tensor it arises.
#include <algorithm>
#include <cmath>
#include <optional>

#include "lathe/quantization.h"
#include "report/evaluation_plots.h"
#include "report/markup.h"
#include "report/sections.h"

namespace lathe {
namespace {

using namespace report;

std::string with_error(const Figure& figure, int digits) {
  std::string text = fixed(figure.value, digits);
  if (figure.error > 0) text += " <span class=\"faint\">± " + fixed(figure.error, digits) + "</span>";
  return text;
}

std::string percent(const Figure& figure) {
  return with_error({100 * figure.value, 100 * figure.error}, 2) + " %";
}

std::string head_row(std::initializer_list<std::string_view> names, std::size_t left_columns) {
  std::string html = "<tr>";
  std::size_t index = 0;
  for (const auto name : names)
    html += (index++ < left_columns ? "<th class=\"left\">" : "<th>") + std::string(name) + "</th>";
  return html + "</tr>\n";
}

std::string table_of_models(const std::string& reference, const std::vector<EvaluationPart>& parts) {
  std::string html =
      "<div class=\"panel\"><table>" + head_row({"model", "file", "bits a weight", "perplexity", "mean KL",
                                                 "median KL", "99 % KL", "same top", "RMS Δp"},
                                                1);
  for (const auto& part : parts) {
    const auto& of = part.evaluation;
    const auto& divergence = *of.divergence;
    html +=
        "<tr>" + cell(escaped(part.label), "left") + cell(bytes_text(of.file_bytes)) +
        cell(fixed(8 * static_cast<double>(of.model.tensor_bytes) / static_cast<double>(of.model.parameters),
                   2)) +
        cell(with_error(of.perplexity, 3)) + cell(with_error(divergence.kl.mean, 5)) +
        cell(with_error(divergence.kl.at(0.5), 5)) + cell(with_error(divergence.kl.at(0.99), 5)) +
        cell(percent(divergence.same_top)) + cell(percent(divergence.delta_p_rms)) + "</tr>\n";
  }
  const auto& divergence = *parts.front().evaluation.divergence;
  html += "<tr>" + cell(escaped(reference), "left faint") + cell("reference", "faint") + cell("") +
          cell(with_error(divergence.reference_perplexity, 3)) + cell("") + cell("") + cell("") + cell("") +
          cell("");
  return html + "</tr>\n</table></div>\n";
}

std::string tensor_row(const TensorDifference& tensor, double most) {
  const double share = std::isfinite(tensor.relative_rms) ? tensor.relative_rms / most : 1;
  return "<tr>" + cell(escaped(tensor.name), "code") + cell(escaped(tensor.op), "left") +
         cell("<div class=\"bar\"><i class=\"" + std::string(color_of(tensor.op)) +
              "\" style=\"width:" + fixed(100 * std::clamp(share, 0.0, 1.0), 1) + "%\"></i></div>") +
         cell(short_number(tensor.relative_rms)) + cell(fixed(tensor.cosine, 6)) +
         cell(short_number(tensor.max_abs)) + "</tr>\n";
}

std::string table_of_tensors(const Comparison& comparison) {
  constexpr std::size_t kShown = 30;
  std::vector<const TensorDifference*> worst;
  for (const auto& tensor : comparison.tensors)
    if (!tensor.equal) worst.push_back(&tensor);
  if (worst.empty()) return "<p>All tensors that both have are equal bit for bit.</p>\n";
  std::ranges::stable_sort(worst, std::ranges::greater{}, &TensorDifference::relative_rms);
  double most = 0;
  for (const auto* tensor : worst)
    if (std::isfinite(tensor->relative_rms)) most = std::max(most, tensor->relative_rms);
  const std::string head = "<div class=\"panel\"><table>" +
                           head_row({"tensor", "written by", "relative error", "", "cosine", "largest"}, 3);
  const std::size_t shown = std::min(kShown, worst.size());
  std::string html = head;
  for (std::size_t i = 0; i < shown; ++i) html += tensor_row(*worst[i], most);
  html += "</table></div>\n";
  if (shown == worst.size()) return html;
  html += "<details><summary>the other " + std::to_string(worst.size() - shown) + "</summary>" + head;
  for (std::size_t i = shown; i < worst.size(); ++i) html += tensor_row(*worst[i], most);
  return html + "</table></div></details>\n";
}

std::string section_of(const EvaluationPart& part) {
  const auto& of = part.evaluation;
  std::string html = "<h2>" + escaped(part.label) + "</h2>\n<p>" + std::to_string(of.chunks) + " chunks of " +
                     std::to_string(of.context) + " tokens, " + std::to_string(of.scored) +
                     " tokens scored.</p>\n";
  html += "<h3>How the KL divergence is spread</h3>\n<div class=\"panel\">" + kl_histogram(of) + "</div>\n";
  html +=
      "<h3>Where in a chunk</h3>\n<p>Mean over all chunks; a cache that loses digits shows as a rise to the "
      "right.</p>\n<div class=\"panel\">" +
      kl_by_position(of) + "</div>\n";
  if (of.chunks > 1)
    html += "<h3>Where in the text</h3>\n<div class=\"panel\">" + kl_by_chunk(of) + "</div>\n";
  if (part.tensors.tensors.empty()) return html;
  html +=
      "<h3>In which layer</h3>\n<p>Relative error of every tensor that both runs have under one name (RMS of "
      "the difference over RMS of the reference's), on the first tokens of the text: dots; the line joins "
      "the last tensor of each layer.</p>\n<div class=\"panel\">" +
      error_by_layer(part.tensors) + "</div>\n";
  return html + "<h3>In which tensor</h3>\n" + table_of_tensors(part.tensors);
}

}  // namespace

std::string to_html(const std::string& title, const std::string& reference,
                    const std::vector<EvaluationPart>& parts) {
  const std::string name = escaped(title);
  std::string html =
      "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<meta name=\"viewport\" "
      "content=\"width=device-width, initial-scale=1\">\n<title>Evaluation on " +
      name + "</title>\n<style>" + std::string(style_sheet()) +
      "</style>\n</head>\n<body>\n<h1>Evaluation on " + name + "</h1>\n";
  html += table_of_models(reference, parts);
  if (parts.size() > 1)
    html += "<h2>Error against size</h2>\n<div class=\"panel\">" + error_against_size(parts) + "</div>\n";
  for (const auto& part : parts) html += section_of(part);
  return html + "</body>\n</html>\n";
}

}  // namespace lathe
