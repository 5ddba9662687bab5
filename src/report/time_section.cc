// Where the time of each test goes: a row for each kind of step, its layers folded under it.
#include <algorithm>
#include <map>

#include "report/markup.h"
#include "report/sections.h"

namespace lathe::report {
namespace {

/// Steps of one kind.
struct Kind {
  std::vector<std::size_t> steps;
  double seconds = 0;
  StepWork work;
};

std::vector<Kind> kinds_of(const Inspection& inspection, const StepProfile& test) {
  std::vector<Kind> kinds;
  std::map<std::string, std::size_t> known;
  for (std::size_t i = 0; i < inspection.steps.size(); ++i) {
    if (test.profiles[i] < 0) continue;
    const auto [found, is_new] =
        known.try_emplace(inspection.steps[i].kind + "\n" + inspection.steps[i].op, kinds.size());
    if (is_new) kinds.emplace_back();
    Kind& kind = kinds[found->second];
    kind.steps.push_back(i);
    kind.seconds += test.times[i];
    kind.work += test.work[i];
  }
  std::stable_sort(kinds.begin(), kinds.end(),
                   [](const Kind& a, const Kind& b) { return a.seconds > b.seconds; });
  return kinds;
}

std::string bar(double share, std::string_view color) {
  return "<div class=\"bar\"><i class=\"" + std::string(color) +
         "\" style=\"width:" + fixed(100 * std::clamp(share, 0.0, 1.0), 1) + "%\"></i></div>";
}

std::string rate_text(std::uint64_t amount, double seconds) {
  if (amount == 0 || seconds <= 0) return "–";
  const double giga = static_cast<double>(amount) / seconds / 1e9;
  return fixed(giga, giga < 10 ? 1 : 0);
}

class TestTable {
 public:
  TestTable(const Subject& subject, const StepProfile& test)
      : subject_(subject), test_(test), runs_(std::max<double>(1, static_cast<double>(test.runs))) {}

  std::string draw() const {
    std::string html =
        "<div class=\"panel\"><table><tr><th class=\"left\">step</th><th class=\"left\">op</th>"
        "<th class=\"left\">kernel</th><th>steps</th><th>time</th><th class=\"left\">of all</th><th></th>"
        "<th>bytes</th><th>GB/s</th><th>GOP/s</th><th class=\"left\">of the limit</th><th></th></tr>\n";
    const auto kinds = kinds_of(subject_.inspection, test_);
    for (const auto& kind : kinds) {
      const StepInspection& first = subject_.inspection.steps[kind.steps.front()];
      const bool single = kind.steps.size() == 1;
      html += row(single ? first.name : first.kind, kind.steps.front(), kind.steps.size(), kind.seconds,
                  kind.work, single ? "" : "kind");
      for (const auto step : kind.steps)
        if (!single)
          html += row(subject_.inspection.steps[step].name, step, 1, test_.times[step], test_.work[step],
                      "layer");
    }
    return html + "</table></div>\n" + sums();
  }

 private:
  std::string row(const std::string& name, std::size_t step, std::size_t count, double seconds,
                  const StepWork& work, const std::string& style) const {
    const StepInspection& shown = subject_.inspection.steps[step];
    const auto& choice =
        subject_.inspection.profiles[static_cast<std::size_t>(test_.profiles[step])].choices[step];
    const double share = seconds / test_.seconds;
    const double limit = share_of_limit(work, seconds, subject_.limits);
    const std::string variant = choice.chosen.variant.empty() ? "" : ":" + choice.chosen.variant;
    return "<tr" + (style.empty() ? std::string() : " class=\"" + style + "\"") + ">" +
           cell(escaped(name), "code") + cell(escaped(shown.op), "left") +
           cell(escaped(choice.chosen.kernel + variant), "code") + cell(std::to_string(count)) +
           cell(seconds_text(seconds / runs_)) + cell(bar(share, color_of(shown.op))) +
           cell(percent_text(share)) +
           cell(bytes_text(static_cast<std::uint64_t>(static_cast<double>(work.bytes()) / runs_))) +
           cell(rate_text(work.bytes(), seconds)) + cell(rate_text(work.operations(), seconds)) +
           cell(limit > 0.005 ? bar(limit, color_of(shown.op)) : "") +
           cell(limit > 0.005 ? percent_text(limit) : "–") + "</tr>\n";
  }

  std::string sums() const {
    StepWork whole;
    for (const auto& work : test_.work) whole += work;
    const double limit = share_of_limit(whole, test_.plain_seconds, subject_.limits);
    return "<p>The steps take " + seconds_text(test_.step_seconds() / runs_) + " of " +
           seconds_text(test_.seconds / runs_) +
           " for one run of the plan with a clock around each; without clocks, and with all that is around "
           "it, "
           "a run takes " +
           seconds_text(test_.plain_seconds / runs_) +
           (limit > 0 ? ", " + percent_text(limit) + " of the machine's limit" : std::string()) + ".</p>\n";
  }

  const Subject& subject_;
  const StepProfile& test_;
  double runs_;
};

}  // namespace

std::string time_section(const Subject& subject) {
  if (subject.tests.empty()) return {};
  std::string html = "<h2 id=\"time\">Where the time goes</h2>\n<p>Of one run of the plan. ";
  if (subject.limits.read_bytes_per_s > 0)
    html +=
        "The limit is that of this machine, measured: " + fixed(subject.limits.read_bytes_per_s / 1e9, 1) +
        " GB/s from memory for weights and cache, " + fixed(subject.limits.int8_operations_per_s / 1e9, 0) +
        " int8 GOP/s for products. ";
  html += "A click on a row shows its layers.</p>\n<div class=\"tabbed\"><div class=\"tabs\">";
  for (std::size_t i = 0; i < subject.tests.size(); ++i)
    html += "<button data-tab=\"" + std::to_string(i) + "\"" + (i == 0 ? " class=\"on\"" : "") + ">" +
            escaped(subject.tests[i].test) + "</button>";
  html += "</div>\n";
  for (std::size_t i = 0; i < subject.tests.size(); ++i)
    html += "<div class=\"pane" + std::string(i == 0 ? " on" : "") + "\" data-tab=\"" + std::to_string(i) +
            "\">" + TestTable(subject, subject.tests[i]).draw() + "</div>\n";
  return html + "</div>\n";
}

}  // namespace lathe::report
