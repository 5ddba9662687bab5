// The rows of the table in block_formats.cc; each is defined in the file of its format.
#pragma once

#include "quant/block_format.h"

namespace lathe {

extern const BlockFormat kQ4_0Format;
extern const BlockFormat kQ4_1Format;
extern const BlockFormat kQ5_0Format;
extern const BlockFormat kQ5_1Format;
extern const BlockFormat kQ8_0Format;
extern const BlockFormat kQ4_kFormat;
extern const BlockFormat kQ5_kFormat;
extern const BlockFormat kQ6_kFormat;

}  // namespace lathe
