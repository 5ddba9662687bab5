// Element and block types, one table row each.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace lathe {

// Rows of the table in dtype.cc, in the same order.
enum class Dtype : std::uint8_t {
  f32,
  f16,
  bf16,
  f64,
  i8,
  i16,
  i32,
  i64,
  // GGUF's blocks, as they lie in files: q4_0 to q6_k
  q4_0,
  q4_1,
  q5_0,
  q5_1,
  q8_0,
  iq4_nl,
  mxfp4,
  iq4_xs,
  q2_k,
  q3_k,
  q4_k,
  q5_k,
  q6_k,
  // our own, never in model files
  a8,  // activations: unsigned 8-bit codes with scale and minimum per 32, one record a row
       // (quant/activation.h)
  // weights by 16 rows (quant/packed.h). Factors per 32 columns; m: with minima, t: codes index a table,
  // x: microscaling
  packed4,
  packed4m,
  packed5,
  packed5m,
  packed8,
  packed4t,
  packed4x,
  // 256 columns with scaled scales
  packed4tk,
  packed2k,
  packed3k,
  packed4k,
  packed5k,
  packed6k,
  // floats
  packed_f32,
  packed_bf16,
  packed_f16,
  // elements of ONNX networks; those below a byte lie in a byte of their own
  boolean,  // 0 or 1
  u8,
  u16,
  u32,
  u64,
  i4,
  u4,
  i2,
  u2,
  f8e4m3fn,
  f8e4m3fnuz,
  f8e5m2,
  f8e5m2fnuz,
  f8e8m0,
  f4e2m1,
  none,    // an input that was left out
  string,  // the number of a text in the run's table of them (backend/text_table.h)
};

inline constexpr Dtype kLastDtype = Dtype::string;

struct DtypeInfo {
  std::string_view name;
  std::uint32_t block_elements;  // elements that share a block, along the row
  std::uint32_t block_bytes;     // bytes of such a block; 0 where a row or group has its own rule
};

const DtypeInfo& info(Dtype dtype);
std::optional<Dtype> dtype_named(std::string_view name);

inline bool is_block_quantized(Dtype dtype) { return dtype >= Dtype::q4_0 && dtype <= Dtype::q6_k; }

/// Weights by groups of 16 rows.
inline bool is_packed(Dtype dtype) { return dtype >= Dtype::packed4 && dtype <= Dtype::packed_f16; }
inline bool is_packed_floats(Dtype dtype) { return dtype >= Dtype::packed_f32 && dtype <= Dtype::packed_f16; }
/// One number after the other, with no scale beside them; those of texts can be moved alone.
inline bool is_element(Dtype dtype) {
  return dtype <= Dtype::i64 || (dtype >= Dtype::boolean && dtype != Dtype::none);
}

/// Bytes of one row of `columns` elements. Throws Error(invalid_argument) unless columns fill whole blocks.
std::uint64_t row_bytes(Dtype dtype, std::int64_t columns);

}  // namespace lathe
