// A model with a NaN in it answers nonsense without any error, so weights are looked at before they are used.
// Of blocks only the factors can be wrong.
#include <array>
#include <cstring>

#include "base/error.h"
#include "formats/gguf_reader.h"
#include "quant/block_format.h"

namespace lathe {
namespace {

// f32 to i64, in the order of Dtype. Integers are always finite.
constexpr std::array<FactorPlace, static_cast<std::size_t>(Dtype::i64) + 1> kElements = {{
    {0, 1, 4, 0x7f80'0000},            // f32
    {0, 1, 2, 0x7c00},                 // f16
    {0, 1, 2, 0x7f80},                 // bf16
    {0, 1, 8, 0x7ff0'0000'0000'0000},  // f64
}};

FactorPlace factor_place(Dtype dtype) {
  if (const BlockFormat* format = block_format(dtype)) return format->factors;
  const auto index = static_cast<std::size_t>(dtype);
  CHECK(index < kElements.size());
  return kElements[index];
}

template <class Word>
bool all_finite(const std::byte* first, std::uint64_t blocks, std::uint64_t stride, Word exponent) {
  bool bad = false;
  for (std::uint64_t i = 0; i < blocks; ++i) {
    Word bits;
    std::memcpy(&bits, first + i * stride, sizeof bits);
    bad |= (bits & exponent) == exponent;
  }
  return !bad;
}

bool all_finite(const FactorPlace& place, const std::byte* first, std::uint64_t blocks,
                std::uint64_t stride) {
  switch (place.bytes) {
    case 1:
      return all_finite(first, blocks, stride, static_cast<std::uint8_t>(place.exponent));
    case 2:
      return all_finite(first, blocks, stride, static_cast<std::uint16_t>(place.exponent));
    case 4:
      return all_finite(first, blocks, stride, static_cast<std::uint32_t>(place.exponent));
    default:
      return all_finite(first, blocks, stride, place.exponent);
  }
}

}  // namespace

void scan_gguf_factors(const TensorView& tensor, const std::string& name, std::uint64_t file_offset,
                       const std::string& file) {
  const FactorPlace place = factor_place(tensor.dtype);
  const std::uint64_t stride = info(tensor.dtype).block_bytes;
  const std::uint64_t blocks = tensor.bytes() / stride;
  for (std::uint32_t i = 0; i < place.count; ++i) {
    const std::uint64_t offset = place.offset + i * place.bytes;
    const std::byte* first = tensor.data + offset;
    if (all_finite(place, first, blocks, stride)) continue;
    std::uint64_t block = 0;
    while (all_finite(place, first + block * stride, 1, stride)) ++block;
    throw Error(ErrorCode::invalid_file,
                is_block_quantized(tensor.dtype) ? "a block's factor is NaN or infinite"
                                                 : "a weight is NaN or infinite",
                {file, file_offset + block * stride + offset, name});
  }
}

}  // namespace lathe
