#include "quant/wider_layouts.h"

#include <array>
#include <cstring>
#include <string>

#include "base/error.h"
#include "quant/packed.h"

namespace lathe {
namespace {

constexpr int kCodes = 512;  // of a block of 32 columns
constexpr int kNibbleBytes = 256;
constexpr int kHighBytes = 64;
constexpr int kFactorBytes = 32;  // 16 halves

int nibble(const std::byte* codes, int i) {
  const int pair = std::to_integer<int>(codes[i % kNibbleBytes]);
  return i < kNibbleBytes ? pair & 15 : pair >> 4;
}

int value4(const std::byte* record, int i) { return nibble(record, i) - 8; }
int value4t(const std::byte* record, int i) { return kIq4Values[nibble(record, i)]; }
int value5(const std::byte* record, int i) {
  const int high = std::to_integer<int>(record[kNibbleBytes + i / 8]) >> (i % 8) & 1;
  return (nibble(record, i) | high << 4) - 16;
}

void store5(int value, std::byte* record, int i) {
  const int code = value + 16;
  record[i % kNibbleBytes] |= static_cast<std::byte>(i < kNibbleBytes ? code & 15 : (code & 15) << 4);
  record[kNibbleBytes + i / 8] |= static_cast<std::byte>((code >> 4) << (i % 8));
}
void store8(int value, std::byte* record, int i) { record[i] = static_cast<std::byte>(value); }

/// Codes one by one, and the scales behind them.
template <int (*Value)(const std::byte* record, int i), int CodeBytes, void (*Store)(int, std::byte*, int),
          int WiderCodeBytes>
void recode(const std::byte* record, std::byte* wider) {
  std::memset(wider, 0, WiderCodeBytes);
  for (int i = 0; i < kCodes; ++i) Store(Value(record, i), wider, i);
  std::memcpy(wider + WiderCodeBytes, record + CodeBytes, kFactorBytes);
}

/// Unsigned codes stay as they are: fifth bits that are zero go in between or behind.
void insert_high_bits(const std::byte* record, std::byte* wider) {
  std::memcpy(wider, record, kNibbleBytes);
  std::memset(wider + kNibbleBytes, 0, kHighBytes);
  std::memcpy(wider + kNibbleBytes + kHighBytes, record + kNibbleBytes, 2 * kFactorBytes);
}
void append_high_bits(const std::byte* record, std::byte* wider) {
  std::memcpy(wider, record, kPacked4k.record_bytes);
  std::memset(wider + kPacked4k.record_bytes, 0, kPacked5k.record_bytes - kPacked4k.record_bytes);
}

struct Widening {
  Dtype from;
  Dtype to;
  PackedLayoutInfo from_info;
  PackedLayoutInfo to_info;
  void (*record)(const std::byte* record, std::byte* wider);
};

constexpr int k5Bytes = kNibbleBytes + kHighBytes;
constexpr std::array kWidenings = {
    Widening{Dtype::packed4, Dtype::packed5, kPacked4, kPacked5,
             recode<value4, kNibbleBytes, store5, k5Bytes>},
    Widening{Dtype::packed4, Dtype::packed8, kPacked4, kPacked8,
             recode<value4, kNibbleBytes, store8, kCodes>},
    Widening{Dtype::packed5, Dtype::packed8, kPacked5, kPacked8, recode<value5, k5Bytes, store8, kCodes>},
    Widening{Dtype::packed4t, Dtype::packed8, kPacked4t, kPacked8,
             recode<value4t, kNibbleBytes, store8, kCodes>},
    Widening{Dtype::packed4m, Dtype::packed5m, kPacked4m, kPacked5m, insert_high_bits},
    Widening{Dtype::packed4k, Dtype::packed5k, kPacked4k, kPacked5k, append_high_bits},
};

}  // namespace

std::vector<Dtype> wider_layouts(Dtype packed) {
  std::vector<Dtype> wider;
  for (const auto& widening : kWidenings)
    if (widening.from == packed) wider.push_back(widening.to);
  return wider;
}

void widen_group(Dtype packed, const std::byte* group, std::int64_t columns, Dtype wider,
                 std::byte* wider_group) {
  for (const auto& widening : kWidenings) {
    if (widening.from != packed || widening.to != wider) continue;
    const std::int64_t records = columns / widening.from_info.columns_per_record;
    for (std::int64_t i = 0; i < records; ++i)
      widening.record(group + i * widening.from_info.record_bytes,
                      wider_group + i * widening.to_info.record_bytes);
    return;
  }
  throw Error(ErrorCode::internal, "no wider layout of " + std::string(info(packed).name) + " is " +
                                       std::string(info(wider).name));
}

}  // namespace lathe
