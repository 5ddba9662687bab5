// Sections that are tables alone: weights, passes, inputs and outputs.
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
