// The float types of kernels that do not need to be fast: how an element is stored, and what it is computed
// in.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/half.h"
#include "cpu/portable/kernel_arguments.h"

namespace lathe::portable {

struct F32Element {
  using Stored = float;
  using Number = float;
  static constexpr Dtype kDtype = Dtype::f32;
  static Number load(Stored x) { return x; }
  static Stored store(Number x) { return x; }
};

struct F64Element {
  using Stored = double;
  using Number = double;
  static constexpr Dtype kDtype = Dtype::f64;
  static Number load(Stored x) { return x; }
  static Stored store(Number x) { return x; }
};

struct F16Element {
  using Stored = std::uint16_t;
  using Number = float;
  static constexpr Dtype kDtype = Dtype::f16;
  static Number load(Stored x) { return half_to_float(x); }
  static Stored store(Number x) { return float_to_half(x); }
};

struct Bf16Element {
  using Stored = std::uint16_t;
  using Number = float;
  static constexpr Dtype kDtype = Dtype::bf16;
  static Number load(Stored x) { return bfloat_to_float(x); }
  static Stored store(Number x) { return float_to_bfloat(x); }
};

/// accepts() where input 0 decides.
template <class Element>
bool accepts_element(const NodeTypes& types) {
  return types.inputs[0].dtype == Element::kDtype;
}

}  // namespace lathe::portable
