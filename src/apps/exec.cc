// lathe exec: runs a graph or a model on tensors, and reports as trtexec does.
#include <algorithm>
#include <array>
#include <filesystem>
#include <memory>
#include <thread>

#include "apps/command.h"
#include "apps/options.h"
#include "apps/output.h"
#include "apps/precision_table.h"
#include "apps/precision_words.h"
#include "apps/program_words.h"
#include "apps/query_loop.h"
#include "apps/query_report.h"
#include "apps/whole_number.h"
#include "lathe/build.h"
#include "lathe/execute.h"

namespace lathe::apps {
namespace {

struct ExecWords {
  std::string file;
  ModelWords model;
  ProgramWords given;
  ProgramOptions program;
  PrecisionWords precision;
  QueryOptions queries;
  ReportOptions report;
  bool no_transfers = false;
  bool dump_profile = false;
  bool dump_output = false;
  std::string output_folder;
  std::string export_times, export_profile, export_output, export_layers;
};

[[noreturn]] void refuse(const std::string& message) { throw Error(ErrorCode::invalid_argument, message); }

bool is_program_file(const std::string& file) {
  return std::ranges::any_of(std::array{".graph", ".txt", ".onnx", ".plan"},
                             [&file](const char* ending) { return file.ends_with(ending); });
}

ProgramOptions program_options(const ExecWords& words, bool model_given) {
  ProgramOptions options = words.program;
  options.model_options = words.model.options;
  options.model_options.show_fetch = true;
  if (is_program_file(words.file))
    options.file = words.file;
  else if (!words.file.empty() && model_given)
    refuse(json_string(words.file) + " is no graph or plan, and --model names another");
  if (!words.file.empty() && options.file.empty())
    options.model = words.file;
  else if (options.file.empty() || model_given)
    options.model = words.model.model;
  words.given.fill(options);
  options.exact_sizes = true;
  options.precision = words.precision.complete();
  return options;
}

void require_sensible(const ExecWords& words) {
  const auto& queries = words.queries;
  const auto seconds = [](double value) { return value >= 0 && value <= 1e6; };
  if (!seconds(queries.duration_s) || !seconds(queries.warm_up_ms / 1e3) || !seconds(queries.idle_ms / 1e3))
    refuse("a time is negative, or longer than 1000000 seconds");
  if (queries.iterations < 1) refuse("--iterations must be at least 1");
  if (queries.streams < 1 || queries.streams > 256) refuse("--streams is outside 1 to 256");
  if (words.report.average_runs < 1) refuse("--avg-runs must be at least 1");
  for (const double percent : words.report.percentiles)
    if (!(percent >= 0 && percent <= 100)) refuse("--percentile is outside 0 to 100");
}

void write_file(const std::string& path, const std::string& text) {
  OutputFile file(path);
  file.write(text.data(), text.size());
  file.flush();
  file.finish();
}

void write_outputs(const Program& program, const Execution& execution, const std::string& folder) {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error) throw Error(ErrorCode::io, "the folder could not be made: " + error.message(), {folder, {}, {}});
  for (const auto& info : program.outputs()) {
    const Tensor tensor = execution.output(info.name);
    const bool texts = tensor.dtype == "string";
    const std::string header = texts ? npy_texts(tensor) : npy_header(tensor.dtype, tensor.shape);
    OutputFile file(folder + "/" + npy_file_name(info.name));
    file.write(header.data(), header.size());
    file.write(tensor.bytes.data(), tensor.bytes.size());
    file.flush();
    file.finish();
  }
}

/// One execution uses the program's threads; several share the same number.
std::vector<Execution> executions(const Program& program, const ExecWords& words) {
  const int cores = std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
  const int threads = words.model.options.threads > 0 ? words.model.options.threads : cores;
  const int own = words.queries.streams == 1 ? 0 : std::max(1, threads / words.queries.streams);
  std::vector<Execution> all;
  for (int i = 0; i < words.queries.streams; ++i) all.push_back(program.execution(own));
  return all;
}

std::string describe(const Program& program) {
  const auto list = [](const std::vector<TensorInfo>& tensors) {
    std::string text;
    for (const auto& tensor : tensors) {
      text += (text.empty() ? "" : ", ") + tensor.name + " " + tensor.dtype + "[";
      for (std::size_t i = 0; i < tensor.shape.size(); ++i)
        text += (i == 0 ? "" : ", ") + std::to_string(tensor.shape[i]);
      text += "]";
    }
    return text;
  };
  return "lathe: inputs " + list(program.inputs()) + "\nlathe: outputs " + list(program.outputs()) + "\n";
}

int run(ExecWords& words, bool model_given) {
  require_sensible(words);
  words.queries.transfers = !words.no_transfers;
  const Program program = Program::load(program_options(words, model_given));
  write_error(describe(program));
  for (const auto& note : program.notes()) write_error("lathe: " + note + "\n");
  if (!words.precision.options.calibration.empty())
    write_error(format_precision(program.inspect().precision));

  auto streams = executions(program, words);
  const QueryTrace trace = run_queries(streams, words.queries);
  std::string text = format_trace(trace, words.queries, words.report);
  for (const auto& warning : trace_warnings(trace, words.queries))
    write_error("lathe: warning: " + warning + "\n");
  Execution& first = streams.front();
  if (!words.export_times.empty()) write_file(words.export_times, times_json(trace));
  if (!words.export_output.empty()) write_file(words.export_output, outputs_json(program, first));
  if (!words.export_layers.empty()) write_file(words.export_layers, program.layers_json() + "\n");
  if (!words.output_folder.empty()) write_outputs(program, first, words.output_folder);
  if (words.dump_output) text += format_outputs(program, first);
  if (words.dump_profile || !words.export_profile.empty()) {
    const auto seconds = profile_queries(first, words.queries);
    const auto profile = summarize(program.layers(), seconds);
    if (words.dump_profile) text += format_profile(profile, seconds.size());
    if (!words.export_profile.empty())
      write_file(words.export_profile, profile_json(profile, seconds.size()));
  }
  write_out(text);
  return 0;
}

void add_input_words(CLI::App& command, ExecWords& words) {
  words.given.add(command);
  command
      .add_option("--past", words.program.past, "of models: tokens that a sequence has in the cache already")
      ->transform(whole_number<int>())
      ->capture_default_str();
  command
      .add_option("--outputs", words.program.outputs, "compute these outputs alone: NAME,NAME (default: all)")
      ->delimiter(',')
      ->allow_extra_args(false);
}

void add_timing_words(CLI::App& command, ExecWords& words) {
  auto& queries = words.queries;
  command
      .add_option("--warm-up,--warmUp", queries.warm_up_ms,
                  "milliseconds of runs before those that are timed; at least one run")
      ->capture_default_str();
  command.add_option("--duration", queries.duration_s, "seconds of timed runs, at least")
      ->capture_default_str();
  command.add_option("--iterations", queries.iterations, "timed runs of each stream, at least")
      ->transform(whole_number<int>())
      ->capture_default_str();
  command.add_option("--avg-runs,--avgRuns", words.report.average_runs, "runs of one line of averages")
      ->transform(whole_number<int>())
      ->capture_default_str();
  command.add_option("--percentile", words.report.percentiles, "percentiles to report")
      ->delimiter(',')
      ->allow_extra_args(false)
      ->capture_default_str();
  command
      .add_option("--streams,--infStreams", queries.streams,
                  "runs at once, each with memory of its own and a share of the threads")
      ->transform(whole_number<int>())
      ->capture_default_str();
  command.add_option("--idle-time,--idleTime", queries.idle_ms, "milliseconds between two runs of a stream")
      ->capture_default_str();
  command.add_flag("--no-data-transfers,--noDataTransfers", words.no_transfers,
                   "send the inputs once and read no outputs while timing");
}

void add_report_words(CLI::App& command, ExecWords& words) {
  command.add_flag("--dump-profile,--dumpProfile", words.dump_profile,
                   "time each layer too, in runs of their own");
  command.add_flag("--dump-output,--dumpOutput", words.dump_output, "print the outputs of the last run");
  command.add_option("--output", words.output_folder, "a folder for the outputs, NAME.npy");
  command.add_option("--export-times,--exportTimes", words.export_times, "a JSON file of all runs' times");
  command.add_option("--export-profile,--exportProfile", words.export_profile,
                     "a JSON file of the layers' times");
  command.add_option("--export-output,--exportOutput", words.export_output, "a JSON file of the outputs");
  command.add_option("--export-layer-info,--exportLayerInfo", words.export_layers,
                     "a JSON file of the layers, their tensors and kernels");
}

}  // namespace

void add_exec(CLI::App& program, Context& context) {
  auto words = std::make_shared<ExecWords>();
  CLI::App* command = program.add_subcommand("exec", "run a graph or a model on tensors and time it");
  command->add_option(
      "FILE", words->file,
      "a graph in text form (.graph, .txt; --model then has its constants), a .plan file or a model");
  words->model.add_computing(*command);
  add_input_words(*command, *words);
  words->precision.add(*command, false);
  add_timing_words(*command, *words);
  add_report_words(*command, *words);
  command->callback([words, command, &context] {
    const bool model_given = command->get_option("--model")->count() > 0;
    context.chosen = [words, model_given] { return run(*words, model_given); };
  });
}

}  // namespace lathe::apps
