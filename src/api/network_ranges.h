// The ranges of tensors that become codes: from a calibration set, from a cache of an earlier calibration, or
// set by hand.
#pragma once

#include <map>
#include <span>
#include <string>

#include "api/calibration_set.h"
#include "api/network_trial.h"
#include "lathe/execute.h"
#include "passes/quantize_layers.h"

namespace lathe {

struct NetworkRanges {
  std::map<std::string, ValueRange> of_tensor;
  bool from_cache = false;
  std::string calibrator = {};  // that a cache of TensorRT's names; else empty
};

struct NetworkNames {
  std::string hash;                           // of the network as it was read
  std::map<std::string, std::string> values;  // of its file, to those of the graph
};

/// Of the inputs of `layers`, in `values`, of Purpose::values. A cache is read where its file is there, and
/// written where it is not. Throws Error(invalid_argument) for one of another network or calibrator, or that
/// lacks a tensor; for a range of a tensor that no layer reads; and Error(invalid_file) for a damaged cache.
/// Of what the network computes, a NaN or an infinity is an Error that names tensor and sample.
NetworkRanges find_ranges(const ProgramOptions& options, NetworkTrial& values,
                          std::span<const WeightedLayer> layers, const CalibrationSet& samples,
                          const NetworkNames& network);

}  // namespace lathe
