// Kernels against the alternatives that were measured, for each profile and kind of step.
#include <algorithm>
#include <set>

#include "report/markup.h"
#include "report/sections.h"

namespace lathe::report {
namespace {

std::string kernel_text(const KernelInspection& kernel) {
  return kernel.kernel + (kernel.variant.empty() ? "" : ":" + kernel.variant) +
         (kernel.threads > 0 ? " on " + std::to_string(kernel.threads) : "");
}

bool is_chosen(const KernelInspection& tried, const ChoiceInspection& choice) {
  return tried.kernel == choice.chosen.kernel && tried.variant == choice.chosen.variant &&
         tried.threads == choice.chosen.threads;
}

std::string alternatives(const StepInspection& step, const ChoiceInspection& choice) {
  double slowest = 0;
  double best = 0;
  for (const auto& tried : choice.measured) {
    slowest = std::max(slowest, tried.seconds);
    best = best == 0 ? tried.seconds : std::min(best, tried.seconds);
  }
  // A few far too slow ones would make all others look alike.
  slowest = std::min(slowest, 8 * best);
  std::string html;
  for (const auto& tried : choice.measured) {
    const bool chosen = is_chosen(tried, choice);
    const double share = slowest > 0 ? std::min(1.0, tried.seconds / slowest) : 0;
    html +=
        "<tr>" +
        cell(chosen ? "<b>" + escaped(kernel_text(tried)) + "</b>" : escaped(kernel_text(tried)), "code") +
        cell("<div class=\"bar\"><i class=\"" +
             (chosen ? std::string(color_of(step.op)) : std::string("lost")) +
             "\" style=\"width:" + fixed(100 * share, 1) + "%\"></i></div>") +
        cell(seconds_text(tried.seconds)) +
        cell(best > 0 ? fixed(tried.seconds / best, 2) + " ×" : "–", "faint") + "</tr>\n";
  }
  return html;
}

/// Steps of one kind were measured once for all.
std::string profile_pane(const Inspection& inspection, const ProfileInspection& profile) {
  std::string html;
  std::set<std::string> shown;
  for (std::size_t i = 0; i < inspection.steps.size(); ++i) {
    const StepInspection& step = inspection.steps[i];
    const ChoiceInspection& choice = profile.choices[i];
    if (choice.measured.empty()) continue;
    std::string key = step.kind + "\n" + kernel_text(choice.chosen);
    for (const auto& input : step.inputs) key += " " + input.text();
    if (!shown.insert(key).second) continue;
    html += "<tr><th class=\"left\" colspan=\"4\"><b>" + escaped(step.kind) + "</b> " + escaped(step.op) +
            "</th></tr>\n" + alternatives(step, choice);
  }
  if (html.empty())
    return "<p>Nothing was measured for this profile: its kernels were chosen by rule. Build with a higher "
           "tuning level to have them raced.</p>\n";
  return "<div class=\"panel\"><table>" + html + "</table></div>\n";
}

}  // namespace

std::string kernel_section(const Subject& subject) {
  const auto& profiles = subject.inspection.profiles;
  std::string html =
      "<h2 id=\"kernels\">Kernels against the alternatives</h2>\n<p>What the tuner tried for each kind of "
      "step, "
      "and how long one call took; the chosen one is in color. All of one step give the same bits.</p>\n"
      "<div class=\"tabbed\"><div class=\"tabs\">";
  for (std::size_t i = 0; i < profiles.size(); ++i)
    html += "<button data-tab=\"" + std::to_string(i) + "\"" + (i == 0 ? " class=\"on\"" : "") + ">" +
            escaped(profiles[i].name) + "</button>";
  html += "</div>\n";
  for (std::size_t i = 0; i < profiles.size(); ++i)
    html += "<div class=\"pane" + std::string(i == 0 ? " on" : "") + "\" data-tab=\"" + std::to_string(i) +
            "\">" + profile_pane(subject.inspection, profiles[i]) + "</div>\n";
  return html + "</div>\n";
}

}  // namespace lathe::report
