// Whole matrices into packed layouts: sizes, and groups of 16 rows handed to the format's packer.
#include <algorithm>
#include <array>
#include <cstring>
#include <limits>
#include <string>

#include "base/checked.h"
#include "base/error.h"
#include "quant/block_format.h"
#include "quant/packed.h"

namespace lathe {
namespace {

// From packed4 on, in the order of Dtype.
constexpr std::array kLayouts = {
    kPacked4,  kPacked4m, kPacked5,  kPacked5m, kPacked8,  kPacked4t,  kPacked4x,   kPacked4tk,
    kPacked2k, kPacked3k, kPacked4k, kPacked5k, kPacked6k, kPackedF32, kPackedBf16, kPackedF16,
};
static_assert(kLayouts.size() ==
              static_cast<std::size_t>(Dtype::packed_f16) - static_cast<std::size_t>(Dtype::packed4) + 1);

// packed_f32: [columns][16 rows], decoded a few columns at a time so that both sides stay in the cache.
void pack_floats(Dtype dtype, const std::byte* const rows[16], std::int64_t columns, std::byte* group) {
  constexpr std::int64_t kChunk = 64;
  std::array<float, kChunk> values;
  std::array<float, kChunk * kPackedRows> lanes;  // [columns of the chunk, 16 rows]
  for (std::int64_t start = 0; start < columns; start += kChunk) {
    const std::int64_t count = std::min(kChunk, columns - start);
    for (int lane = 0; lane < kPackedRows; ++lane) {
      if (rows[lane] == nullptr)
        values.fill(0.0f);
      else
        decode_rows(dtype, rows[lane] + start * info(dtype).block_bytes, values.data(), 1, count);
      for (std::int64_t j = 0; j < count; ++j) lanes[j * kPackedRows + lane] = values[j];
    }
    std::copy_n(reinterpret_cast<const std::byte*>(lanes.data()), count * kPackedF32.record_bytes,
                group + start * kPackedF32.record_bytes);
  }
}

/// The 16-bit floats of 16 rows, interleaved as they are.
void pack_halves(Dtype dtype, const std::byte* const rows[16], std::int64_t columns, std::byte* group) {
  constexpr std::int64_t kBytes = 2;
  const std::int64_t together = dtype == Dtype::bf16 ? kPackedBf16.columns_per_record : 1;
  for (std::int64_t start = 0; start < columns; start += together)
    for (int lane = 0; lane < kPackedRows; ++lane)
      for (std::int64_t column = start; column < start + together; ++column, group += kBytes) {
        if (rows[lane] == nullptr || column >= columns)
          std::memset(group, 0, kBytes);
        else
          std::memcpy(group, rows[lane] + column * kBytes, kBytes);
      }
}

}  // namespace

Dtype packed_layout_of(Dtype dtype) {
  const BlockFormat* format = block_format(dtype);
  if (format != nullptr) return format->packed;
  if (dtype == Dtype::bf16) return Dtype::packed_bf16;
  return dtype == Dtype::f16 ? Dtype::packed_f16 : Dtype::packed_f32;
}

std::uint64_t packed_bytes(Dtype packed, std::int64_t rows, std::int64_t columns) {
  CHECK(is_packed(packed));
  const auto layout = kLayouts[static_cast<std::size_t>(packed) - static_cast<std::size_t>(Dtype::packed4)];
  const bool whole = rows >= 0 && columns >= 0 &&
                     (is_packed_floats(packed) || columns % layout.columns_per_record == 0) &&
                     columns <= std::numeric_limits<std::int64_t>::max() - layout.columns_per_record &&
                     rows <= std::numeric_limits<std::int64_t>::max() - kPackedRows;
  if (whole) {
    const auto groups = static_cast<std::uint64_t>((rows + kPackedRows - 1) / kPackedRows);
    const auto records = checked_multiply(
        groups,
        static_cast<std::uint64_t>((columns + layout.columns_per_record - 1) / layout.columns_per_record));
    const auto bytes = records ? checked_multiply(*records, layout.record_bytes) : std::nullopt;
    if (bytes) return *bytes;
  }
  throw Error(ErrorCode::invalid_argument, "a matrix of " + std::to_string(rows) + " x " +
                                               std::to_string(columns) + " does not fit the layout " +
                                               std::string(info(packed).name));
}

void pack_groups(Dtype dtype, const std::byte* source, std::int64_t rows, std::int64_t columns,
                 std::int64_t first_group, std::int64_t last_group, std::byte* destination) {
  const BlockFormat* format = block_format(dtype);
  const auto stride = static_cast<std::int64_t>(row_bytes(dtype, columns));
  const Dtype layout = packed_layout_of(dtype);
  const auto group_bytes = static_cast<std::int64_t>(packed_bytes(layout, kPackedRows, columns));
  for (std::int64_t group = first_group; group < last_group; ++group) {
    const std::byte* lanes[kPackedRows];
    for (int lane = 0; lane < kPackedRows; ++lane) {
      const std::int64_t row = group * kPackedRows + lane;
      lanes[lane] = row < rows ? source + row * stride : nullptr;
    }
    std::byte* out = destination + group * group_bytes;
    if (format != nullptr)
      format->pack_group(lanes, columns, out);
    else if (layout != Dtype::packed_f32)
      pack_halves(dtype, lanes, columns, out);
    else
      pack_floats(dtype, lanes, columns, out);
  }
}

}  // namespace lathe
