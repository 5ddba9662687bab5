#include "models/stored_weight.h"

#include <array>
#include <cstring>

#include "base/error.h"
#include "quant/block_format.h"
#include "quant/number_format.h"

namespace lathe {
namespace {

[[noreturn]] void fail(const StoredTensor& tensor, const std::string& message) {
  throw Error(ErrorCode::invalid_model, message, {tensor.file->path(), {}, printable(tensor.name)});
}

std::array<float, 256> decode_all(const char* name) {
  const NumberFormat* format = number_format(name);
  CHECK(format != nullptr);
  std::array<float, 256> values{};
  for (std::uint32_t bits = 0; bits < 256; ++bits) values[bits] = static_cast<float>(decode(*format, bits));
  return values;
}

const std::array<float, 256>& f8_values(StoredType type) {
  static const auto kE4m3 = decode_all("fp8_e4m3");
  static const auto kE5m2 = decode_all("fp8_e5m2");
  return type == StoredType::f8_e4m3 ? kE4m3 : kE5m2;
}

bool orders_rows(TensorEdit edit) {
  return edit == TensorEdit::query_pairs || edit == TensorEdit::key_pairs ||
         edit == TensorEdit::grouped_by_head;
}

}  // namespace

std::optional<Dtype> element_dtype(StoredType type) {
  switch (type) {
    case StoredType::f32:
      return Dtype::f32;
    case StoredType::f16:
      return Dtype::f16;
    case StoredType::bf16:
      return Dtype::bf16;
    case StoredType::f64:
      return Dtype::f64;
    default:
      return std::nullopt;
  }
}

bool is_f8(StoredType type) { return type == StoredType::f8_e4m3 || type == StoredType::f8_e5m2; }

StoredWeight::StoredWeight(const StoredTensor& tensor, TensorEdit edit, HeadOrder order,
                           std::optional<WeightScales> scales)
    : tensor_(&tensor), edit_(edit), order_(order), scales_(std::move(scales)) {
  if (!element_dtype(tensor.type) && !is_f8(tensor.type))
    fail(tensor, "the tensor is " + std::string(stored_type_name(tensor.type)) + ", which no weight may be");
  const std::int64_t elements = element_count(tensor.shape);
  // The elements of a vector count as rows, so that its edits are those of a matrix.
  columns_ = is_vector() ? 1 : tensor.shape.back();
  rows_ = columns_ == 0 ? 0 : elements / columns_;
  if (edit == TensorEdit::transposed && tensor.shape.size() != 2) fail(tensor, "the tensor must be a matrix");
  if (!orders_rows(edit)) return;
  const std::int64_t parts = edit == TensorEdit::grouped_by_head ? 3 : 1;
  if (tensor.shape.size() > 2 || order_.heads < 1 || rows_ % (order_.heads * parts) != 0)
    fail(tensor, std::to_string(rows_) + " rows are not the same number for each of " +
                     std::to_string(order_.heads) + " heads");
  const std::int64_t head_rows = rows_ / (order_.heads * parts);
  if (order_.rotated == 0) order_.rotated = head_rows;
  if (edit != TensorEdit::grouped_by_head && (order_.rotated % 2 != 0 || order_.rotated > head_rows))
    fail(tensor, std::to_string(order_.rotated) + " of a head's " + std::to_string(head_rows) +
                     " rows cannot be rotated in pairs");
}

Shape StoredWeight::shape() const {
  if (edit_ == TensorEdit::transposed) return {columns_, rows_};
  return tensor_->shape.empty() ? Shape{1} : tensor_->shape;
}

Dtype StoredWeight::dtype() const {
  const auto own = element_dtype(tensor_->type);
  if (!own || *own == Dtype::f64 || is_vector() || edit_ == TensorEdit::plus_one) return Dtype::f32;
  return *own;
}

bool StoredWeight::in_place() const {
  return has_whole_rows() && edit_ == TensorEdit::as_stored &&
         reinterpret_cast<std::uintptr_t>(tensor_->bytes.data()) % info(dtype()).block_bytes == 0;
}

bool StoredWeight::has_whole_rows() const {
  return element_dtype(tensor_->type) == dtype() && (edit_ == TensorEdit::as_stored || orders_rows(edit_));
}

std::int64_t StoredWeight::stored_row(std::int64_t row) const {
  if (edit_ == TensorEdit::query_pairs || edit_ == TensorEdit::key_pairs) {
    const std::int64_t head_rows = rows_ / order_.heads;
    const std::int64_t head = row / head_rows;
    const std::int64_t j = row % head_rows;
    return j >= order_.rotated ? row : head * head_rows + (j % 2) * (order_.rotated / 2) + j / 2;
  }
  if (edit_ == TensorEdit::grouped_by_head) {
    const std::int64_t head_rows = rows_ / (order_.heads * 3);
    const std::int64_t part = row / (order_.heads * head_rows);
    const std::int64_t head = row / head_rows % order_.heads;
    return (head * 3 + part) * head_rows + row % head_rows;
  }
  return row;
}

void StoredWeight::read_span(std::int64_t row, std::int64_t column, std::int64_t count, float* values) const {
  const std::int64_t first = row * columns_ + column;
  const auto* bytes = tensor_->bytes.data();
  if (const auto own = element_dtype(tensor_->type)) {
    decode_rows(*own, bytes + first * info(*own).block_bytes, values, 1, count);
    return;
  }
  const auto& decoded = f8_values(tensor_->type);
  for (std::int64_t i = 0; i < count; ++i)
    values[i] = decoded[std::to_integer<std::size_t>(bytes[first + i])];
  if (!scales_) return;
  const float* scales = scales_->values.data() + row / scales_->block_rows * scales_->blocks_per_row;
  for (std::int64_t i = 0; i < count; ++i) values[i] *= scales[(column + i) / scales_->block_columns];
}

void StoredWeight::read(std::int64_t first, std::int64_t count, float* rows) const {
  if (edit_ == TensorEdit::transposed) {
    std::vector<float> piece(static_cast<std::size_t>(count));
    for (std::int64_t column = 0; column < rows_; ++column) {
      read_span(column, first, count, piece.data());
      for (std::int64_t i = 0; i < count; ++i) rows[i * rows_ + column] = piece[static_cast<std::size_t>(i)];
    }
    return;
  }
  for (std::int64_t i = 0; i < count; ++i) read_span(stored_row(first + i), 0, columns_, rows + i * columns_);
  if (edit_ != TensorEdit::plus_one) return;
  for (std::int64_t i = 0; i < count * columns_; ++i) rows[i] += 1.0f;
}

void StoredWeight::copy(std::int64_t first, std::int64_t count, std::byte* rows) const {
  const auto stride = row_bytes(dtype(), columns_);
  for (std::int64_t i = 0; i < count; ++i)
    std::memcpy(rows + static_cast<std::uint64_t>(i) * stride,
                tensor_->bytes.data() + static_cast<std::uint64_t>(stored_row(first + i)) * stride, stride);
}

}  // namespace lathe
