#include "graph/text_lists.h"

#include <algorithm>
#include <charconv>

#include "graph/dim_expression.h"

namespace lathe {
namespace {

std::string_view trimmed(std::string_view text) {
  while (text.starts_with(' ')) text.remove_prefix(1);
  while (text.ends_with(' ')) text.remove_suffix(1);
  return text;
}

/// The parts between commas; none of an empty text.
std::vector<std::string_view> parts_of(std::string_view text) {
  std::vector<std::string_view> parts;
  if (trimmed(text).empty()) return parts;
  for (;;) {
    const auto comma = text.find(',');
    parts.push_back(trimmed(text.substr(0, comma)));
    if (comma == std::string_view::npos) return parts;
    text.remove_prefix(comma + 1);
  }
}

std::optional<std::int64_t> integer_of(std::string_view part) {
  std::int64_t value = 0;
  const auto* end = part.data() + part.size();
  const auto [stop, error] = std::from_chars(part.data(), end, value);
  if (error != std::errc{} || stop != end) return std::nullopt;
  return value;
}

template <class Item>
std::string joined(std::span<const Item> items, std::string (*text_of)(const Item&)) {
  std::string text;
  for (const auto& item : items) text += (text.empty() ? "" : ", ") + text_of(item);
  return text;
}

}  // namespace

std::optional<std::vector<std::int64_t>> parse_integers(std::string_view text) {
  std::vector<std::int64_t> result;
  for (const auto part : parts_of(text)) {
    const auto value = integer_of(part);
    if (!value) return std::nullopt;
    result.push_back(*value);
  }
  return result;
}

std::string integers_text(std::span<const std::int64_t> integers) {
  return joined<std::int64_t>(integers, [](const std::int64_t& value) { return std::to_string(value); });
}

std::optional<Dims> parse_dims(std::string_view text) {
  Dims result;
  for (const auto part : parts_of(text)) {
    if (part.empty()) return std::nullopt;
    const auto value = integer_of(part);
    result.push_back(value ? Dim(*value) : Dim(std::string(part)));
  }
  return result;
}

std::optional<std::string> dims_text(const Dims& dims) {
  auto text = joined<Dim>(
      dims, [](const Dim& dim) { return dim.is_symbolic() ? dim.symbol : std::to_string(dim.value); });
  if (parse_dims(text) != dims) return std::nullopt;
  return text;
}

std::optional<std::vector<std::size_t>> parse_axes(std::string_view text, std::size_t rank) {
  const auto named = parse_integers(text);
  if (!named) return std::nullopt;
  std::vector<std::size_t> axes;
  for (const auto axis : *named) {
    const auto count = static_cast<std::int64_t>(rank);
    if (axis < -count || axis >= count) return std::nullopt;
    axes.push_back(static_cast<std::size_t>(axis < 0 ? axis + count : axis));
  }
  for (std::size_t axis = 0; named->empty() && axis < rank; ++axis) axes.push_back(axis);
  std::ranges::sort(axes);
  if (std::ranges::adjacent_find(axes) != axes.end()) return std::nullopt;
  return axes;
}

std::optional<std::vector<std::size_t>> parse_permutation(std::string_view text, std::size_t rank) {
  const auto named = parse_integers(text);
  if (!named) return std::nullopt;
  std::vector<std::size_t> axes;
  for (const auto axis : *named) axes.push_back(static_cast<std::size_t>(axis));
  for (std::size_t axis = 0; named->empty() && axis < rank; ++axis) axes.push_back(rank - 1 - axis);
  auto sorted = axes;
  std::ranges::sort(sorted);
  for (std::size_t axis = 0; axis < sorted.size(); ++axis)
    if (sorted[axis] != axis) return std::nullopt;
  if (axes.size() != rank) return std::nullopt;
  return axes;
}

std::optional<Dims> broadcast(const Dims& a, const Dims& b) {
  const Dims& longer = a.size() >= b.size() ? a : b;
  const Dims& shorter = a.size() >= b.size() ? b : a;
  Dims result = longer;
  const auto offset = longer.size() - shorter.size();
  for (std::size_t i = 0; i < shorter.size(); ++i) {
    auto& dim = result[offset + i];
    if (dim == shorter[i] || shorter[i] == Dim(1)) continue;
    if (dim == Dim(1)) {
      dim = shorter[i];
    } else if (dim.is_unknown() || shorter[i].is_unknown()) {  // a number above 1 is what both must be
      const Dim& known = dim.is_unknown() ? shorter[i] : dim;
      dim = known.is_symbolic() ? Dim::unknown() : known;
    } else {
      return std::nullopt;
    }
  }
  return result;
}

bool same_element_count(const Dims& a, const Dims& b) {
  const auto product = [](const Dims& dims) {
    Dim result = 1;
    for (const auto& dim : dims) result = product_of(result, dim);
    return result;
  };
  const auto unknown = [](const Dim& dim) { return dim.is_unknown(); };
  if (std::ranges::any_of(a, unknown) || std::ranges::any_of(b, unknown)) return true;
  return product(a) == product(b);  // never of what is too large to say
}

}  // namespace lathe
