// What each tensor's types cost: bytes, and the divergence that rounding it alone brings.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "api/calibration.h"
#include "api/divergence.h"
#include "api/importance.h"
#include "api/trial_model.h"
#include "api/type_budget.h"

namespace lathe {

struct TensorCost {
  std::string name;
  Dtype trial = Dtype::q4_0;    // what it was tried with
  double trial_divergence = 0;  // measured, with all else in float32
  std::vector<TypeOption>
      options;  // predicted from that by their error, weighted by importance; smaller first
};

/// Runs the model once for each of `names`, all of them matrices.
std::vector<TensorCost> measure_costs(TrialModel& model, const KeptReference& reference,
                                      const Checkpoint& checkpoint, const std::vector<std::string>& names,
                                      const Importance& importance, ThreadPool& pool, const ShowShare& show);

/// With the zeros behind it.
std::uint64_t bytes_in_file(Dtype dtype, const Shape& shape);

/// What a mix is measured on: the beginnings of sequences from all over the calibration text.
std::vector<std::vector<std::int32_t>> trial_sequences(const Calibration& calibration);

}  // namespace lathe
