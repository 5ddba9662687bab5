// Text attributes that are lists: axes and permutations ("0, 2, 1, 3"), and shapes, whose dimensions are
// numbers or symbols ("T, 4, -1").
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "graph/type.h"

namespace lathe {

/// Empty where the text is no list of integers; an empty text is the empty list.
std::optional<std::vector<std::int64_t>> parse_integers(std::string_view text);
std::string integers_text(std::span<const std::int64_t> integers);

/// What is not an integer is a symbol. Numbers are not checked: -1 and 0 may mean something.
std::optional<Dims> parse_dims(std::string_view text);
/// Empty where a symbol has a comma or spaces at its ends, or is a number: the text would be another shape.
std::optional<std::string> dims_text(const Dims& dims);

/// The axes that a reduction's attribute names, ascending: counted from the back where negative, all where
/// the list is empty. Empty where the text is no such list, or an axis is out of range or named twice.
std::optional<std::vector<std::size_t>> parse_axes(std::string_view text, std::size_t rank);

/// The permutation of `rank` axes that the text is; an empty text reverses them. Empty where it is none.
std::optional<std::vector<std::size_t>> parse_permutation(std::string_view text, std::size_t rank);

/// The dimensions that both broadcast to, by ONNX's rule: aligned at the back, equal or 1.
std::optional<Dims> broadcast(const Dims& a, const Dims& b);

/// Whether two shapes have the same number of elements for every value of their symbols.
bool same_element_count(const Dims& a, const Dims& b);

}  // namespace lathe
