// What the matrices of a model multiply on a text: the inputs of every Linear, as calibration needs them.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "lathe/options.h"

namespace lathe {

/// The input rows of one matrix in one run.
struct LinearInput {
  std::string weight;    // the tensor's name as in GGUF; parts of one tensor (q, k and v) have its name alike
  std::string constant;  // the graph's name of the matrix: of a part, with what tells it from the others
  std::string input;     // name of the value that is multiplied; matrices that share it have the same rows
  bool in_blocks = false;  // whether the matrix is block-quantized, so that its product may be one of codes
  int expert = -1;         // of a stack of matrices: which one the rows are for
  std::int64_t columns = 0;
  std::span<const float> rows;  // [tokens, columns]
};

/// In float32, or in 8 bits where the model's weights are stored so: less exact, but faster and with less
/// memory.
enum class ObservedMath { f32, int8 };

/// Runs the model, as its weights are stored unless options.weight_type says otherwise, over each
/// sequence by itself, and calls `take` for every matrix and sequence in the order in which they are
/// computed. Of the options those that choose weights and threads count. Takes the memory of all values of
/// the longest sequence at once. Throws Error(invalid_argument) where there are no tokens.
void observe_linear_inputs(const std::string& name_or_path, const ModelOptions& options,
                           std::span<const std::vector<std::int32_t>> sequences,
                           const std::function<void(const LinearInput&)>& take,
                           ObservedMath math = ObservedMath::f32);

/// The same for `ids` cut into sequences of `chunk` tokens; the last may be shorter.
void observe_linear_inputs(const std::string& name_or_path, const ModelOptions& options,
                           std::span<const std::int32_t> ids, std::int64_t chunk,
                           const std::function<void(const LinearInput&)>& take);

}  // namespace lathe
