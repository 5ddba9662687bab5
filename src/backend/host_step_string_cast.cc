// CastToString and CastFromString. Numbers are written plainly, with as few digits as give the same number
// back, infinities and what is none as INF, -INF and NaN, and truth values as 1 and 0.
#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstring>
#include <limits>
#include <optional>

#include "backend/host_step.h"
#include "base/error.h"
#include "base/half.h"

namespace lathe {
namespace {

struct Float16 {
  std::uint16_t bits;
};
struct Bfloat16 {
  std::uint16_t bits;
};
struct Truth {
  std::uint8_t byte;
};

template <class Body>
void visit_type(Dtype dtype, const Body& body) {
  switch (dtype) {
    case Dtype::f32:
      return body.template operator()<float>();
    case Dtype::f64:
      return body.template operator()<double>();
    case Dtype::f16:
      return body.template operator()<Float16>();
    case Dtype::bf16:
      return body.template operator()<Bfloat16>();
    case Dtype::i8:
      return body.template operator()<std::int8_t>();
    case Dtype::i16:
      return body.template operator()<std::int16_t>();
    case Dtype::i32:
      return body.template operator()<std::int32_t>();
    case Dtype::i64:
      return body.template operator()<std::int64_t>();
    case Dtype::u8:
      return body.template operator()<std::uint8_t>();
    case Dtype::u16:
      return body.template operator()<std::uint16_t>();
    case Dtype::u32:
      return body.template operator()<std::uint32_t>();
    case Dtype::u64:
      return body.template operator()<std::uint64_t>();
    default:
      CHECK(dtype == Dtype::boolean);
      return body.template operator()<Truth>();
  }
}

float number_in(Float16 element) { return half_to_float(element.bits); }
float number_in(Bfloat16 element) { return bfloat_to_float(element.bits); }
int number_in(Truth element) { return element.byte != 0 ? 1 : 0; }
template <class Number>
Number number_in(Number element) {
  return element;
}

template <class Number>
std::string text_of(Number number) {
  if constexpr (std::is_floating_point_v<Number>) {
    if (std::isnan(number)) return "NaN";
    if (std::isinf(number)) return number > 0 ? "INF" : "-INF";
    std::array<char, 800> digits{};  // the least double has 1 + 1 + 323 + 17 at most
    const auto end =
        std::to_chars(digits.data(), digits.data() + digits.size(), number, std::chars_format::fixed);
    return {digits.data(), end.ptr};
  } else {
    return std::to_string(number);
  }
}

/// The whole text as a number; empty where it is none, or none that the type holds. Reals beyond it are
/// infinite, and those that are too small 0.
template <class Number>
std::optional<Number> read_number(std::string_view text) {
  if (text.starts_with('+') && !text.substr(1).starts_with('-')) text.remove_prefix(1);
  const char* end = text.data() + text.size();
  Number number{};
  const auto [rest, error] = std::from_chars(text.data(), end, number);
  if (rest != end || text.empty()) return std::nullopt;
  if (error == std::errc()) return number;
  if constexpr (std::is_floating_point_v<Number>) {
    // Out of range: a wider type says on which side.
    long double wide = 0;
    const auto again = std::from_chars(text.data(), end, wide);
    const bool is_small = again.ec == std::errc() && std::fabs(wide) < 1;
    if (is_small) return std::signbit(wide) ? -Number{0} : Number{0};
    if (again.ec == std::errc())
      return wide < 0 ? -std::numeric_limits<Number>::infinity() : std::numeric_limits<Number>::infinity();
  }
  return std::nullopt;
}

/// Whole types take the part in front of the point, as in "100.5".
template <class Number>
std::optional<Number> read_whole(std::string_view text) {
  if (const auto number = read_number<Number>(text)) return number;
  const auto real = read_number<double>(text);
  const double end = std::ldexp(1.0, std::numeric_limits<Number>::digits);
  if (!real || std::isnan(*real) || std::trunc(*real) >= end ||
      std::trunc(*real) < static_cast<double>(std::numeric_limits<Number>::min()))
    return std::nullopt;
  return static_cast<Number>(*real);
}

template <class Element>
std::optional<Element> read_element(std::string_view text) {
  if constexpr (std::is_integral_v<Element>) {
    return read_whole<Element>(text);
  } else if constexpr (std::is_floating_point_v<Element>) {
    return read_number<Element>(text);
  } else if constexpr (std::is_same_v<Element, Truth>) {
    const auto number = read_number<double>(text);
    return number ? std::optional(Truth{static_cast<std::uint8_t>(*number != 0)}) : std::nullopt;
  } else {
    const auto number = read_number<float>(text);
    if (!number) return std::nullopt;
    return Element{std::is_same_v<Element, Float16> ? float_to_half(*number) : float_to_bfloat(*number)};
  }
}

}  // namespace

std::vector<RunValue> run_cast_to_string(HostStepCall& call) {
  const RunValue& numbers = call.inputs()[0];
  RunValue result = call.allocate({Dtype::string, numbers.type.dims});
  const auto count = byte_count(result.type) / sizeof(std::uint64_t);
  visit_type(numbers.type.dtype, [&]<class Element>() {
    for (std::size_t i = 0; i < count; ++i) {
      Element element{};
      std::memcpy(&element, numbers.data + i * sizeof element, sizeof element);
      const std::uint64_t number = call.number_of(text_of(number_in(element)));
      std::memcpy(result.data + i * sizeof number, &number, sizeof number);
    }
  });
  return {std::move(result)};
}

std::vector<RunValue> run_cast_from_string(HostStepCall& call) {
  const Dtype dtype = *dtype_named(call.node().text("to"));
  const auto texts = call.texts(0);
  RunValue result = call.allocate({dtype, call.inputs()[0].type.dims});
  visit_type(dtype, [&]<class Element>() {
    for (std::size_t i = 0; i < texts.size(); ++i) {
      const auto element = read_element<Element>(texts[i]);
      if (!element)
        call.fail("the text \"" + printable(texts[i], 40) + "\" is no number that " +
                  std::string(info(dtype).name) + " holds");
      std::memcpy(result.data + i * sizeof(Element), &*element, sizeof(Element));
    }
  });
  return {std::move(result)};
}

}  // namespace lathe
