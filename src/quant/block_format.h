// The block formats of model files: decoding to float32, and transcoding without loss to a packed layout.
// Each format is one file (q4_0.cc, ...) that draws its bytes; the build finds the files (CMakeLists.txt).
#pragma once

#include <cstddef>
#include <cstdint>

#include "tensor/dtype.h"

namespace lathe {

/// One block as integers and factors: value[i] = scales[i / group] * codes[i] + minima[i / group], with the
/// format's group. Factors are exact in float32.
struct BlockCodes {
  std::int8_t codes[256];
  float scales[16];
  float minima[16];  // 0 in formats without them
};

/// The numbers of a block that can be NaN or infinite: `count` of them from `offset` on, of `bytes` each. A
/// bad one has all bits of `exponent` set.
struct FactorPlace {
  std::uint32_t offset;
  std::uint32_t count;
  std::uint32_t bytes;
  std::uint64_t exponent;
};

constexpr FactorPlace half_factors(std::uint32_t offset, std::uint32_t count) {
  return {offset, count, 2, 0x7c00};
}

struct BlockFormat {
  Dtype dtype;          // the format as it lies in files
  Dtype packed;         // the layout that its weights are transcoded to
  int group;            // elements that share a scale and a minimum
  FactorPlace factors;  // what a scan of a file for bad numbers looks at
  /// Decodes `blocks` blocks to floats, bit for bit as the `gguf` Python package does.
  void (*decode)(const std::byte* source, float* values, std::int64_t blocks);
  /// Packs 16 rows of `columns` elements (whole records of the layout) into one group; see packed.h. All of
  /// the group's bytes are written. A null row becomes zero codes with zero factors.
  void (*pack_group)(const std::byte* const rows[16], std::int64_t columns, std::byte* group);
  /// The same block as codes and factors, for tests and for the float reference.
  void (*split)(const std::byte* block, BlockCodes& out);
  /// Puts codes, as split gives them, into a block whose factors stand.
  void (*join)(const std::int8_t* codes, std::byte* block);
  /// Of the codes that the format has, the one nearest to (value - minimum) / scale.
  std::int8_t (*nearest_code)(float steps);
  /// Writes one block whose factors have been searched for the least sum of importance * error^2;
  /// `importance` [elements] may be null. What is finite stays finite, cut off at the ends of the factors'
  /// range; a block with a NaN or an infinity gets a factor that is not finite.
  void (*search)(const float* values, const float* importance, std::byte* block);
  /// Rounds floats to `blocks` blocks at once, bit for bit as the `gguf` package does; nullptr where a
  /// quick encoder is not needed. A block with a NaN, an infinity or values beyond its factors' range gets a
  /// factor that is not finite.
  void (*encode)(const float* values, std::byte* destination, std::int64_t blocks) = nullptr;
};

/// The row for a block-quantized type, or nullptr.
const BlockFormat* block_format(Dtype dtype);

/// The layout that pack_groups() packs a type of files into: without loss, and packed_f32 for what has none
/// of its own.
Dtype packed_layout_of(Dtype dtype);

/// Bytes of the whole packed matrix, the last group padded to 16 rows. `packed` is a packed type. Throws
/// Error(invalid_argument) unless columns fill whole records, or at least columns of floats.
std::uint64_t packed_bytes(Dtype packed, std::int64_t rows, std::int64_t columns);

/// Packs the groups [first_group, last_group) of a matrix into packed_layout_of(dtype). `source` and
/// `destination` are the starts of the whole matrices. Threads may share one matrix.
void pack_groups(Dtype dtype, const std::byte* source, std::int64_t rows, std::int64_t columns,
                 std::int64_t first_group, std::int64_t last_group, std::byte* destination);

/// Decodes `rows` rows of any file type (floats, integers, blocks) to float32.
void decode_rows(Dtype dtype, const std::byte* source, float* values, std::int64_t rows,
                 std::int64_t columns);

}  // namespace lathe
