#include "apps/bench_kv.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <fstream>
#include <memory>

#include "apps/line_chart.h"
#include "apps/options.h"
#include "apps/output.h"
#include "apps/statistics.h"
#include "apps/status_line.h"
#include "apps/whole_number.h"

namespace lathe::apps {
namespace {

struct KvWords {
  ModelWords model;
  std::vector<int> contexts = {64, 128, 256, 512, 1024, 2048};
  int repeats = 3;
  std::string output;
  bool json = false;
};

struct Point {
  int tokens = 0;         // of context before the step
  double with_cache = 0;  // seconds of the step
  double without_cache = 0;
  std::uint64_t multiply_adds_with = 0;  // of attention alone, by the model's shape
  std::uint64_t multiply_adds_without = 0;
};

struct Report {
  std::string model;
  std::vector<Point> points;
  std::array<double, 3> fit_with{};
  std::array<double, 3> fit_without{};
};

constexpr int kMostContext = 1 << 20;

void require_sensible(const KvWords& words) {
  auto contexts = words.contexts;
  std::sort(contexts.begin(), contexts.end());
  contexts.erase(std::unique(contexts.begin(), contexts.end()), contexts.end());
  if (contexts.size() < 3 || contexts != words.contexts || contexts.front() < 1)
    throw Error(ErrorCode::invalid_argument, "--contexts takes at least three ascending numbers of tokens");
  if (contexts.back() > kMostContext)
    throw Error(ErrorCode::invalid_argument, "--contexts has " + std::to_string(contexts.back()) +
                                                 ", outside 1 to " + std::to_string(kMostContext));
  if (words.repeats < 1 || words.repeats > 1000)
    throw Error(ErrorCode::invalid_argument,
                "-r is " + std::to_string(words.repeats) + ", outside 1 to 1000");
}

/// Seconds of one decode step behind `tokens` tokens.
double step_seconds(Model& model, int tokens, int steps, int repeats) {
  std::vector<double> seconds;
  for (int i = 0; i < repeats; ++i) {
    const Measurement run = model.measure(0, steps, tokens);
    seconds.push_back(run.seconds / run.tokens);
  }
  return median(seconds);
}

Report measure(const KvWords& words) {
  constexpr int kSteps = 8;  // with a cache a step is short, and the next one costs the same
  ModelWords with = words.model;
  with.options.context_tokens = words.contexts.back() + kSteps + 1;
  ModelWords without = with;
  without.options.kv = with.options.kv.empty() ? "off" : "off-" + with.options.kv;
  Report report;
  StatusLine status;
  {
    Model model = with.load();
    report.model = model.info().name;
    model.measure(0, kSteps, words.contexts.front());
    for (const int tokens : words.contexts) {
      status.show("with cache, " + std::to_string(tokens) + " tokens of context");
      Point point;
      point.tokens = tokens;
      point.with_cache = step_seconds(model, tokens, kSteps, words.repeats);
      point.multiply_adds_with = model.work(1, tokens).attention_operations / 2;
      point.multiply_adds_without = model.work(tokens + 1, 0).attention_operations / 2;
      report.points.push_back(point);
    }
  }
  Model model = without.load();
  model.measure(0, 1, words.contexts.front());
  for (auto& point : report.points) {
    status.show("without cache, " + std::to_string(point.tokens) + " tokens of context");
    point.without_cache = step_seconds(model, point.tokens, 1, words.repeats);
  }

  std::vector<double> x;
  std::vector<double> y_with;
  std::vector<double> y_without;
  for (const auto& point : report.points) {
    x.push_back(point.tokens);
    y_with.push_back(point.with_cache);
    y_without.push_back(point.without_cache);
  }
  report.fit_with = fit_parabola(x, y_with);
  report.fit_without = fit_parabola(x, y_without);
  return report;
}

std::string fit_json(const std::array<double, 3>& fit) {
  return "{\"a\": " + json_number(fit[0]) + ", \"b\": " + json_number(fit[1]) +
         ", \"c\": " + json_number(fit[2]) + "}";
}

std::string to_json(const Report& report) {
  std::string text = "{\"model\": " + json_string(report.model) + ", \"points\": [";
  for (const auto& point : report.points) {
    text += &point == &report.points.front() ? "\n" : ",\n";
    text += " {\"tokens\": " + std::to_string(point.tokens) +
            ", \"with_cache_s\": " + json_number(point.with_cache) +
            ", \"without_cache_s\": " + json_number(point.without_cache) +
            ", \"attention_multiply_adds_with\": " + std::to_string(point.multiply_adds_with) +
            ", \"attention_multiply_adds_without\": " + std::to_string(point.multiply_adds_without) + "}";
  }
  return text + "],\n \"fit_with\": " + fit_json(report.fit_with) +
         ", \"fit_without\": " + fit_json(report.fit_without) + "}\n";
}

std::string fit_text(const std::array<double, 3>& fit) {
  const auto sign = [](double value) { return value < 0 ? " - " : " + "; };
  return format_number(fit[0] * 1e3, 2) + " ms" + sign(fit[1]) + format_number(std::abs(fit[1]) * 1e6, 2) +
         " us N" + sign(fit[2]) + format_number(std::abs(fit[2]) * 1e9, 3) + " ns N^2";
}

std::string to_table(const Report& report) {
  std::vector<std::vector<std::string>> rows = {
      {"context", "with cache", "without", "times", "attention MACs with", "without"}};
  for (const auto& point : report.points)
    rows.push_back({std::to_string(point.tokens), format_seconds(point.with_cache),
                    format_seconds(point.without_cache),
                    format_number(point.without_cache / point.with_cache, 1),
                    std::to_string(point.multiply_adds_with), std::to_string(point.multiply_adds_without)});
  return report.model + ": one decode step behind N tokens\n" + format_table(rows) + "fit with cache     " +
         fit_text(report.fit_with) + "\nfit without cache  " + fit_text(report.fit_without) + "\n";
}

LineChart to_chart(const Report& report) {
  LineChart chart;
  chart.title = report.model + ": one decode step";
  chart.x_label = "tokens of context";
  chart.y_label = "milliseconds";
  chart.lines = {{"without cache", {}}, {"with cache", {}}};
  for (const auto& point : report.points) {
    chart.lines[0].points.push_back({static_cast<double>(point.tokens), point.without_cache * 1e3});
    chart.lines[1].points.push_back({static_cast<double>(point.tokens), point.with_cache * 1e3});
  }
  return chart;
}

int run(const KvWords& words) {
  require_sensible(words);
  if (words.model.options.kv.starts_with("off"))
    throw Error(ErrorCode::invalid_argument, "bench kv itself switches the cache off");
  const Report report = measure(words);
  if (!words.output.empty()) {
    std::ofstream file(words.output, std::ios::binary);
    file << to_svg(to_chart(report));
    if (!file.flush()) throw Error(ErrorCode::io, "could not write the chart", {words.output, {}, {}});
  }
  write_out(words.json ? to_json(report) : to_table(report));
  return 0;
}

}  // namespace

void add_bench_kv(CLI::App& bench, Context& context) {
  auto words = std::make_shared<KvWords>();
  CLI::App* command =
      bench.add_subcommand("kv", "one decode step with and without the cache of keys and values");
  words->model.add_computing(*command);
  command->add_option("--contexts", words->contexts, "tokens in the context before the step")
      ->delimiter(',')
      ->transform(whole_number<int>())
      ->allow_extra_args(false)
      ->capture_default_str();
  command->add_option("-r,--repeats", words->repeats, "runs of each, of which the median counts")
      ->transform(whole_number<int>())
      ->capture_default_str();
  command->add_option("-o,--output", words->output, "write the two curves to this .svg file");
  command->add_flag("--json", words->json, "print one object");
  command->callback([words, &context] { context.chosen = [words] { return run(*words); }; });
}

}  // namespace lathe::apps
