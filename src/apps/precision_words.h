// Words of `lathe build` and `lathe exec` about the types of a float network's layers.
#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

#include "lathe/execute.h"

namespace lathe::apps {

struct PrecisionWords {
  PrecisionOptions options;
  std::vector<std::string> ranges;  // TENSOR=AMAX
  std::vector<std::string> layers;  // REGEX=TYPE

  /// `short_percentile`: --percentile too is the calibrator's.
  void add(CLI::App& command, bool short_percentile);
  /// Throws Error(invalid_argument) for a word that is not of its form, and for words without --calibrate.
  PrecisionOptions complete() const;

 private:
  CLI::App* command_ = nullptr;
};

}  // namespace lathe::apps
