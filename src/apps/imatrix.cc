// lathe imatrix: how important each matrix's columns are on a text, as a file for quantizing.
#include <memory>

#include "apps/calibration_words.h"
#include "apps/command.h"
#include "apps/options.h"
#include "apps/output.h"
#include "apps/quantize_report.h"
#include "apps/status_line.h"
#include "apps/whole_number.h"
#include "lathe/build.h"
#include "lathe/quantization.h"

namespace lathe::apps {
namespace {

struct ImatrixWords {
  ModelWords model;
  CalibrationWords calibration;
  std::string output;
};

int run(const ImatrixWords& words, Interrupt& interrupt) {
  ModelOptions options = words.model.options;
  options.show_fetch = true;
  OutputFile file(words.output);
  const Interrupt::Cleanup cleanup(interrupt, [&file] { file.discard(); });
  StatusLine status;
  const ImportanceSummary result = write_importance(
      words.model.model, options, words.calibration.read(),
      [&](std::span<const std::byte> bytes, std::uint64_t) { file.write(bytes.data(), bytes.size()); },
      [&](const std::string& work, double share) { status.show(progress_bar(work, share)); });
  file.flush();
  status.clear();
  write_error("importance of " + std::to_string(result.matrices) + " matrices on " +
              std::to_string(result.contexts) + " contexts, " + std::to_string(result.tokens) + " tokens\n");
  const auto delay = interrupt.delay();
  file.finish();
  return 0;
}

}  // namespace

void add_imatrix(CLI::App& program, Context& context) {
  auto words = std::make_shared<ImatrixWords>();
  CLI::App* command =
      program.add_subcommand("imatrix", "write how important each column is on a text, for quantizing");
  words->model.add_model(*command);
  words->calibration.add(*command)->required();
  command->add_option("-o,--output", words->output, "the .gguf file to write")->required();
  command->add_option("-t,--threads", words->model.options.threads, "threads that compute; 0: one per core")
      ->transform(whole_number<int>())
      ->capture_default_str();
  command->callback(
      [words, &context] { context.chosen = [words, &context] { return run(*words, context.interrupt); }; });
}

}  // namespace lathe::apps
