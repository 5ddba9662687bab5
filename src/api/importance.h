// The importance of the columns that a model is quantized with.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "formats/checkpoint.h"
#include "formats/imatrix.h"

namespace lathe {

class Importance {
 public:
  Importance() = default;
  /// Throws Error(invalid_argument) naming a matrix that has another number of columns or experts than
  /// `matrix`, which came from `file`, says.
  Importance(const ImportanceMatrix& matrix, const Checkpoint& checkpoint, const std::string& file);

  bool known() const { return !means_.empty(); }
  /// [experts, columns]; empty for a tensor that nothing is known of.
  std::span<const float> of(const std::string& name) const;
  /// The keys that say where it is from, as llama-quantize writes them.
  void describe(Checkpoint& written) const;

 private:
  std::map<std::string, std::vector<float>> means_;
  std::string file_;
  std::string dataset_;
  std::int64_t chunks_ = 0;
};

}  // namespace lathe
