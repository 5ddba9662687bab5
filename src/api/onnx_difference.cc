#include "api/onnx_difference.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>

#include "api/tensor_numbers.h"
#include "base/error.h"

namespace lathe {
namespace {

std::string shape_text(const Tensor& tensor) {
  std::string text = tensor.dtype + "[";
  for (std::size_t i = 0; i < tensor.shape.size(); ++i)
    text += (i == 0 ? "" : ", ") + std::to_string(tensor.shape[i]);
  return text + "]";
}

std::string number_text(WideNumber value) {
  std::array<char, 64> text{};
  std::snprintf(text.data(), text.size(), "%.9Lg", value);
  return text.data();
}

bool is_near(WideNumber actual, WideNumber expected, const Tolerance& tolerance) {
  if (std::isnan(actual) || std::isnan(expected)) return std::isnan(actual) && std::isnan(expected);
  if (std::isinf(actual) || std::isinf(expected)) return actual == expected;
  return std::fabs(actual - expected) <= tolerance.absolute + tolerance.relative * std::fabs(expected);
}

}  // namespace

std::string onnx_difference(const Tensor& actual, const Tensor& expected, const Tolerance& tolerance) {
  if (actual.container != expected.container || actual.elements.size() != expected.elements.size())
    return "is a " + (actual.container.empty() ? "tensor" : actual.container) + " of " +
           std::to_string(actual.elements.size()) + " and not a " +
           (expected.container.empty() ? "tensor" : expected.container) + " of " +
           std::to_string(expected.elements.size());
  for (std::size_t i = 0; i < expected.elements.size(); ++i) {
    const auto difference = onnx_difference(actual.elements[i], expected.elements[i], tolerance);
    if (!difference.empty()) return "has an element " + std::to_string(i) + " that " + difference;
  }
  if (!expected.container.empty()) return {};
  if (actual.dtype != expected.dtype || actual.shape != expected.shape)
    return "is " + shape_text(actual) + " and not " + shape_text(expected);
  if (expected.dtype == "string") {
    const auto [found, wanted] = std::ranges::mismatch(actual.texts, expected.texts);
    if (found == actual.texts.end() && wanted == expected.texts.end()) return {};
    const auto text = [](const Tensor& tensor, auto at) {
      return at == tensor.texts.end() ? std::string("no text") : "\"" + printable(*at, 40) + "\"";
    };
    return "differs first in element " + std::to_string(found - actual.texts.begin()) + ": " +
           text(actual, found) + " and not " + text(expected, wanted);
  }
  const ElementReader* row = find_element_reader(expected.dtype);
  if (row == nullptr) return "is of type " + expected.dtype + ", which cannot be compared";
  if (actual.bytes.size() != expected.bytes.size() || expected.bytes.size() % row->bytes != 0)
    return "has " + std::to_string(actual.bytes.size()) + " bytes and not " +
           std::to_string(expected.bytes.size());
  Tolerance allowed = tolerance;
  if (expected.dtype == "bf16") allowed.relative = std::max(allowed.relative, 0x1p-6);
  const std::size_t count = expected.bytes.size() / row->bytes;
  std::size_t different = 0, first = 0;
  for (std::size_t i = 0; i < count; ++i) {
    if (is_near(row->read(&actual.bytes[i * row->bytes]), row->read(&expected.bytes[i * row->bytes]),
                allowed))
      continue;
    if (different++ == 0) first = i;
  }
  if (different == 0) return {};
  return "differs in " + std::to_string(different) + " of " + std::to_string(count) + " elements, first in " +
         std::to_string(first) + ": " + number_text(row->read(&actual.bytes[first * row->bytes])) +
         " and not " + number_text(row->read(&expected.bytes[first * row->bytes]));
}

}  // namespace lathe
