// Samples of a network's inputs from a folder:
//   FOLDER/*.npy         of a network with one input: a sample each, in order of their names
//   FOLDER/<input>/*.npy of one with several: the i-th of each input together are sample i. What is no
//                        letter, digit, '_', '-' or '.' in an input's name is '_' in its folder's
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "api/program_inputs.h"
#include "base/folder.h"

namespace lathe {

class CalibrationSet {
 public:
  /// Reads every sample once. Throws Error naming the file: one of another type or shape, with a NaN or an
  /// infinity (by index); and Error for an empty folder and inputs with different numbers of samples.
  CalibrationSet(const std::string& path, std::vector<InputSpec> inputs);

  std::size_t size() const { return files_.front().size(); }
  NamedTensors sample(std::size_t i) const;
  /// Each dimension's greatest size in any sample.
  const Sizes& greatest() const { return greatest_; }

 private:
  struct SampleFile {
    std::shared_ptr<const Folder> folder;
    std::string name;
  };
  Tensor read(std::size_t input, std::size_t i) const;

  std::vector<InputSpec> inputs_;
  std::vector<std::vector<SampleFile>> files_;  // [inputs][samples]
  Sizes greatest_;
};

}  // namespace lathe
