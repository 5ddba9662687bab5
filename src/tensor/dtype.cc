#include "tensor/dtype.h"

#include <array>
#include <string>

#include "base/checked.h"
#include "base/error.h"

namespace lathe {
namespace {

constexpr std::array kTable = {
    DtypeInfo{"f32", 1, 4},         DtypeInfo{"f16", 1, 2},        DtypeInfo{"bf16", 1, 2},
    DtypeInfo{"f64", 1, 8},         DtypeInfo{"i8", 1, 1},         DtypeInfo{"i16", 1, 2},
    DtypeInfo{"i32", 1, 4},         DtypeInfo{"i64", 1, 8},        DtypeInfo{"q4_0", 32, 18},
    DtypeInfo{"q4_1", 32, 20},      DtypeInfo{"q5_0", 32, 22},     DtypeInfo{"q5_1", 32, 24},
    DtypeInfo{"q8_0", 32, 34},      DtypeInfo{"iq4_nl", 32, 18},   DtypeInfo{"mxfp4", 32, 17},
    DtypeInfo{"iq4_xs", 256, 136},  DtypeInfo{"q2_k", 256, 84},    DtypeInfo{"q3_k", 256, 110},
    DtypeInfo{"q4_k", 256, 144},    DtypeInfo{"q5_k", 256, 176},   DtypeInfo{"q6_k", 256, 210},
    DtypeInfo{"a8", 32, 52},        DtypeInfo{"packed4", 32, 0},   DtypeInfo{"packed4m", 32, 0},
    DtypeInfo{"packed5", 32, 0},    DtypeInfo{"packed5m", 32, 0},  DtypeInfo{"packed8", 32, 0},
    DtypeInfo{"packed4t", 32, 0},   DtypeInfo{"packed4x", 32, 0},  DtypeInfo{"packed4tk", 256, 0},
    DtypeInfo{"packed2k", 256, 0},  DtypeInfo{"packed3k", 256, 0}, DtypeInfo{"packed4k", 256, 0},
    DtypeInfo{"packed5k", 256, 0},  DtypeInfo{"packed6k", 256, 0}, DtypeInfo{"packed_f32", 1, 0},
    DtypeInfo{"packed_bf16", 1, 0}, DtypeInfo{"packed_f16", 1, 0}, DtypeInfo{"bool", 1, 1},
    DtypeInfo{"u8", 1, 1},          DtypeInfo{"u16", 1, 2},        DtypeInfo{"u32", 1, 4},
    DtypeInfo{"u64", 1, 8},         DtypeInfo{"i4", 1, 1},         DtypeInfo{"u4", 1, 1},
    DtypeInfo{"i2", 1, 1},          DtypeInfo{"u2", 1, 1},         DtypeInfo{"f8e4m3fn", 1, 1},
    DtypeInfo{"f8e4m3fnuz", 1, 1},  DtypeInfo{"f8e5m2", 1, 1},     DtypeInfo{"f8e5m2fnuz", 1, 1},
    DtypeInfo{"f8e8m0", 1, 1},      DtypeInfo{"f4e2m1", 1, 1},     DtypeInfo{"none", 1, 1},
    DtypeInfo{"string", 1, 8},
};
static_assert(kTable.size() == static_cast<std::size_t>(kLastDtype) + 1);

}  // namespace

const DtypeInfo& info(Dtype dtype) {
  CHECK(static_cast<std::size_t>(dtype) < kTable.size());
  return kTable[static_cast<std::size_t>(dtype)];
}

std::optional<Dtype> dtype_named(std::string_view name) {
  for (std::size_t i = 0; i < kTable.size(); ++i)
    if (kTable[i].name == name) return static_cast<Dtype>(i);
  return std::nullopt;
}

std::uint64_t row_bytes(Dtype dtype, std::int64_t columns) {
  const auto& row = info(dtype);
  const auto bytes =
      row.block_bytes != 0 && columns >= 0 && columns % row.block_elements == 0
          ? checked_multiply(static_cast<std::uint64_t>(columns) / row.block_elements, row.block_bytes)
          : std::nullopt;
  if (!bytes)
    throw Error(ErrorCode::invalid_argument, "a row of " + std::to_string(columns) +
                                                 " elements is not whole blocks of " + std::string(row.name));
  return *bytes;
}

}  // namespace lathe
