#include "apps/precision_words.h"

#include <array>
#include <charconv>

namespace lathe::apps {
namespace {

constexpr const char* kCalibrate = "--calibrate";
constexpr const char* kPercentile = "--calibration-percentile";
constexpr std::array kOthers = {"--calibrator", kPercentile,         "--calibration-cache", "--range",
                                "--precision",  "--layer-precision", "--error-limit"};

[[noreturn]] void refuse(const std::string& message, const char* option) {
  throw Error(ErrorCode::invalid_argument, message, {{}, std::nullopt, option});
}

/// At the last '=': names of tensors and expressions may have others.
std::pair<std::string, std::string> split_at_last(const std::string& word, const char* option,
                                                  const char* form) {
  const auto equals = word.rfind('=');
  if (equals == std::string::npos || equals == 0 || equals + 1 == word.size())
    refuse(std::string(option) + " takes " + form + ", not " + json_string(word), option);
  return {word.substr(0, equals), word.substr(equals + 1)};
}

}  // namespace

void PrecisionWords::add(CLI::App& command, bool short_percentile) {
  command_ = &command;
  command.add_option(
      kCalibrate, options.calibration,
      "of networks: a folder of samples, *.npy for one input, INPUT/*.npy for several; products "
      "then get the fastest types whose error stays within the limit");
  command
      .add_option("--calibrator", options.calibrator,
                  "where values are cut off for their codes: entropy2, entropy, minmax, percentile or mse")
      ->capture_default_str();
  command
      .add_option(short_percentile ? std::string(kPercentile) + ",--percentile" : kPercentile,
                  options.percentile, "of the values that --calibrator percentile keeps")
      ->capture_default_str();
  command.add_option("--calibration-cache", options.cache,
                     "a file of what calibration found: read where it is there, else written");
  command
      .add_option("--range", ranges,
                  "TENSOR=AMAX: its greatest magnitude, whatever was found (again for more)")
      ->allow_extra_args(false);
  command
      .add_option("--precision", options.types, "types that layers may have: int8,bf16,f32 (default: all)")
      ->delimiter(',')
      ->allow_extra_args(false);
  command
      .add_option("--layer-precision", layers,
                  "REGEX=TYPE: layers in whose names it is found have that type; the last one counts (again "
                  "for more)")
      ->allow_extra_args(false);
  command
      .add_option("--error-limit", options.error_limit,
                  "of the network's outputs on the samples: root mean square, over that of the outputs")
      ->capture_default_str();
}

PrecisionOptions PrecisionWords::complete() const {
  if (options.calibration.empty())
    for (const char* other : kOthers)
      if (command_->count(other) > 0) refuse(std::string(other) + " needs --calibrate", other);
  PrecisionOptions result = options;
  for (const auto& word : ranges) {
    const auto [tensor, text] = split_at_last(word, "--range", "TENSOR=AMAX");
    double magnitude = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), magnitude);
    if (error != std::errc() || end != text.data() + text.size())
      refuse("--range takes a number behind =, not " + json_string(text), "--range");
    result.ranges.emplace_back(tensor, magnitude);
  }
  for (const auto& word : layers)
    result.layers.push_back(split_at_last(word, "--layer-precision", "REGEX=TYPE"));
  return result;
}

}  // namespace lathe::apps
