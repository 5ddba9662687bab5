// Cast between any two element types, and BitCast between those of one width.
//
// Each element goes through what holds it exactly: a double, or a whole number of 64 bits, with a sign or
// without. Floats that become whole numbers lose their fraction and wrap as numbers of 64 bits do; whole
// numbers lose their higher bits. Floats round to nearest, ties to even.
#include "cpu/portable/element_rows.h"
#include "cpu/portable/small_float.h"

namespace lathe::portable {
namespace {

using SmallFloats = Elements<Code<Dtype::f8e4m3fn>, Code<Dtype::f8e4m3fnuz>, Code<Dtype::f8e5m2>,
                             Code<Dtype::f8e5m2fnuz>, Code<Dtype::f4e2m1>>;
using Powers = Elements<Code<Dtype::f8e8m0>>;
using SmallIntegers = Elements<Code<Dtype::i4>, Code<Dtype::u4>, Code<Dtype::i2>, Code<Dtype::u2>>;
using Castable = decltype(NumbersAndBools() + SmallFloats() + Powers() + SmallIntegers());

/// Dtype::none where load() and store() know the type.
template <class Element>
inline constexpr Dtype kCodeDtype = Dtype::none;
template <Dtype dtype>
inline constexpr Dtype kCodeDtype<Code<dtype>> = dtype;

template <Dtype dtype>
constexpr const SmallFloat& format_of() {
  if constexpr (dtype == Dtype::f8e4m3fn) return kE4m3fn;
  if constexpr (dtype == Dtype::f8e4m3fnuz) return kE4m3fnuz;
  if constexpr (dtype == Dtype::f8e5m2) return kE5m2;
  if constexpr (dtype == Dtype::f8e5m2fnuz) return kE5m2fnuz;
  return kE2m1;
}

constexpr bool is_small_float(Dtype dtype) {
  return dtype == Dtype::f8e4m3fn || dtype == Dtype::f8e4m3fnuz || dtype == Dtype::f8e5m2 ||
         dtype == Dtype::f8e5m2fnuz || dtype == Dtype::f4e2m1;
}

/// Of whole numbers below a byte.
constexpr int bits_of(Dtype dtype) { return dtype == Dtype::i4 || dtype == Dtype::u4 ? 4 : 2; }

/// The lowest bits of a number as a byte holds them: i4 and i2 with their sign above.
constexpr std::uint8_t small_integer(Dtype dtype, std::uint64_t number) {
  const auto mask = static_cast<unsigned>((1 << bits_of(dtype)) - 1);
  const unsigned code = static_cast<unsigned>(number & mask);
  const bool negative = (dtype == Dtype::i4 || dtype == Dtype::i2) && code > mask / 2;
  return static_cast<std::uint8_t>(negative ? code | ~mask : code);
}

/// As a double, an std::int64_t or an std::uint64_t.
template <class Element>
auto widened(Element element) {
  constexpr Dtype kDtype = kCodeDtype<Element>;
  if constexpr (is_small_float(kDtype))
    return decode_small(format_of<kDtype>(), element.byte);
  else if constexpr (kDtype == Dtype::f8e8m0)
    return decode_e8m0(element.byte);
  else if constexpr (kDtype != Dtype::none)
    return static_cast<std::int64_t>(static_cast<std::int8_t>(element.byte));
  else if constexpr (std::floating_point<Loaded<Element>>)
    return static_cast<double>(load(element));
  else if constexpr (std::is_same_v<Element, std::uint64_t>)
    return element;
  else
    return static_cast<std::int64_t>(load(element));
}

/// The whole part of a double modulo 2^64; what 64 bits cannot hold becomes the end of their range.
std::uint64_t whole_bits(double value) {
  if (std::isnan(value) || value <= -0x1p63) return std::uint64_t{1} << 63;
  if (value < 0x1p63) return static_cast<std::uint64_t>(static_cast<std::int64_t>(value));
  return value < 0x1p64 ? static_cast<std::uint64_t>(value) : ~std::uint64_t{0};
}

struct CastRules {
  bool saturates;
  PowerRounding rounding;
};

CastRules rules_of(const KernelCall& call) {
  const char first = call.attributes[2].text[0];
  return {call.attributes[1].integer != 0, first == 'd'   ? PowerRounding::down
                                           : first == 'n' ? PowerRounding::nearest
                                                          : PowerRounding::up};
}

template <class Element, class Wide>
Element narrowed(Wide value, const CastRules& rules) {
  constexpr Dtype kDtype = kCodeDtype<Element>;
  if constexpr (is_small_float(kDtype)) {
    return {encode_small(format_of<kDtype>(), static_cast<double>(value), rules.saturates)};
  } else if constexpr (kDtype == Dtype::f8e8m0) {
    return {encode_e8m0(static_cast<double>(value), rules.saturates, rules.rounding)};
  } else if constexpr (std::is_same_v<Element, Bool>) {
    return store<Bool>(value != 0);
  } else if constexpr (contains(Floats(), kDtypeOf<Element>)) {
    if constexpr (sizeof(Element) == sizeof(std::uint16_t)) return store<Element>(static_cast<double>(value));
    return store<Element>(value);
  } else {
    std::uint64_t bits;
    if constexpr (std::is_same_v<Wide, double>)
      bits = whole_bits(value);
    else
      bits = static_cast<std::uint64_t>(value);
    if constexpr (kDtype != Dtype::none)
      return {small_integer(kDtype, bits)};
    else
      return static_cast<Element>(bits);
  }
}

constexpr std::int64_t kBlock = 512;

template <class Wide>
using Block = std::array<Wide, kBlock>;

template <class Wide>
void store_block(const TensorArg& tensor, std::int64_t first, std::int64_t count, const Block<Wide>& block,
                 const CastRules& rules) {
  visit(Castable(), dtype_of(tensor), [&]<class To>() {
    auto* y = data_of<To>(tensor) + first;
    for (std::int64_t i = 0; i < count; ++i) y[i] = narrowed<To>(block[static_cast<std::size_t>(i)], rules);
  });
}

void run_cast(const KernelCall& call) {
  const CastRules rules = rules_of(call);
  const Share share = share_of(call, element_count(call.outputs[0]));
  visit(Castable(), dtype_of(call.inputs[0]), [&]<class From>() {
    const auto* x = data_of<const From>(call.inputs[0]);
    Block<decltype(widened(From()))> block;
    for (std::int64_t first = share.begin; first < share.end; first += kBlock) {
      const std::int64_t count = std::min(kBlock, share.end - first);
      for (std::int64_t i = 0; i < count; ++i) block[static_cast<std::size_t>(i)] = widened(x[first + i]);
      store_block(call.outputs[0], first, count, block, rules);
    }
  });
}

bool accepts_cast(const NodeTypes& types) {
  return contains(Castable(), types.inputs[0].dtype) && contains(Castable(), types.outputs[0].dtype);
}

/// The bits that a number of less than a byte has beside its own are those of its sign.
void run_bit_cast(const KernelCall& call) {
  const std::int64_t bytes = element_bytes(call.outputs[0]);
  const Share share = share_of(call, element_count(call.outputs[0]));
  const auto* x = data_of<const std::uint8_t>(call.inputs[0]);
  auto* y = data_of<std::uint8_t>(call.outputs[0]);
  const Dtype to = dtype_of(call.outputs[0]);
  const bool is_small = contains(SmallIntegers(), to);
  const unsigned kept = to == Dtype::f4e2m1 ? 15 : 255;
  for (std::int64_t i = share.begin * bytes; i < share.end * bytes; ++i) {
    y[i] = is_small ? small_integer(to, x[i]) : static_cast<std::uint8_t>(x[i] & kept);
    if (to == Dtype::boolean && x[i] > 1) {
      raise_fault(call);
      y[i] = 1;
    }
  }
}

}  // namespace

std::span<const Kernel> element_cast_kernels() {
  static const Kernel kKernels[] = {
      element_kernel("cast", "Cast", run_cast, accepts_cast),
      element_kernel("bit_cast", "BitCast", run_bit_cast, accepts_cast),
  };
  return kKernels;
}

}  // namespace lathe::portable
