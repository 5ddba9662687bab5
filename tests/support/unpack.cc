#include "support/unpack.h"

#include <cmath>
#include <cstring>
#include <stdexcept>

#include "base/half.h"

namespace lathe::test {
namespace {

constexpr int kLevels[16] = {-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113};
constexpr float kE2m1[16] = {0.0f, 0.5f,  1.0f,  1.5f,  2.0f,  3.0f,  4.0f,  6.0f,
                             0.0f, -0.5f, -1.0f, -1.5f, -2.0f, -3.0f, -4.0f, -6.0f};

// One record, seen by lane and by column within the record.
class Record {
 public:
  Record(Dtype packed, const std::byte* data) : packed_(packed), data_(data) {}

  float value(int lane, int column) const {
    const int part = column / 32;  // sub-block of a k record
    const int c = column % 32;
    const int position = (c / 4) * 64 + lane * 4 + c % 4;  // among interleaved codes
    switch (packed_) {
      case Dtype::packed4:
        return half(256, lane) * static_cast<float>(nibble(0, position) - 8);
      case Dtype::packed4m:
        return half(256, lane) * static_cast<float>(nibble(0, position)) + half(288, lane);
      case Dtype::packed5:
        return half(320, lane) * static_cast<float>(nibble(0, position) + 16 * bit(256, position) - 16);
      case Dtype::packed5m:
        return half(320, lane) * static_cast<float>(nibble(0, position) + 16 * bit(256, position)) +
               half(352, lane);
      case Dtype::packed8:
        return half(512, lane) * static_cast<float>(static_cast<std::int8_t>(data_[position]));
      case Dtype::packed4t:
        return half(256, lane) * static_cast<float>(kLevels[nibble(0, position)]);
      case Dtype::packed4x:
        return std::ldexp(kE2m1[nibble(0, position)], byte(256 + lane) - 127);
      case Dtype::packed4tk: {
        const auto sub_scale = static_cast<std::int8_t>(data_[32 + 16 * part + lane]);
        return half(0, lane) * static_cast<float>(sub_scale) *
               static_cast<float>(kLevels[nibble(160 + 256 * part, position)]);
      }
      case Dtype::packed2k: {
        const int factors = byte(64 + 16 * (column / 16) + lane);
        return half(0, lane) * static_cast<float>(factors & 15) *
                   static_cast<float>(two_bits(320 + 128 * part, position)) -
               half(32, lane) * static_cast<float>(factors >> 4);
      }
      case Dtype::packed3k: {
        const int code = two_bits(288 + 128 * part, position) + 4 * bit(1312 + 64 * part, position);
        return half(0, lane) * static_cast<float>(byte(32 + 16 * (column / 16) + lane) - 32) *
               static_cast<float>(code - 4);
      }
      case Dtype::packed4k:
        return scale(part, lane) * static_cast<float>(nibble(320 + 256 * part, position)) -
               minimum(part, lane);
      case Dtype::packed5k:
        return scale(part, lane) * static_cast<float>(nibble(320 + 256 * part, position) +
                                                      16 * bit(2368 + 64 * part, position)) -
               minimum(part, lane);
      case Dtype::packed6k: {
        const auto sub_scale = static_cast<std::int8_t>(data_[32 + 16 * (column / 16) + lane]);
        const int high = two_bits(2336 + 128 * part, position);
        return half(0, lane) * static_cast<float>(sub_scale) *
               static_cast<float>(nibble(288 + 256 * part, position) + 16 * high - 32);
      }
      default:
        throw std::logic_error("not a packed block layout");
    }
  }

 private:
  int byte(int offset) const { return std::to_integer<int>(data_[offset]); }
  float half(int offset, int lane) const {
    return half_to_float(
        static_cast<std::uint16_t>(byte(offset + 2 * lane) | byte(offset + 2 * lane + 1) << 8));
  }
  int nibble(int offset, int position) const {
    const int pair = byte(offset + position % 256);
    return position < 256 ? pair & 15 : pair >> 4;
  }
  int two_bits(int offset, int position) const {
    return (byte(offset + position % 128) >> (2 * (position / 128))) & 3;
  }
  int bit(int offset, int position) const { return (byte(offset + position / 8) >> (position % 8)) & 1; }
  float scale(int part, int lane) const {
    return half(0, lane) * static_cast<float>(byte(64 + 16 * part + lane));
  }
  float minimum(int part, int lane) const {
    return half(32, lane) * static_cast<float>(byte(192 + 16 * part + lane));
  }

  Dtype packed_;
  const std::byte* data_;
};

int record_bytes(Dtype packed) {
  switch (packed) {
    case Dtype::packed4:
      return 288;
    case Dtype::packed4m:
      return 320;
    case Dtype::packed5:
      return 352;
    case Dtype::packed5m:
      return 384;
    case Dtype::packed8:
      return 544;
    case Dtype::packed4t:
      return 288;
    case Dtype::packed4x:
      return 272;
    case Dtype::packed4tk:
      return 2208;
    case Dtype::packed2k:
      return 1344;
    case Dtype::packed3k:
      return 1824;
    case Dtype::packed4k:
      return 2368;
    case Dtype::packed5k:
      return 2880;
    case Dtype::packed6k:
      return 3360;
    default:
      throw std::logic_error("not a packed block layout");
  }
}

// packed_bf16 has pairs of columns, the last of which may be half empty.
std::vector<float> unpack_floats(Dtype packed, const std::byte* data, std::int64_t rows,
                                 std::int64_t columns) {
  std::vector<float> values;
  for (std::int64_t row = 0; row < rows; ++row)
    for (std::int64_t column = 0; column < columns; ++column) {
      const std::int64_t lane = row % 16;
      float value = 0;
      std::uint16_t bits = 0;
      if (packed == Dtype::packed_f32) {
        std::memcpy(&value, data + ((row / 16 * columns + column) * 16 + lane) * 4, 4);
      } else if (packed == Dtype::packed_f16) {
        std::memcpy(&bits, data + ((row / 16 * columns + column) * 16 + lane) * 2, 2);
        value = half_to_float(bits);
      } else {
        const std::int64_t pair = row / 16 * ((columns + 1) / 2) + column / 2;
        std::memcpy(&bits, data + (pair * 32 + lane * 2 + column % 2) * 2, 2);
        value = bfloat_to_float(bits);
      }
      values.push_back(value);
    }
  return values;
}

}  // namespace

std::vector<float> unpack(Dtype packed, const std::byte* data, std::int64_t rows, std::int64_t columns,
                          bool padding) {
  const std::int64_t out_rows = padding ? (rows + 15) / 16 * 16 : rows;
  std::vector<float> values(static_cast<std::size_t>(out_rows * columns));
  if (is_packed_floats(packed)) return unpack_floats(packed, data, out_rows, columns);
  const std::int64_t width = info(packed).block_elements;
  const std::int64_t bytes = record_bytes(packed);
  for (std::int64_t row = 0; row < out_rows; ++row)
    for (std::int64_t column = 0; column < columns; ++column) {
      const std::byte* record = data + ((row / 16) * (columns / width) + column / width) * bytes;
      float& value = values[static_cast<std::size_t>(row * columns + column)];
      value = Record(packed, record).value(static_cast<int>(row % 16), static_cast<int>(column % width));
    }
  return values;
}

}  // namespace lathe::test
