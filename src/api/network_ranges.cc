#include "api/network_ranges.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <set>

#include "base/atomic_file.h"
#include "base/error.h"
#include "base/mapped_file.h"
#include "formats/calibration_cache.h"
#include "quant/calibrator.h"

namespace lathe {
namespace {

constexpr const char* kCacheOption = "calibration-cache";

[[noreturn]] void refuse(const std::string& message, const char* option, const std::string& file = {}) {
  throw Error(ErrorCode::invalid_argument, message, {file, std::nullopt, option});
}

std::set<std::string> tensors_of(std::span<const WeightedLayer> layers) {
  std::set<std::string> names;
  for (const auto& layer : layers) names.insert(layer.tensor);
  return names;
}

/// Name and options as a cache has them.
std::string calibrator_text(const PrecisionOptions& options) {
  if (options.calibrator != "percentile") return options.calibrator;
  std::array<char, 32> text{};
  const auto end = std::to_chars(text.data(), text.data() + text.size(), options.percentile).ptr;
  return options.calibrator + " " + std::string(text.data(), end);
}

std::vector<float> floats_of(const Tensor& tensor) {
  std::vector<float> values(tensor.bytes.size() / sizeof(float));
  std::memcpy(values.data(), tensor.bytes.data(), values.size() * sizeof(float));
  return values;
}

std::vector<CalibratedTensor> run_calibration(const ProgramOptions& options, NetworkTrial& trial,
                                              const std::set<std::string>& tensors,
                                              const CalibrationSet& samples) {
  const Calibrator& calibrator = find_calibrator(options.precision.calibrator);
  std::map<std::string, Histogram> histograms;
  for (std::size_t i = 0; i < samples.size(); ++i) {
    const NamedTensors sample = samples.sample(i);
    trial.run(sample);
    for (const auto& name : tensors) {
      const auto input = std::ranges::find(sample, name, &NamedTensors::value_type::first);
      const auto values = floats_of(input != sample.end() ? input->second : trial.tensor(name));
      if (!histograms[name].add(values))
        throw Error(ErrorCode::invalid_argument,
                    "the network's tensor " + printable(name) + " has a NaN or an infinity in sample " +
                        std::to_string(i),
                    {options.precision.calibration, std::nullopt, {}});
    }
  }
  std::vector<CalibratedTensor> found;
  for (const auto& name : tensors) {
    const Histogram& histogram = histograms.at(name);
    const double threshold = calibrate(calibrator, histogram, {options.precision.percentile});
    found.push_back({name, static_cast<float>(threshold), histogram.least(), histogram.greatest()});
  }
  return found;
}

/// From names of the network's file to those of the graph; what has one of these keeps it.
void rename(const NetworkNames& network, const std::set<std::string>& wanted,
            std::vector<CalibratedTensor>& tensors) {
  for (auto& tensor : tensors) {
    const auto known = network.values.find(tensor.name);
    if (known != network.values.end() && wanted.contains(known->second)) tensor.name = known->second;
  }
}

/// The cache, where there is a file and it is one of this network, calibrator and tensors.
CalibrationCache read_cache(const PrecisionOptions& options, const NetworkNames& network,
                            const std::set<std::string>& tensors) {
  const auto file = MappedFile::open(options.cache);
  const auto bytes = file->bytes();
  CalibrationCache cache =
      read_calibration_cache({reinterpret_cast<const char*>(bytes.data()), bytes.size()}, options.cache);
  const std::string wanted = calibrator_text(options);
  const std::string advice = "; name another file, or remove this one to calibrate anew";
  const bool other_program = cache.network.empty();
  if (other_program) rename(network, tensors, cache.tensors);
  if (!other_program && cache.network != network.hash)
    refuse("the calibration cache is of another network" + advice, kCacheOption, options.cache);
  if (!other_program && cache.calibrator != wanted)
    refuse("the calibration cache is by " + printable(cache.calibrator) + ", and " + wanted +
               " is asked for" + advice,
           kCacheOption, options.cache);
  for (const auto& name : tensors)
    if (std::ranges::find(cache.tensors, name, &CalibratedTensor::name) == cache.tensors.end())
      refuse("the calibration cache lacks the tensor " + printable(name) + advice, kCacheOption,
             options.cache);
  return cache;
}

void write_cache(const PrecisionOptions& options, const std::string& network,
                 std::vector<CalibratedTensor> tensors) {
  const std::string text = write_calibration_cache({network, calibrator_text(options), std::move(tensors)});
  AtomicFile file(options.cache);
  file.write(text.data(), text.size());
  file.flush();
  file.finish();
}

ValueRange range_of(const CalibratedTensor& tensor) {
  return {std::max(tensor.least, -tensor.threshold), std::min(tensor.greatest, tensor.threshold)};
}

void set_by_hand(const PrecisionOptions& options, NetworkRanges& ranges) {
  for (const auto& [name, magnitude] : options.ranges) {
    const auto found = ranges.of_tensor.find(name);
    if (found == ranges.of_tensor.end())
      refuse("no layer in 8 bits reads a tensor " + printable(name), "range");
    if (!(magnitude > 0) || !std::isfinite(static_cast<float>(magnitude)))
      refuse("the range of " + printable(name) + " is no positive number", "range");
    const auto bound = static_cast<float>(magnitude);
    found->second = {found->second.low < 0 ? -bound : 0.0F, bound};
  }
}

}  // namespace

NetworkRanges find_ranges(const ProgramOptions& options, NetworkTrial& values,
                          std::span<const WeightedLayer> layers, const CalibrationSet& samples,
                          const NetworkNames& network) {
  const PrecisionOptions& precision = options.precision;
  find_calibrator(precision.calibrator);
  if (!(precision.percentile > 0 && precision.percentile <= 100))
    refuse("percentile is outside of 0 to 100", "percentile");
  const auto tensors = tensors_of(layers);
  NetworkRanges ranges;
  ranges.from_cache = !precision.cache.empty() && std::filesystem::exists(precision.cache);
  std::vector<CalibratedTensor> found;
  if (ranges.from_cache) {
    CalibrationCache cache = read_cache(precision, network, tensors);
    if (cache.network.empty()) ranges.calibrator = cache.calibrator;
    found = std::move(cache.tensors);
  } else {
    found = run_calibration(options, values, tensors, samples);
  }
  for (const auto& tensor : found)
    if (tensors.contains(tensor.name)) ranges.of_tensor[tensor.name] = range_of(tensor);
  if (!precision.cache.empty() && !ranges.from_cache) write_cache(precision, network.hash, found);
  set_by_hand(precision, ranges);
  return ranges;
}

}  // namespace lathe
