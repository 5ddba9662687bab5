// Ops on codes, which passes make of what stands between DequantizeLinear and QuantizeLinear (code_product.h,
// code_arithmetic.h). Attributes stand in the order in which kernels get them.
#include <limits>

#include "graph/code_arithmetic.h"
#include "graph/code_product.h"
#include "graph/op_rows.h"
#include "graph/shape_rules_codes.h"

namespace lathe::op_rows {
namespace {

constexpr int kLeastInputs = code_product::kXZero + 1;
constexpr double kGreatest = std::numeric_limits<float>::max();  // no bound
const AttributeSpec kLeast{"least", kReal, -kGreatest};
const AttributeSpec kMost{"most", kReal, kGreatest};

Op arithmetic_row(std::string_view name) {
  return value_row(name, code_arithmetic::kInputs, code_arithmetic::kInputs, 1, {kLeast, kMost},
                   FusionKind::opaque, rules::code_arithmetic);
}

}  // namespace

std::vector<Op> code_rows() {
  return {
      arithmetic_row("AddCodes"),
      value_row("ConvCodes", kLeastInputs, code_product::kInputs, 1,
                {{"auto_pad", kText, 0},
                 {"dilations", kText, 0},
                 {"group", kInteger, 1},
                 {"kernel_shape", kText, 0},
                 {"pads", kText, 0},
                 {"strides", kText, 0},
                 kLeast,
                 kMost},
                FusionKind::opaque, rules::conv_codes),
      value_row("LinearCodes", kLeastInputs, code_product::kInputs, 1, {kLeast, kMost}, FusionKind::opaque,
                rules::linear_codes),
      // of each code the one that a table has for its byte
      value_row("MapCodes", 2, 2, 1, {}, FusionKind::opaque, rules::map_codes),
      arithmetic_row("MulCodes"),
      arithmetic_row("SubCodes"),
  };
}

}  // namespace lathe::op_rows
