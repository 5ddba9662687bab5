// The op table: the rows of all families, sorted by name.
#include <algorithm>

#include "base/error.h"
#include "graph/op.h"
#include "graph/op_rows.h"

namespace lathe {
namespace {

const std::vector<Op>& table() {
  static const std::vector<Op> kTable = [] {
    std::vector<Op> rows;
    for (const auto family : {op_rows::core_rows, op_rows::control_rows, op_rows::sequence_rows,
                              op_rows::string_rows, op_rows::element_rows, op_rows::array_rows,
                              op_rows::window_rows, op_rows::product_rows, op_rows::code_rows})
      for (auto& row : family()) rows.push_back(std::move(row));
    std::ranges::sort(rows, {}, &Op::name);
    CHECK(std::ranges::adjacent_find(rows, {}, &Op::name) == rows.end());
    return rows;
  }();
  return kTable;
}

}  // namespace

const Op* find_op(std::string_view name) {
  const auto& rows = table();
  const auto found = std::lower_bound(rows.begin(), rows.end(), name,
                                      [](const Op& op, std::string_view wanted) { return op.name < wanted; });
  return found != rows.end() && found->name == name ? &*found : nullptr;
}

std::span<const Op> all_ops() { return table(); }

}  // namespace lathe
