// Words that say what a graph or a network is given: inputs, constants and sizes.
#pragma once

#include <CLI/CLI.hpp>
#include <cstdint>
#include <string>
#include <vector>

#include "lathe/execute.h"

namespace lathe::apps {

struct ProgramWords {
  std::vector<std::string> inputs;     // NAME=FILE
  std::vector<std::string> sizes;      // NAME=NUMBER
  std::vector<std::string> constants;  // NAME=FILE.npy
  std::string constants_folder;
  std::uint64_t seed = 1;

  void add(CLI::App& command);
  bool any() const {
    return !inputs.empty() || !sizes.empty() || !constants.empty() || !constants_folder.empty();
  }
  /// Reads the .npy files. Throws Error(invalid_argument) naming the option.
  void fill(ProgramOptions& options) const;
};

}  // namespace lathe::apps
