// lathe timings: what is in timing caches, merged and edited.
#include <memory>

#include "apps/command.h"
#include "apps/output.h"
#include "lathe/build.h"
#include "lathe/error.h"

namespace lathe::apps {
namespace {

struct TimingsWords {
  std::vector<std::string> files;
  std::string output;
  std::vector<std::string> forced;
  std::vector<std::string> deleted;
  bool merge = false;
  bool json = false;
};

[[noreturn]] void refuse(const std::string& option, const std::string& message) {
  throw Error(ErrorCode::invalid_argument, message, {{}, std::nullopt, option});
}

/// KEY=KERNEL or KEY=KERNEL:VARIANT; keys have "=" in them, kernels do not.
void force(Timings& timings, const std::string& words) {
  const auto equals = words.rfind('=');
  if (equals == std::string::npos || equals == 0 || equals + 1 == words.size())
    refuse("--force", "--force takes KEY=KERNEL or KEY=KERNEL:VARIANT");
  const std::string kernel = words.substr(equals + 1);
  const auto colon = kernel.find(':');
  timings.force(words.substr(0, equals), kernel.substr(0, colon),
                colon == std::string::npos ? "" : kernel.substr(colon + 1));
}

std::string kernel_text(const TimedKernel& item) {
  return item.kernel + (item.variant.empty() ? "" : ":" + item.variant) +
         (item.threads == 0 ? "" : " on " + std::to_string(item.threads)) +
         (item.layout.empty() ? "" : " [" + item.layout + "]");
}

std::string table(const Timings& timings) {
  std::string text;
  for (const auto& entry : timings.entries()) {
    text += entry.key + "\n  " + entry.machine +
            (entry.forced ? ", forced" : ", level " + std::to_string(entry.level)) + "\n";
    for (const auto& item : entry.measured)
      text += "    " + (item.seconds == 0 ? std::string("not measured") : format_seconds(item.seconds)) +
              "  " + kernel_text(item) + "\n";
  }
  return text;
}

int run(const TimingsWords& words) {
  const bool edits = !words.forced.empty() || !words.deleted.empty();
  if (words.files.size() > 1 && !words.merge) refuse("--merge", "several files are read with --merge alone");
  if (words.merge && words.output.empty()) refuse("--merge", "--merge writes to the file that -o names");
  Timings timings = Timings::load(words.files.front());
  for (std::size_t i = 1; i < words.files.size(); ++i) timings.merge(Timings::load(words.files[i]));
  for (const auto& key : words.deleted) timings.remove(key);
  for (const auto& word : words.forced) force(timings, word);
  if (edits || !words.output.empty()) timings.save(words.output.empty() ? words.files.front() : words.output);
  if (words.json)
    write_out(timings.json());
  else if (!edits && words.output.empty())
    write_out(table(timings));
  return 0;
}

}  // namespace

void add_timings(CLI::App& program, Context& context) {
  auto words = std::make_shared<TimingsWords>();
  CLI::App* command = program.add_subcommand("timings", "show, merge and edit what tuning measured");
  command->add_option("FILE", words->files, "timing caches, as lathe build --timing-cache writes them")
      ->required();
  command->add_flag("--merge", words->merge, "all files' entries into one file, -o");
  command->add_option("-o,--output", words->output, "the file to write; without it edits change FILE");
  command->add_option("--force", words->forced, "KEY=KERNEL[:VARIANT]: builds take this kernel for the key")
      ->take_all();
  command->add_option("--delete", words->deleted, "KEY: forget it")->take_all();
  command->add_flag("--json", words->json, "the entries as the file has them");
  command->callback([words, &context] { context.chosen = [words] { return run(*words); }; });
}

}  // namespace lathe::apps
