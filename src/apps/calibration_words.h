// The words that name a calibration text.
#pragma once

#include <CLI/CLI.hpp>
#include <string>

#include "lathe/quantization.h"

namespace lathe::apps {

struct CalibrationWords {
  std::string file;
  int context_tokens = 0;

  CLI::Option* add(CLI::App& command);
  /// No text where no file was named. Throws Error(not_found, io).
  CalibrationText read() const;
};

}  // namespace lathe::apps
