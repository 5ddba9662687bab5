// The page: a head with the figures that matter most, then the sections.
#include "report/markup.h"
#include "report/sections.h"

namespace lathe {
namespace {

using report::bytes_text;
using report::escaped;
using report::fixed;
using report::Subject;

std::string card(const std::string& figure, const std::string& of) {
  return "<div class=\"card\"><b>" + figure + "</b><span>" + of + "</span></div>";
}

std::string cards(const Subject& subject) {
  const Inspection& inspection = subject.inspection;
  std::string html = "<div class=\"cards\">";
  const auto steps = std::to_string(inspection.steps.size());
  html += inspection.before.empty()
              ? card(steps, "steps")
              : card(std::to_string(inspection.before.size()) + " → " + steps, "nodes to steps");
  for (const auto& test : subject.tests) {
    if (test.plain_seconds <= 0) continue;
    html += card(fixed(static_cast<double>(test.tokens) / test.plain_seconds, 1),
                 "tokens/s, " + escaped(test.test));
  }
  std::uint64_t weights = 0;
  for (const auto& weight : inspection.weights) weights += weight.bytes;
  html += card(bytes_text(weights), "weights in the plan");
  html += card(bytes_text(inspection.memory.arena_bytes), "arena");
  if (inspection.memory.cache_bytes > 0) html += card(bytes_text(inspection.memory.cache_bytes), "cache");
  return html + "</div>\n";
}

}  // namespace

std::string to_html(const ModelInfo& info, const Inspection& inspection,
                    const std::vector<StepProfile>& tests, const MachineLimits& limits) {
  const Subject subject{info, inspection, tests, limits};
  const std::string name = escaped(info.name.empty() ? info.file : info.name);
  std::string html =
      "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<meta name=\"viewport\" "
      "content=\"width=device-width, initial-scale=1\">\n<title>" +
      name + "</title>\n<style>" + std::string(report::style_sheet()) + "</style>\n</head>\n<body>\n<h1>" +
      name + "</h1>\n<div class=\"faint\">" + escaped(info.architecture) + ", " +
      fixed(static_cast<double>(info.parameters) / 1e6, 1) + " million parameters, " + escaped(info.file) +
      "</div>\n<nav><a href=\"#graph\">graph</a>";
  if (!tests.empty()) html += "<a href=\"#time\">time</a>";
  html += "<a href=\"#kernels\">kernels</a><a href=\"#memory\">memory</a><a href=\"#weights\">weights</a>";
  if (!inspection.activations.empty()) html += "<a href=\"#activations\">activations</a>";
  html += "<a href=\"#passes\">passes</a><a href=\"#bindings\">inputs and outputs</a></nav>\n";
  html += cards(subject) + graph_section(subject) + time_section(subject) + kernel_section(subject) +
          memory_section(subject) + weight_section(subject) + activation_section(subject) +
          pass_section(subject) + binding_section(subject);
  return html + "<script>" + std::string(report::script()) + "</script>\n</body>\n</html>\n";
}

}  // namespace lathe
