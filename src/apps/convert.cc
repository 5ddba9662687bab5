// lathe convert: a Hugging Face folder as one GGUF file.
#include <memory>

#include "apps/command.h"
#include "apps/options.h"
#include "apps/output.h"
#include "apps/status_line.h"
#include "lathe/build.h"

namespace lathe::apps {
namespace {

struct ConvertWords {
  ModelWords model;
  std::string folder;
  std::string output;
};

int run(const ConvertWords& words, Interrupt& interrupt) {
  OutputFile file(words.output);
  const Interrupt::Cleanup cleanup(interrupt, [&file] { file.discard(); });
  ModelOptions options = words.model.options;
  options.show_fetch = true;
  StatusLine status;
  status.show("reading " + words.folder);
  std::uint64_t done = 0;
  const Conversion result =
      convert(words.folder, options, [&](std::span<const std::byte> bytes, std::uint64_t total) {
        file.write(bytes.data(), bytes.size());
        done += bytes.size();
        status.show(std::to_string(done >> 20) + " of " + std::to_string(total >> 20) + " MiB written");
      });
  file.flush();
  status.clear();
  for (const auto& warning : result.warnings) write_error("lathe: warning: " + warning + "\n");
  const auto delay = interrupt.delay();
  file.finish();
  return 0;
}

}  // namespace

void add_convert(CLI::App& program, Context& context) {
  auto words = std::make_shared<ConvertWords>();
  CLI::App* command = program.add_subcommand("convert", "write a Hugging Face folder as one GGUF file");
  command->add_option("folder", words->folder, "a Hugging Face folder or a known name")->required();
  command->add_option("-o,--output", words->output, "the .gguf file to write")->required();
  words->model.add_weights(*command);
  command->callback(
      [words, &context] { context.chosen = [words, &context] { return run(*words, context.interrupt); }; });
}

}  // namespace lathe::apps
