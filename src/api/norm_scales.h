// Activation-aware scaling (AWQ): columns whose inputs are large are multiplied up before a matrix is
// rounded, so that they are rounded better, and the norm in front of it is divided by as much. The model
// computes the same.
#pragma once

#include <map>
#include <span>
#include <string>
#include <vector>

#include "api/calibration.h"
#include "api/importance.h"
#include "api/tensor_types.h"

namespace lathe {

/// A norm whose output goes into products alone.
struct ScaledGroup {
  std::vector<std::string> norm;      // its weight, and its bias where it has one
  std::vector<std::string> matrices;  // all that multiply what it gives
};
std::vector<ScaledGroup> scaled_groups(const std::shared_ptr<const Checkpoint>& checkpoint);

class NormScales {
 public:
  NormScales() = default;
  /// For each group the scales that leave the least error in some rows of its matrices, in the coarsest of
  /// their types; `types` are those of the checkpoint's tensors.
  NormScales(const std::shared_ptr<const Checkpoint>& checkpoint, const std::vector<TensorType>& types,
             const Importance& importance, ThreadPool& pool, const ShowShare& show);

  /// What the tensor's columns, or a norm's elements, are multiplied by; empty: nothing.
  std::span<const float> of(const std::string& name) const;
  /// Of inputs that are divided by the scales.
  std::vector<float> importance(const std::string& name, std::span<const float> importance) const;
  std::size_t groups() const { return groups_; }

 private:
  std::map<std::string, std::vector<float>> factors_;
  std::size_t groups_ = 0;  // that have scales
};

}  // namespace lathe
