// lathe quantize: a model as a GGUF file with fewer bits.
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

struct QuantizeWords {
  ModelWords model;
  CalibrationWords calibration;
  QuantizeOptions options;
  bool json = false;
};

int run(const QuantizeWords& words, Interrupt& interrupt) {
  QuantizeOptions options = words.options;
  options.model = words.model.options;
  options.model.show_fetch = true;
  options.calibration = words.calibration.read();
  OutputFile file(options.output);
  const Interrupt::Cleanup cleanup(interrupt, [&file] { file.discard(); });
  StatusLine status;
  status.show("reading " + words.model.model);
  std::uint64_t done = 0;
  const Quantization result = quantize(
      words.model.model, options,
      [&](std::span<const std::byte> bytes, std::uint64_t total) {
        file.write(bytes.data(), bytes.size());
        done += bytes.size();
        status.show(progress_bar("writing " + std::to_string(total >> 20) + " MiB",
                                 static_cast<double>(done) / static_cast<double>(total)));
      },
      [&](const std::string& work, double share) { status.show(progress_bar(work, share)); });
  file.flush();
  status.clear();
  for (const auto& warning : result.warnings) write_error("lathe: warning: " + warning + "\n");
  if (words.json) {
    write_out(quantization_json(result));
  } else {
    write_error(quantization_table(result));
  }
  const auto delay = interrupt.delay();
  file.finish();
  return 0;
}

}  // namespace

void add_quantize(CLI::App& program, Context& context) {
  auto words = std::make_shared<QuantizeWords>();
  CLI::App* command = program.add_subcommand("quantize", "write a model with fewer bits, as a GGUF file");
  words->model.add_model(*command);
  command->add_option("-o,--output", words->options.output, "the .gguf file to write")->required();
  command
      ->add_option(
          "--type", words->options.type,
          "f32, f16, bf16, q8_0, q6_k, q5_k_m, q5_k_s, q5_1, q5_0, q4_k_m, q4_k_s, q4_1, q4_0, iq4_nl, "
          "iq4_xs, mxfp4, mxfp4_moe, q3_k_l, q3_k_m, q3_k_s or q2_k")
      ->capture_default_str();
  command
      ->add_option("--type-for", words->options.type_for,
                   "REGEX=TYPE: another type for the matrices whose names match (again for more)")
      ->allow_extra_args(false);
  words->calibration.add(*command);
  command->add_option("--imatrix", words->options.imatrix,
                      "importance of columns from a file: of llama-imatrix, or of lathe imatrix");
  command->add_flag("--gptq", words->options.gptq,
                    "let other columns make up for a column's error (needs --calibration)");
  command->add_flag(
      "--awq", words->options.awq,
      "scale columns with large inputs up, and the norm in front of them down (needs --calibration or "
      "--imatrix)");
  command->add_option(
      "--smooth", words->options.smooth,
      "SmoothQuant, 0.5 or so up to 1: move that much of the inputs' range into the weights, so that "
      "8-bit activations lose less (needs --calibration or --imatrix)");
  command->add_option("--budget", words->options.budget,
                      "4.5bpw, 80MB or 75MiB: the mix of types that loses least within that size (needs "
                      "--calibration)");
  command->add_option("-t,--threads", words->model.options.threads, "threads that compute; 0: one per core")
      ->transform(whole_number<int>())
      ->capture_default_str();
  command->add_flag_callback(
      "--no-check-weights", [words] { words->model.options.check_weights = false; },
      "do not look for NaN and infinite weights before writing begins");
  command->add_flag("--json", words->json, "what became of every tensor, as JSON on stdout");
  command->callback(
      [words, &context] { context.chosen = [words, &context] { return run(*words, context.interrupt); }; });
}

}  // namespace lathe::apps
