// lathe onnx-suite: the ONNX conformance suite, counted by kind.
#include <algorithm>
#include <map>
#include <memory>

#include "apps/command.h"
#include "apps/options.h"
#include "apps/output.h"
#include "apps/quantize_report.h"
#include "apps/status_line.h"
#include "apps/whole_number.h"
#include "lathe/build.h"
#include "lathe/execute.h"

namespace lathe::apps {
namespace {

struct SuiteWords {
  std::string folder;
  OnnxSuiteOptions options;
  std::string json;
  bool list_reasons = false;
};

using Results = std::vector<OnnxTestResult>;

std::size_t count(const Results& results, OnnxOutcome outcome, const std::string& kind = {}) {
  return static_cast<std::size_t>(std::count_if(results.begin(), results.end(), [&](const auto& result) {
    return result.outcome == outcome && (kind.empty() || result.kind == kind);
  }));
}

std::string format_counts(const Results& results) {
  std::vector<std::vector<std::string>> rows{
      {"kind", "passed", "failed", "unsupported", "not deterministic"}};
  const auto add = [&](const std::string& name, const std::string& kind) {
    rows.push_back({name});
    for (const auto outcome :
         {OnnxOutcome::passed, OnnxOutcome::failed, OnnxOutcome::unsupported, OnnxOutcome::not_deterministic})
      rows.back().push_back(std::to_string(count(results, outcome, kind)));
  };
  for (std::size_t i = 0; i < results.size(); ++i)
    if (i == 0 || results[i].kind != results[i - 1].kind) add(results[i].kind, results[i].kind);
  add("all", "");
  return format_table(rows);
}

/// Reasons of unsupported tests, the most frequent first.
std::string format_reasons(const Results& results) {
  std::map<std::string, std::vector<std::string>> tests;
  for (const auto& result : results)
    if (result.outcome == OnnxOutcome::unsupported) tests[result.reason].push_back(result.name);
  std::vector<std::pair<std::string, std::vector<std::string>>> sorted(tests.begin(), tests.end());
  std::stable_sort(sorted.begin(), sorted.end(),
                   [](const auto& a, const auto& b) { return a.second.size() > b.second.size(); });
  std::string text;
  for (const auto& [reason, names] : sorted)
    text += "unsupported " + std::to_string(names.size()) + ": " + reason + " (" + names.front() +
            (names.size() > 1 ? ", ..." : "") + ")\n";
  return text;
}

std::string names_json(const Results& results, OnnxOutcome outcome) {
  std::string text;
  for (const auto& result : results)
    if (result.outcome == outcome) text += (text.empty() ? "\n  " : ",\n  ") + json_string(result.name);
  return "[" + text + "]";
}

void write_json(const std::string& path, const Results& results) {
  const std::string text =
      "{\"passed\": " + names_json(results, OnnxOutcome::passed) +
      ",\n\"failed\": " + names_json(results, OnnxOutcome::failed) +
      ",\n\"unsupported\": " + names_json(results, OnnxOutcome::unsupported) +
      ",\n\"not_deterministic\": " + names_json(results, OnnxOutcome::not_deterministic) + "}\n";
  OutputFile file(path);
  file.write(text.data(), text.size());
  file.flush();
  file.finish();
}

int run(const SuiteWords& words) {
  StatusLine status;
  OnnxSuiteOptions options = words.options;
  options.progress = [&](std::size_t done, std::size_t all) {
    status.show(progress_bar("tests", static_cast<double>(done) / static_cast<double>(all)));
  };
  const Results results = run_onnx_suite(words.folder, options);
  status.clear();
  if (!words.json.empty()) write_json(words.json, results);
  std::string text;
  for (const auto& result : results)
    if (result.outcome == OnnxOutcome::failed) text += "failed " + result.name + ": " + result.reason + "\n";
  if (words.list_reasons) text += format_reasons(results);
  write_out(text + format_counts(results));
  return count(results, OnnxOutcome::failed) == 0 ? 0 : 1;
}

}  // namespace

void add_onnx_suite(CLI::App& program, Context& context) {
  auto words = std::make_shared<SuiteWords>();
  CLI::App* command = program.add_subcommand("onnx-suite", "run the ONNX conformance suite");
  command->add_option("DIR", words->folder, "the suite's folder, as tools/export_onnx_suite.py writes it")
      ->required();
  command->add_option("--json", words->json, "a file for the names of the tests by outcome");
  command->add_option("--filter", words->options.filter,
                      "only tests in whose names this expression is found");
  command->add_flag("--list-reasons", words->list_reasons, "say why tests are not supported, and how many");
  command->add_option("-t,--threads", words->options.threads, "tests at once; 0: one per core")
      ->transform(whole_number<int>())
      ->capture_default_str();
  command->callback([words, &context] { context.chosen = [words] { return run(*words); }; });
}

}  // namespace lathe::apps
