// lathe build and lathe refit: a model as a plan file.
#include <memory>

#include "apps/activation_table.h"
#include "apps/command.h"
#include "apps/named_word.h"
#include "apps/options.h"
#include "apps/output.h"
#include "apps/precision_table.h"
#include "apps/precision_words.h"
#include "apps/status_line.h"
#include "apps/whole_number.h"
#include "lathe/build.h"
#include "lathe/execute.h"

namespace lathe::apps {
namespace {

struct BuildWords {
  ModelWords model;
  PlanOptions options;
  std::string plan;  // that is refitted
  std::string output;
  PrecisionWords precision;
  // of a network
  std::vector<std::string> sizes;
  std::vector<std::string> profiles;
  std::vector<std::string> min_shapes, opt_shapes, max_shapes;

  bool have_shapes() const { return !min_shapes.empty() || !opt_shapes.empty() || !max_shapes.empty(); }
  bool have_sizes() const { return !sizes.empty() || !profiles.empty() || have_shapes(); }
};

/// Writes what `make` gives as one file, with progress.
int write_plan(const std::string& path, const std::string& doing, Interrupt& interrupt,
               const std::function<PlanSummary(const WritePlan&)>& make) {
  OutputFile file(path);
  const Interrupt::Cleanup cleanup(interrupt, [&file] { file.discard(); });
  StatusLine status;
  status.show(doing);
  std::uint64_t done = 0;
  const PlanSummary summary = make([&](std::span<const std::byte> bytes, std::uint64_t total) {
    file.write(bytes.data(), bytes.size());
    done += bytes.size();
    status.show(std::to_string(done >> 20) + " of " + std::to_string(total >> 20) + " MiB written");
  });
  file.flush();
  status.clear();
  for (const auto& warning : summary.warnings) write_error("lathe: warning: " + warning + "\n");
  write_error(format_activations(summary.activations, false));
  write_error(format_precision(summary.precision));
  const auto delay = interrupt.delay();
  file.finish();
  write_error("lathe: " + path + ": " + format_bytes(summary.bytes) + ", " + std::to_string(summary.steps) +
              " steps, " + std::to_string(summary.weights) + " weights, in " +
              format_seconds(summary.seconds) + "\n");
  return 0;
}

int build(const BuildWords& words, Interrupt& interrupt) {
  PlanOptions options = words.options;
  options.model = words.model.options;
  options.model.show_fetch = true;
  const std::string& model = words.model.model;
  const bool is_graph = model.ends_with(".onnx") || model.ends_with(".graph") || model.ends_with(".txt");
  const bool is_network = is_graph && (words.have_sizes() || !is_decoder_network(model));
  if (!is_network && words.have_sizes())
    throw Error(ErrorCode::invalid_argument,
                "--shapes and --profile are for networks and graphs; models have --ctx",
                {{}, std::nullopt, "--shapes"});
  const PrecisionOptions precision = words.precision.complete();
  if (!is_network && !precision.calibration.empty())
    throw Error(ErrorCode::invalid_argument, "--calibrate is for networks; models have --activations",
                {{}, std::nullopt, "--calibrate"});
  return write_plan(words.output, "compiling " + model, interrupt, [&](const WritePlan& write) {
    if (!is_network) return lathe::build(model, options, write);
    ProgramOptions program;
    program.file = model;
    program.model_options = options.model;
    program.sizes = named_sizes(words.sizes, "--shapes");
    program.precision = precision;
    for (const auto& word : words.profiles) program.profiles.push_back(size_profile(word, "--profile"));
    if (words.have_shapes())
      program.profiles.push_back(shape_profile(words.min_shapes, words.opt_shapes, words.max_shapes));
    return lathe::build(program, write);
  });
}

int refit(const BuildWords& words, Interrupt& interrupt) {
  ModelOptions options = words.model.options;
  options.show_fetch = true;
  return write_plan(words.output, "packing " + words.model.model, interrupt, [&](const WritePlan& write) {
    return lathe::refit(words.plan, words.model.model, options, write);
  });
}

}  // namespace

void add_build(CLI::App& program, Context& context) {
  auto words = std::make_shared<BuildWords>();
  CLI::App* command =
      program.add_subcommand("build", "compile a model into a plan file, which starts in milliseconds");
  command->add_option("-o,--output", words->output, "the .plan file to write")->required();
  words->model.options.tuning = 3;
  words->model.add_computing(*command);
  command->add_option("--sequences", words->model.options.sequences, "answers in progress at once, at most")
      ->transform(whole_number<int>())
      ->capture_default_str();
  command->add_option("--timing-cache", words->model.options.timing_cache,
                      "a file of what was measured; read first, and what is measured now is added");
  command->add_flag("--fail-on-timing-miss", words->model.options.fail_on_timing_miss,
                    "do not measure what the timing cache lacks, fail");
  command
      ->add_option("--shapes", words->sizes,
                   "of networks: the greatest sizes of dimensions that have names: N=4,T=512")
      ->delimiter(',');
  words->precision.add(*command, true);
  command
      ->add_option("--profile", words->profiles,
                   "of networks: least, typical and greatest sizes, N=1:4:8,T=1:128:512; again for more "
                   "profiles, of which a run takes the smallest that holds its sizes")
      ->allow_extra_args(false);
  const auto add_shapes = [&](const char* names, std::vector<std::string>& shapes, const char* which) {
    command
        ->add_option(
            names, shapes,
            std::string("of networks: ") + which + " shapes of inputs, x:1x3x224x224,y:1x5; a profile")
        ->delimiter(',')
        ->allow_extra_args(false);
  };
  add_shapes("--min-shapes,--minShapes", words->min_shapes, "the least");
  add_shapes("--opt-shapes,--optShapes", words->opt_shapes, "typical");
  add_shapes("--max-shapes,--maxShapes", words->max_shapes, "the greatest");
  command->add_flag("--strip", words->options.strip,
                    "leave the weights out; lathe refit puts those of a model in");
  command->callback(
      [words, &context] { context.chosen = [words, &context] { return build(*words, context.interrupt); }; });
}

void add_refit(CLI::App& program, Context& context) {
  auto words = std::make_shared<BuildWords>();
  CLI::App* command =
      program.add_subcommand("refit", "put the weights of a model into a plan that was built of its like");
  command->add_option("PLAN", words->plan, "the .plan file, stripped or whole")->required();
  command->add_option("-o,--output", words->output, "the .plan file to write")->required();
  words->model.add_model(*command);
  command->callback(
      [words, &context] { context.chosen = [words, &context] { return refit(*words, context.interrupt); }; });
}

}  // namespace lathe::apps
