#include "quant/gptq.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <vector>

#include "quant/block_format.h"
#include "quant/lanes.h"
#include "quant/quantize_rows.h"
#include "quant/subtract_product.h"

namespace lathe {
namespace {

constexpr std::int64_t kSpan = 256;  // columns whose errors reach later ones at once: the longest block
constexpr int kLongestBlock = 256;   // bytes, more than any has
constexpr std::int64_t kTile = 16;   // rows that share what they read of the factor

class Feedback {
 public:
  Feedback(const BlockFormat& rounded_to, MatrixRows upper, const float* search_weights, std::int64_t width)
      : format_(rounded_to),
        elements_(info(format_.dtype).block_elements),
        factor_(upper),
        weights_(search_weights),
        columns_(width) {}

  /// Rounds the columns [first, last) of one row; `errors` are what later columns are to make up for.
  void round_span(float* row, std::int64_t first, std::int64_t last, std::byte* blocks, float* errors) const {
    for (std::int64_t column = first; column < last; column += elements_) {
      round_block(row, column, last, blocks, errors + (column - first));
      blocks += info(format_.dtype).block_bytes;
    }
  }

  /// Rounds a tile of rows.
  void round_rows(MatrixRows rows, std::int64_t count, std::byte* destination) const {
    const std::int64_t bytes = static_cast<std::int64_t>(row_bytes(format_.dtype, columns_));
    float errors[kTile * kSpan];
    for (std::int64_t first = 0; first < columns_; first += kSpan) {
      const std::int64_t last = std::min(first + kSpan, columns_);
      const std::int64_t blocks_before = first / elements_ * info(format_.dtype).block_bytes;
      for (std::int64_t i = 0; i < count; ++i)
        round_span(rows.row(i), first, last, destination + i * bytes + blocks_before, errors + i * kSpan);
      subtract_product({rows.values + last, rows.stride}, {errors, kSpan},
                       {factor_.row(first) + last, factor_.stride}, count, columns_ - last, last - first);
    }
  }

 private:
  /// Rounds one block and passes its errors on to the row's columns before `last`. Its factors are searched
  /// for the values that are there when its first column is reached, then once more for those that each
  /// column had come to when it was rounded; the better of the two stays.
  void round_block(float* row, std::int64_t column, std::int64_t last, std::byte* block,
                   float* errors) const {
    format_.search(row + column, weights_ + column, block);
    if (!std::all_of(row + column, row + column + elements_,
                     [](float value) { return std::isfinite(value); })) {
      std::fill_n(errors, elements_, 0.0f);
      return;
    }
    Attempt first;
    Attempt second;
    try_block(row, column, last, block, first);
    std::byte other[kLongestBlock];
    format_.search(first.met, weights_ + column, other);
    try_block(row, column, last, other, second);
    const bool better = second.loss < first.loss;
    if (better) std::memcpy(block, other, info(format_.dtype).block_bytes);
    const Attempt& best = better ? second : first;
    std::copy_n(best.values, last - column, row + column);
    std::copy_n(best.errors, elements_, errors);
    format_.join(best.codes, block);
  }

  struct Attempt {
    float values[kSpan];  // of the row from the block's first column on
    float met[256];       // the block's values, each when its column was rounded
    float errors[256];
    std::int8_t codes[256];
    float loss;
  };

  void try_block(const float* row, std::int64_t column, std::int64_t last, const std::byte* block,
                 Attempt& attempt) const {
    BlockCodes factors;
    format_.split(block, factors);
    std::copy_n(row + column, last - column, attempt.values);
    attempt.loss = 0.0f;
    for (int i = 0; i < elements_; ++i) {
      const float scale = factors.scales[i / format_.group];
      const float minimum = factors.minima[i / format_.group];
      const float value = attempt.values[i];
      attempt.met[i] = value;
      attempt.codes[i] = format_.nearest_code(scale != 0.0f ? (value - minimum) / scale : 0.0f);
      const float* share = factor_.row(column + i) + column + i;
      const float error = (value - (scale * static_cast<float>(attempt.codes[i]) + minimum)) / share[0];
      attempt.errors[i] = error;
      attempt.loss += error * error;
      pass_on(error, share, attempt.values + i, last - column - i);
    }
  }

  static void pass_on(float error, const float* share, float* values, std::int64_t count) {
    const Lanes all = spread(error);
    std::int64_t i = 0;
    for (; i + 4 <= count; i += 4) store(values + i, load(values + i) - all * load(share + i));
    for (; i < count; ++i) values[i] -= error * share[i];
  }

  const BlockFormat& format_;
  int elements_;
  MatrixRows factor_;
  const float* weights_;
  std::int64_t columns_;
};

}  // namespace

void gptq_rows(Dtype dtype, float* values, const float* factor, const float* importance, std::int64_t rows,
               std::int64_t columns, std::byte* destination) {
  const BlockFormat* format = block_format(dtype);
  if (format == nullptr) {
    quantize_rows(dtype, values, importance, rows, columns, destination);
    return;
  }
  const auto bytes = static_cast<std::int64_t>(row_bytes(dtype, columns));
  std::vector<float> weights(static_cast<std::size_t>(columns));
  for (std::int64_t i = 0; i < columns; ++i) {
    const float diagonal = factor[i * columns + i];
    weights[static_cast<std::size_t>(i)] =
        importance != nullptr ? importance[i] : 1.0f / (diagonal * diagonal);
  }
  const Feedback feedback(*format, {const_cast<float*>(factor), columns}, weights.data(), columns);
  for (std::int64_t row = 0; row < rows; row += kTile)
    feedback.round_rows({values + row * columns, columns}, std::min(kTile, rows - row),
                        destination + row * bytes);
}

}  // namespace lathe
