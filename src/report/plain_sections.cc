// Sections that are tables alone: weights, activations, passes, inputs and outputs.
#include <map>
#include <utility>

#include "report/markup.h"
#include "report/sections.h"

namespace lathe::report {

std::string weight_section(const Subject& subject) {
  struct Sum {
    int count = 0;
    std::uint64_t bytes = 0;
  };
  std::map<std::pair<std::string, std::string>, Sum> sums;
  for (const auto& weight : subject.inspection.weights) {
    Sum& sum = sums[{weight.stored, weight.layout}];
    ++sum.count;
    sum.bytes += weight.bytes;
  }
  std::string html =
      "<h2 id=\"weights\">Weights</h2>\n<div class=\"panel\"><table><tr><th class=\"left\">stored as</th>"
      "<th class=\"left\">in the plan</th><th>tensors</th><th>bytes</th></tr>\n";
  for (const auto& [types, sum] : sums)
    html += "<tr>" + cell(escaped(types.first), "code") +
            cell(types.first == types.second ? "where they lie" : escaped(types.second),
                 types.first == types.second ? "left faint" : "code") +
            cell(std::to_string(sum.count)) + cell(bytes_text(sum.bytes)) + "</tr>\n";
  return html + "</table></div>\n";
}

std::string activation_section(const Subject& subject) {
  if (subject.inspection.activations.empty()) return {};
  std::string html =
      "<h2 id=\"activations\">Activations</h2>\n<p>How the inputs of products in 8 bits get their codes, as "
      "a calibration text chose: a few columns have 16 bits. Errors are of the codes, the root of their "
      "share "
      "of the squares.</p>\n<div class=\"panel\"><table><tr><th class=\"left\">input of</th><th "
      "class=\"left\">codes</th><th>columns</th><th>finer</th><th>error</th><th>without</th><th>limit</th>"
      "<th class=\"left\">because</th></tr>\n";
  for (const auto& input : subject.inspection.activations) {
    std::string weights;
    for (const auto& name : input.weights) weights += (weights.empty() ? "" : ", ") + escaped(name);
    const auto percent = [](double share) { return fixed(100 * share, 2) + " %"; };
    html += "<tr>" + cell(weights, "code") + cell(escaped(input.codes), "left") +
            cell(std::to_string(input.columns)) + cell(std::to_string(input.fine_columns.size())) +
            cell(percent(input.error_after)) + cell(percent(input.error_before)) +
            cell(input.limit > 0 ? percent(input.limit) : "-") +
            cell(escaped(input.reason), input.kept_finer() ? "left" : "left faint") + "</tr>\n";
  }
  return html + "</table></div>\n";
}

std::string pass_section(const Subject& subject) {
  std::string html =
      "<h2 id=\"passes\">Passes</h2>\n<p>In their order; each can be left out by name (--disable-pass).</p>\n"
      "<div class=\"panel\"><table><tr><th class=\"left\">pass</th><th class=\"left\">result</th><th>nodes "
      "before</th><th>behind</th><th>time</th></tr>\n";
  for (const auto& pass : subject.inspection.passes)
    html += "<tr>" + cell(escaped(pass.name), "code") +
            cell(!pass.enabled  ? "off"
                 : pass.changed ? "changed"
                                : "no change",
                 pass.enabled && pass.changed ? "left" : "left faint") +
            cell(std::to_string(pass.nodes_before)) + cell(std::to_string(pass.nodes_after)) +
            cell(seconds_text(pass.seconds)) + "</tr>\n";
  return html + "</table></div>\n";
}

std::string binding_section(const Subject& subject) {
  std::string html =
      "<h2 id=\"bindings\">Inputs and outputs</h2>\n<div class=\"panel\"><table><tr><th "
      "class=\"left\">name</th>"
      "<th class=\"left\">kind</th><th class=\"left\">type</th></tr>\n";
  for (const auto& binding : subject.inspection.bindings)
    html += "<tr>" + cell(escaped(binding.operand.name), "code") + cell(escaped(binding.mode), "left") +
            cell(escaped(binding.operand.text()), "code") + "</tr>\n";
  return html + "</table></div>\n";
}

}  // namespace lathe::report
