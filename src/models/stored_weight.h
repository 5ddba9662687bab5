// A weight of a folder as rows of float32, whatever its type, its scales and the order of its rows.
#pragma once

#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "formats/safetensors.h"
#include "models/folder_translation.h"

namespace lathe {

/// Factors of an F8 matrix: one for each block of rows and columns, [block rows, block columns].
struct WeightScales {
  std::vector<float> values;
  std::int64_t block_rows = std::numeric_limits<std::int64_t>::max();
  std::int64_t block_columns = std::numeric_limits<std::int64_t>::max();
  std::int64_t blocks_per_row = 1;
};

/// Heads by which rows are put in another order.
struct HeadOrder {
  std::int64_t heads = 0;
  std::int64_t rotated = 0;  // of each head's rows, those that RoPE turns; 0: all
};

/// What Dtype the elements have; empty for those that no weight may have, and for F8, which has scales.
std::optional<Dtype> element_dtype(StoredType type);
bool is_f8(StoredType type);

/// One matrix of the folder, or a vector (its elements are rows of one column), behind its edit.
class StoredWeight {
 public:
  /// Throws Error(invalid_model) for a type that no weight may have, and a shape that the edit cannot take.
  StoredWeight(const StoredTensor& tensor, TensorEdit edit, HeadOrder order,
               std::optional<WeightScales> scales);

  bool is_vector() const { return tensor_->shape.size() <= 1; }
  std::int64_t rows() const { return edit_ == TensorEdit::transposed ? columns_ : rows_; }
  Shape shape() const;  // behind the edit
  /// f32 for what is computed with factors, the tensor's own otherwise.
  Dtype dtype() const;
  /// True where the bytes can be used as they lie: no edit, and aligned.
  bool in_place() const;
  /// True where rows have dtype()'s bytes already, in maybe another order.
  bool has_whole_rows() const;

  void read(std::int64_t first, std::int64_t count, float* rows) const;
  void copy(std::int64_t first, std::int64_t count, std::byte* rows) const;
  const StoredTensor& tensor() const { return *tensor_; }

 private:
  std::int64_t stored_row(std::int64_t row) const;
  void read_span(std::int64_t row, std::int64_t column, std::int64_t count, float* values) const;

  const StoredTensor* tensor_;
  TensorEdit edit_;
  HeadOrder order_;
  std::optional<WeightScales> scales_;
  std::int64_t rows_ = 1;  // as stored
  std::int64_t columns_ = 1;
};

/// `parts` as one tensor of type `wanted`: their own shape for one matrix or vector, [parts, ...] where
/// `stacked`. All have one shape and type.
OwnedTensor join_weights(const std::vector<StoredWeight>& parts, bool stacked, Dtype wanted, int threads);

}  // namespace lathe
