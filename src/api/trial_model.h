// A model in float32 whose matrices can be exchanged one by one, to see what other weights would do to it.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "api/divergence.h"
#include "backend/backend.h"
#include "compile/compile.h"
#include "engine/engine.h"
#include "formats/checkpoint.h"

namespace lathe {

class TrialModel {
 public:
  /// Runs sequences of at most `tokens` tokens. Takes the memory of all weights as floats, the embedding's
  /// twice. Throws Error(unsupported) for an encoder, which has no logits.
  TrialModel(std::shared_ptr<const Checkpoint> checkpoint, int threads, std::int64_t tokens);

  /// Of a tensor that is_computed_matrix() is true of, all its values in order.
  void put(const std::string& name, std::span<const float> values);
  /// The tensor's own values again.
  void restore(const std::string& name);

  LogitsSource logits() { return logits_of(*engine_); }

 private:
  /// Rows of a tensor as the plan has them.
  struct Part {
    std::int64_t first_row = 0;  // of all rows of the tensor
    std::int64_t rows = 0;       // of each matrix
    std::int64_t matrices = 1;
    Dtype layout = Dtype::f32;
    std::byte* bytes = nullptr;  // the plan's
  };
  void find_parts();
  std::vector<float> own_values(const std::string& name) const;

  std::shared_ptr<const Checkpoint> checkpoint_;  // as it was loaded
  std::shared_ptr<Checkpoint> floats_;            // as it runs
  std::map<std::string, std::shared_ptr<std::vector<float>>> owned_;
  std::shared_ptr<Backend> backend_;
  CompileResult compiled_;
  std::map<std::string, std::vector<Part>> parts_;
  std::unique_ptr<Engine> engine_;
};

}  // namespace lathe
