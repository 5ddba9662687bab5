// Scales of columns that the norm in front of their matrix is divided by, so that the model computes the
// same. Activation-aware scaling (AWQ): columns whose inputs are large are multiplied up before a matrix is
// rounded, so that they are rounded better. SmoothQuant: so much of the inputs' differences moves into the
// weights that both can be rounded.
#pragma once

#include <functional>
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
  static NormScales activation_aware(const std::shared_ptr<const Checkpoint>& checkpoint,
                                     const std::vector<TensorType>& types, const Importance& importance,
                                     ThreadPool& pool, const ShowShare& show);
  /// smoothing_scales() of each group.
  static NormScales smooth(const std::shared_ptr<const Checkpoint>& checkpoint, double alpha,
                           const Importance& importance, ThreadPool& pool, const ShowShare& show);

  /// What the tensor's columns, or a norm's elements, are multiplied by; empty: nothing.
  std::span<const float> of(const std::string& name) const;
  /// Of inputs that are divided by the scales.
  std::vector<float> importance(const std::string& name, std::span<const float> importance) const;
  std::size_t groups() const { return groups_; }

 private:
  using FindScales = std::function<std::vector<float>(const ScaledGroup&)>;  // empty: none
  NormScales(const std::shared_ptr<const Checkpoint>& checkpoint, const FindScales& find, ThreadPool& pool,
             const ShowShare& show);
  std::map<std::string, std::vector<float>> factors_;
  std::size_t groups_ = 0;  // that have scales
};

}  // namespace lathe
