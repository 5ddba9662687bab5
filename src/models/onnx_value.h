// What a value of an ONNX decoder is in our graph. The network computes on [1, T, ...] for T tokens of one
// sequence; ours on rows of packed tokens, [T, columns] or split into heads [T, heads, head_dim], whichever a
// node needs. The network's layout is a note beside them.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "formats/onnx_model.h"
#include "graph/graph.h"

namespace lathe {

struct OnnxValue {
  enum class Kind : std::uint8_t {
    unknown,    // of a node that is not supported: nodes that read it are passed over
    tensor,     // rows of numbers
    ids,        // input_ids
    positions,  // position_ids
    sizes,      // whole numbers of shapes and lengths, or what is only made of them
    past,       // a layer's keys or values of earlier steps
    constant,
  };
  static constexpr std::int64_t kTokens = -1;  // the number of tokens among dims and sizes
  static constexpr std::int64_t kUnknown = -2;

  Kind kind = Kind::unknown;
  std::vector<std::int64_t> dims;   // the network's: [1, T, C], [T, C], [1, T, H, d], or by_head [1, H, T, d]
  bool by_head = false;             // stored token by token all the same
  ValueId flat = -1;                // [T, C]; -1 where it is not made yet
  ValueId split = -1;               // [T, H, d]
  ValueId sigmoid_of = -1;          // the flat value that this is the sigmoid of, not made yet
  bool wanted = false;              // rows of out_rows alone
  std::vector<std::int64_t> sizes;  // of Kind::sizes, where they are known
  bool sizes_known = false;
  const onnx::Tensor* constant = nullptr;

  bool is_tensor() const { return kind == Kind::tensor; }
  std::size_t token_axis() const {
    std::size_t axis = 0;
    while (axis < dims.size() && dims[axis] != kTokens) ++axis;
    return axis;
  }
  bool has_heads() const { return by_head || dims.size() == token_axis() + 3; }
  std::int64_t heads() const {
    return !has_heads() ? 1 : by_head ? dims[dims.size() - 3] : dims[dims.size() - 2];
  }
  std::int64_t columns() const { return dims.back(); }  // of a head, or of a row
  std::int64_t width() const { return heads() * columns(); }
};

}  // namespace lathe
