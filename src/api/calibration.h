// What a model's matrices multiply on a text: how large the columns are, and which go together.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "api/linear_inputs.h"
#include "base/thread_pool.h"
#include "formats/checkpoint.h"
#include "formats/imatrix.h"
#include "lathe/quantization.h"

namespace lathe {

/// Of a share of the work from 0 to 1.
using ShowShare = std::function<void(double share)>;

/// A model and the sequences that it is watched on.
struct Calibration {
  std::string path;
  ModelOptions options;
  std::vector<std::vector<std::int32_t>> sequences;
  std::string text_name;
};

/// Throws Error(invalid_argument) with both numbers for a text that does not fill one context.
Calibration make_calibration(const std::string& path, const ModelOptions& options,
                             const CalibrationText& text);

/// Runs the model on all of it. A tensor whose parts are multiplied one by one is seen once per sequence.
void watch_inputs(const Calibration& calibration, const ShowShare& show,
                  const std::function<void(const LinearInput&)>& take);

/// How large the inputs of each matrix inside the layers were. `checkpoint` is the model's.
ImportanceMatrix measure_importance(const Calibration& calibration, const Checkpoint& checkpoint,
                                    const ShowShare& show);

/// X^T X of the inputs X of matrices, [columns, columns], made in passes over the text: one pass for as many
/// matrices as memory is given for.
class InputProducts {
 public:
  /// `weights`: the matrices in the order in which they will be asked for, with their columns.
  struct Weight {
    std::string name;
    std::int64_t columns = 0;
  };
  /// What the inputs of a matrix are divided by; empty: nothing.
  using Divisors = std::function<std::span<const float>(const std::string& weight)>;
  InputProducts(Calibration calibration, std::vector<Weight> weights, Divisors divisors, ThreadPool& pool,
                ShowShare show);

  /// gptq_factor()'s of the matrix's inputs, until the next call; nullptr for a matrix without any.
  const float* factor(const std::string& weight);

 private:
  struct Product {
    std::int64_t columns = 0;
    std::vector<float> values;  // [columns, columns]
    std::span<const float> divisors;
  };
  void make_pass(std::size_t first);
  void add(Product& product, std::span<const float> rows);
  void factor_all();

  Calibration calibration_;
  std::vector<Weight> weights_;
  Divisors divisors_;
  ThreadPool& pool_;
  ShowShare show_;
  std::map<std::string, std::size_t> order_;                   // of weights_
  std::map<std::string, std::shared_ptr<Product>> of_weight_;  // of this pass; those with one input share one
};

}  // namespace lathe
