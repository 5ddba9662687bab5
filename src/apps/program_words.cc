#include "apps/program_words.h"

#include "apps/named_word.h"
#include "apps/whole_number.h"

namespace lathe::apps {

void ProgramWords::add(CLI::App& command) {
  command
      .add_option("--input,--load-inputs,--loadInputs", inputs,
                  "NAME=FILE: an input from a .npy file, or from one of bare elements (again for more)")
      ->delimiter(',')
      ->allow_extra_args(false);
  command
      .add_option("--shapes", sizes,
                  "sizes of dimensions that have names: T=5,Q=1; where nothing says one, 1 or what fits")
      ->delimiter(',')
      ->allow_extra_args(false);
  command
      .add_option("--constant", constants,
                  "NAME=FILE.npy: a constant of a graph in text form (again for more)")
      ->allow_extra_args(false);
  command.add_option("--constants", constants_folder,
                     "a folder with constants of a graph in text form, NAME.npy");
  command.add_option("--seed", seed, "of inputs that are made up")
      ->transform(whole_number<std::uint64_t>())
      ->capture_default_str();
}

void ProgramWords::fill(ProgramOptions& options) const {
  for (const auto& word : inputs) {
    const auto [name, file] = split_word(word, "--input");
    if (file.ends_with(".npy"))
      options.inputs.emplace_back(name, read_npy(file));
    else
      options.raw_inputs.emplace_back(name, file);
  }
  for (const auto& word : constants) {
    const auto [name, file] = split_word(word, "--constant");
    options.constants.emplace_back(name, read_npy(file));
  }
  options.constants_folder = constants_folder;
  options.sizes = named_sizes(sizes, "--shapes");
  options.seed = seed;
}

}  // namespace lathe::apps
