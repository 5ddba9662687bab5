// A model with a NaN in it answers nonsense without any error, so weights are looked at before they are used.
// Of blocks only the f16 factors can be wrong.
#include <array>
#include <cstring>

#include "base/error.h"
#include "formats/gguf_reader.h"

namespace lathe {
namespace {

// Where a type keeps numbers that can be NaN or infinite: `count` of them at `offset` in each block, all bits
// of `exponent` set in the bad ones.
struct FactorPlace {
  std::uint32_t offset;
  std::uint32_t count;
  std::uint32_t bytes;
  std::uint64_t exponent;
};
constexpr std::uint64_t kHalf = 0x7c00;
constexpr std::uint64_t kBrain = 0x7f80;
constexpr std::uint64_t kSingle = 0x7f80'0000;
constexpr std::uint64_t kDouble = 0x7ff0'0000'0000'0000;

// f32 to q6_k, in the order of Dtype.
constexpr std::array<FactorPlace, 16> kPlaces = {{
    {0, 1, 4, kSingle},  // f32
    {0, 1, 2, kHalf},    // f16
    {0, 1, 2, kBrain},   // bf16
    {0, 1, 8, kDouble},  // f64
    {0, 0, 1, 0},        // i8
    {0, 0, 2, 0},        // i16
    {0, 0, 4, 0},        // i32
    {0, 0, 8, 0},        // i64
    {0, 1, 2, kHalf},    // q4_0
    {0, 2, 2, kHalf},    // q4_1
    {0, 1, 2, kHalf},    // q5_0
    {0, 2, 2, kHalf},    // q5_1
    {0, 1, 2, kHalf},    // q8_0
    {0, 2, 2, kHalf},    // q4_k
    {0, 2, 2, kHalf},    // q5_k
    {208, 1, 2, kHalf},  // q6_k
}};
static_assert(kPlaces.size() == static_cast<std::size_t>(Dtype::q6_k) + 1);

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
  const auto index = static_cast<std::size_t>(tensor.dtype);
  CHECK(index < kPlaces.size());
  const FactorPlace& place = kPlaces[index];
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
