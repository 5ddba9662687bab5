// What a calibration found, as a text file that people can read and change:
//
//   lathe calibration 1
//   network 1f0c7b0e9d3a4c55a1b2c3d4e5f60718     hash of the network as read, weights and all
//   calibrator entropy2                          and for percentile: calibrator percentile 99.99
//   tensor 2.6403 -0.17 3.125 "gelu_1"           threshold, least and greatest value, name as a JSON string
//   end 1                                        how many tensors: a file that was cut off lacks it
//
// One space between words, one line break behind each line; no other lines. Numbers are decimals that give
// the same float32 back.
//
// TensorRT's caches are read too:
//
//   TRT-8601-EntropyCalibration2         its version and calibrator
//   conv1/relu: 3c9a3f12                 a tensor as the network's file names it; its scale, the bits of a
//                                        float32 as 8 hexadecimal digits, the highest first
//
// A scale is the threshold / 127 of codes around zero. Nothing says of which network they are, or where they
// end.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace lathe {

struct CalibratedTensor {
  std::string name;
  float threshold = 0;  // the greatest magnitude that a code stands for
  float least = 0, greatest = 0;
  bool operator==(const CalibratedTensor&) const = default;
};

struct CalibrationCache {
  std::string network;     // 32 hexadecimal digits; empty where the cache does not say it: TensorRT's
  std::string calibrator;  // name and options
  std::vector<CalibratedTensor> tensors;
  bool operator==(const CalibrationCache&) const = default;
};

std::string write_calibration_cache(const CalibrationCache& cache);

/// Throws Error(invalid_file) naming file and line.
CalibrationCache read_calibration_cache(std::string_view text, const std::string& file);

}  // namespace lathe
