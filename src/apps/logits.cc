// lathe logits: the model's raw scores at every position, as a NumPy file.
#include <memory>

#include "apps/command.h"
#include "apps/npy_writer.h"
#include "apps/options.h"
#include "apps/status_line.h"
#include "apps/whole_number.h"

namespace lathe::apps {
namespace {

struct LogitsWords {
  ModelWords model;
  std::string ids;
  std::string output;
  int chunk = 0;
};

int run(const LogitsWords& words, Interrupt& interrupt) {
  const auto ids = parse_ids(words.ids);
  Model model = words.model.load();
  OutputFile file(words.output);
  const Interrupt::Cleanup cleanup(interrupt, [&file] { file.discard(); });
  NpyWriter rows(file, {static_cast<std::int64_t>(ids.size()), model.info().vocabulary});
  StatusLine status;
  model.logits(ids, words.chunk, [&](int position, std::span<const float> row) {
    rows.write(row);
    if (position % 64 == 63)
      status.show(std::to_string(position + 1) + " of " + std::to_string(ids.size()) + " tokens");
  });
  file.flush();
  const auto delay = interrupt.delay();
  file.finish();
  return 0;
}

}  // namespace

void add_logits(CLI::App& program, Context& context) {
  auto words = std::make_shared<LogitsWords>();
  CLI::App* command =
      program.add_subcommand("logits", "write the logits at every position, float32 [tokens, vocabulary]");
  command->add_option("--ids", words->ids, "token ids: 1,2,3 or [1, 2, 3]")->required();
  command->add_option("-o,--output", words->output, "the .npy file to write")->required();
  words->model.add_computing(*command);
  command->add_option("--chunk", words->chunk, "tokens that are computed at once; 0: chosen")
      ->transform(whole_number<int>())
      ->capture_default_str();
  command->callback(
      [words, &context] { context.chosen = [words, &context] { return run(*words, context.interrupt); }; });
}

}  // namespace lathe::apps
