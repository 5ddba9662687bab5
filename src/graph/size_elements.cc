#include "graph/size_elements.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>
#include <limits>
#include <string_view>

#include "graph/slice_range.h"
#include "graph/text_lists.h"

namespace lathe {
namespace {

using List = std::vector<Dim>;

bool is_whole(Dtype dtype) { return dtype == Dtype::i64 || dtype == Dtype::i32 || dtype == Dtype::boolean; }

const Elements& input(const SizeInputs& in, std::size_t i) {
  static const Elements kNone;
  return i < in.elements.size() ? in.elements[i] : kNone;
}

bool has(const SizeInputs& in, std::size_t i) {
  return i < in.types.size() && in.types[i].dtype != Dtype::none;
}

/// The numbers, where all are.
std::optional<std::vector<std::int64_t>> numbers(const SizeInputs& in, std::size_t i) {
  if (!are_numbers(input(in, i))) return std::nullopt;
  std::vector<std::int64_t> result;
  for (const auto& element : *input(in, i)) result.push_back(element.value);
  return result;
}

std::optional<std::size_t> count_of(const ValueType& type) {
  if (!is_planned(type) || type.dims.size() > 1) return std::nullopt;
  if (type.dims.empty()) return 1;
  if (type.dims[0].is_symbolic() || type.dims[0].value > static_cast<std::int64_t>(kMostElements))
    return std::nullopt;
  return static_cast<std::size_t>(type.dims[0].value);
}

Dim truth(std::optional<bool> holds) { return holds ? Dim(*holds ? 1 : 0) : Dim::unknown(); }

// Ops by the way they take elements.

Elements shape(const SizeInputs& in) {
  const ValueType& type = in.types[0];
  if (!type.ranked || type.container != Container::tensor) return std::nullopt;
  const auto range = slice_range(static_cast<std::int64_t>(type.dims.size()), in.node.integer("start"),
                                 in.node.integer("end"), 1);
  const auto first = type.dims.begin() + range.start;
  return List(first, first + range.count);
}

Elements size(const SizeInputs& in) {
  const ValueType& type = in.types[0];
  if (!type.ranked || type.container != Container::tensor) return std::nullopt;
  Dim product = 1;
  for (const auto& dim : type.dims) product = product_of(product, dim);
  return List{product};
}

/// The same elements in other dimensions.
Elements view(const SizeInputs& in) { return input(in, 0); }

Elements cast(const SizeInputs& in) {
  if (!input(in, 0) || !is_whole(in.types[0].dtype)) return std::nullopt;
  List result = *input(in, 0);
  if (in.outputs[0].dtype == Dtype::boolean)
    for (auto& element : result) {
      const auto zero = are_equal(element, 0, in.symbols);
      element = truth(zero ? std::optional(!*zero) : std::nullopt);
    }
  return result;
}

Elements gather(const SizeInputs& in) {
  const auto indices = numbers(in, 1);
  if (!input(in, 0) || !indices || in.types[0].dims.size() != 1) return std::nullopt;
  const List& from = *input(in, 0);
  const auto count = static_cast<std::int64_t>(from.size());
  List result;
  for (const auto index : *indices) {
    if (index < -count || index >= count) return std::nullopt;
    result.push_back(from[static_cast<std::size_t>(index < 0 ? index + count : index)]);
  }
  return result;
}

Elements slice(const SizeInputs& in) {
  const auto starts = numbers(in, 1);
  const auto ends = numbers(in, 2);
  const auto steps = has(in, 4) ? numbers(in, 4) : std::vector<std::int64_t>{1};
  if (!input(in, 0) || in.types[0].dims.size() != 1 || !starts || !ends || !steps) return std::nullopt;
  if (starts->size() != 1 || ends->size() != 1 || steps->size() != 1 || steps->at(0) == 0)
    return std::nullopt;
  const List& from = *input(in, 0);
  const auto range =
      slice_range(static_cast<std::int64_t>(from.size()), starts->at(0), ends->at(0), steps->at(0));
  List result;
  for (std::int64_t i = 0; i < range.count; ++i)
    result.push_back(from[static_cast<std::size_t>(range.start + i * range.step)]);
  return result;
}

Elements concat(const SizeInputs& in) {
  List result;
  for (std::size_t i = 0; i < in.types.size(); ++i) {
    const auto count = count_of(in.types[i]);
    if (!count) return std::nullopt;
    const List part = input(in, i).value_or(List(*count, Dim::unknown()));
    result.insert(result.end(), part.begin(), part.end());
  }
  return result;
}

Elements filled(const SizeInputs& in) {
  const auto count = count_of(in.outputs[0]);
  const auto& value = input(in, 1);
  if (!count || !value || value->size() != 1) return std::nullopt;
  return List(*count, value->at(0));
}

Elements expand(const SizeInputs& in) {
  const auto count = count_of(in.outputs[0]);
  if (!count || !input(in, 0)) return std::nullopt;
  if (input(in, 0)->size() == *count) return input(in, 0);
  return input(in, 0)->size() == 1 ? Elements(List(*count, input(in, 0)->at(0))) : std::nullopt;
}

/// All elements' product or sum, which a reduction over the one axis gives.
template <Dim (*kJoin)(const Dim&, const Dim&), int kStart>
Elements reduced(const SizeInputs& in) {
  if (!input(in, 0) || count_of(in.outputs[0]) != 1 || in.types[0].dims.size() != 1) return std::nullopt;
  Dim total = kStart;
  for (const auto& element : *input(in, 0)) total = kJoin(total, element);
  return List{total};
}

Elements where(const SizeInputs& in) {
  const auto count = count_of(in.outputs[0]);
  if (!count) return std::nullopt;
  for (std::size_t i = 0; i < 3; ++i)
    if (!input(in, i) || (input(in, i)->size() != 1 && input(in, i)->size() != *count)) return std::nullopt;
  const auto at = [&in](std::size_t i, std::size_t element) {
    return input(in, i)->size() == 1 ? input(in, i)->at(0) : input(in, i)->at(element);
  };
  List result;
  for (std::size_t i = 0; i < *count; ++i) {
    const Dim condition = at(0, i);
    if (!condition.is_symbolic())
      result.push_back(condition.value != 0 ? at(1, i) : at(2, i));
    else
      result.push_back(at(1, i) == at(2, i) ? at(1, i) : Dim::unknown());
  }
  return result;
}

/// Numbers and dimensions that the node names itself.
Elements named(const SizeInputs& in) {
  const auto list = parse_dims(in.node.text("elements"));
  if (!list) return std::nullopt;
  List result;
  for (const auto& element : *list)
    result.push_back(substituted(element, [&in](const std::string& place) {
      const auto dim = named_place(place);
      if (!dim || dim->input >= in.types.size() || !in.types[dim->input].ranked ||
          dim->axis >= in.types[dim->input].dims.size())
        return Dim::unknown();
      return in.types[dim->input].dims[dim->axis];
    }));
  return result;
}

// Element by element.

using Pair = Dim (*)(const Dim& a, const Dim& b, const SymbolRanges& symbols);

Dim add(const Dim& a, const Dim& b, const SymbolRanges&) { return sum_of(a, b); }
Dim subtract(const Dim& a, const Dim& b, const SymbolRanges&) { return difference_of(a, b); }
Dim multiply(const Dim& a, const Dim& b, const SymbolRanges&) { return product_of(a, b); }

/// ONNX rounds towards zero, which is down where nothing is below zero.
Dim divide(const Dim& a, const Dim& b, const SymbolRanges& symbols) {
  const bool positive = at_most(0, a, symbols) == true && at_most(1, b, symbols) == true;
  return positive ? quotient_of(a, b) : Dim::unknown();
}

Dim least(const Dim& a, const Dim& b, const SymbolRanges& symbols) {
  return lesser_of(a, b, symbols).value_or(Dim::unknown());
}
Dim greatest(const Dim& a, const Dim& b, const SymbolRanges& symbols) {
  return greater_of(a, b, symbols).value_or(Dim::unknown());
}

Dim equal(const Dim& a, const Dim& b, const SymbolRanges& symbols) { return truth(are_equal(a, b, symbols)); }
Dim less_or_equal(const Dim& a, const Dim& b, const SymbolRanges& symbols) {
  return truth(at_most(a, b, symbols));
}
Dim less(const Dim& a, const Dim& b, const SymbolRanges& symbols) {
  const auto not_less = at_most(b, a, symbols);
  return truth(not_less ? std::optional(!*not_less) : std::nullopt);
}
Dim greater(const Dim& a, const Dim& b, const SymbolRanges& symbols) { return less(b, a, symbols); }
Dim greater_or_equal(const Dim& a, const Dim& b, const SymbolRanges& symbols) {
  return less_or_equal(b, a, symbols);
}

Dim both(const Dim& a, const Dim& b, const SymbolRanges&) {
  if (a == Dim(0) || b == Dim(0)) return 0;
  return a == Dim(1) && b == Dim(1) ? Dim(1) : Dim::unknown();
}
Dim either(const Dim& a, const Dim& b, const SymbolRanges&) {
  if (a == Dim(1) || b == Dim(1)) return 1;
  return a == Dim(0) && b == Dim(0) ? Dim(0) : Dim::unknown();
}

template <Pair kPair>
Elements pairwise(const SizeInputs& in) {
  const auto count = count_of(in.outputs[0]);
  if (!count || !input(in, 0) || !input(in, 1)) return std::nullopt;
  const List& a = *input(in, 0);
  const List& b = *input(in, 1);
  List result;
  for (std::size_t i = 0; i < *count; ++i)
    result.push_back(kPair(a.size() == 1 ? a[0] : a.at(i), b.size() == 1 ? b[0] : b.at(i), in.symbols));
  return result;
}

Elements negated(const SizeInputs& in) {
  if (!input(in, 0)) return std::nullopt;
  List result = *input(in, 0);
  for (auto& element : result) element = difference_of(0, element);
  return result;
}

Elements inverted(const SizeInputs& in) {
  if (!input(in, 0)) return std::nullopt;
  List result = *input(in, 0);
  for (auto& element : result)
    element = element.is_symbolic() ? Dim::unknown() : Dim(element.value == 0 ? 1 : 0);
  return result;
}

struct Row {
  std::string_view op;
  Elements (*elements)(const SizeInputs& in);
};

constexpr std::array kRows = {
    Row{"AddAny", pairwise<add>},
    Row{"And", pairwise<both>},
    Row{"Cast", cast},
    Row{"Concat", concat},
    Row{"ConstantOfShape", filled},
    Row{"DivAny", pairwise<divide>},
    Row{"Equal", pairwise<equal>},
    Row{"ExpandAny", expand},
    Row{"Flatten", view},
    Row{"GatherAny", gather},
    Row{"Greater", pairwise<greater>},
    Row{"GreaterOrEqual", pairwise<greater_or_equal>},
    Row{"Identity", view},
    Row{"Less", pairwise<less>},
    Row{"LessOrEqual", pairwise<less_or_equal>},
    Row{"Max", pairwise<greatest>},
    Row{"Min", pairwise<least>},
    Row{"MulAny", pairwise<multiply>},
    Row{"NegAny", negated},
    Row{"Not", inverted},
    Row{"Or", pairwise<either>},
    Row{"ReduceProd", reduced<product_of, 1>},
    Row{"ReduceSumAny", reduced<sum_of, 0>},
    Row{"Reshape", view},
    Row{"ReshapeAny", view},
    Row{"Shape", shape},
    Row{"Size", size},
    Row{"Sizes", named},
    Row{"Slice", slice},
    Row{"Squeeze", view},
    Row{"SubAny", pairwise<subtract>},
    Row{"Unsqueeze", view},
    Row{"WhereAny", where},
};

/// Parts of a list, as long as the outputs are.
std::vector<Elements> split(const SizeInputs& in) {
  std::vector<Elements> result(in.outputs.size());
  if (!input(in, 0)) return result;
  auto next = input(in, 0)->begin();
  for (std::size_t i = 0; i < result.size(); ++i) {
    const auto count = count_of(in.outputs[i]);
    if (!count || input(in, 0)->end() - next < static_cast<std::ptrdiff_t>(*count)) return result;
    result[i] = List(next, next + static_cast<std::ptrdiff_t>(*count));
    next += static_cast<std::ptrdiff_t>(*count);
  }
  return result;
}

/// What an element type of 32 bits or a bool cannot hold is not known.
void keep_within(Dtype dtype, const SymbolRanges& symbols, Elements& elements) {
  if (!elements || dtype == Dtype::i64) return;
  using Limits = std::numeric_limits<std::int32_t>;
  const std::int64_t most = dtype == Dtype::boolean ? 1 : Limits::max();
  const std::int64_t lowest = dtype == Dtype::boolean ? 0 : Limits::min();
  for (auto& element : *elements) {
    const DimRange range = range_of(element, symbols);
    if (range.least < lowest || range.most > most) element = Dim::unknown();
  }
}

template <class Element>
List list_of(const TensorView& view) {
  List result;
  for (std::int64_t i = 0; i < element_count(view.shape); ++i) {
    Element element{};
    std::memcpy(&element, view.data + static_cast<std::size_t>(i) * sizeof element, sizeof element);
    result.emplace_back(static_cast<std::int64_t>(element));
  }
  return result;
}

}  // namespace

std::vector<Elements> size_elements(const SizeInputs& inputs) {
  if (inputs.node.op->name == "Split") return split(inputs);
  std::vector<Elements> result(inputs.outputs.size());
  const auto row = std::ranges::find(kRows, inputs.node.op->name, &Row::op);
  if (row == kRows.end() || result.size() != 1) return result;
  const auto count = count_of(inputs.outputs[0]);
  if (!count || !is_whole(inputs.outputs[0].dtype)) return result;
  result[0] = row->elements(inputs);
  if (result[0] && result[0]->size() != *count) result[0].reset();
  keep_within(inputs.outputs[0].dtype, inputs.symbols, result[0]);
  return result;
}

Elements elements_of(const TensorView& view) {
  if (view.data == nullptr || view.shape.size() > 1) return std::nullopt;
  if (element_count(view.shape) > static_cast<std::int64_t>(kMostElements)) return std::nullopt;
  if (view.dtype == Dtype::i64) return list_of<std::int64_t>(view);
  if (view.dtype == Dtype::i32) return list_of<std::int32_t>(view);
  if (view.dtype == Dtype::boolean) return list_of<std::uint8_t>(view);
  return std::nullopt;
}

std::optional<DimPlace> named_place(std::string_view name) {
  DimPlace place;
  if (!name.starts_with('d')) return std::nullopt;
  const char* end = name.data() + name.size();
  const auto input = std::from_chars(name.data() + 1, end, place.input);
  if (input.ec != std::errc{} || input.ptr == end || *input.ptr != '.') return std::nullopt;
  const auto axis = std::from_chars(input.ptr + 1, end, place.axis);
  if (axis.ec != std::errc{} || axis.ptr != end) return std::nullopt;
  return place;
}

std::string place_name(const DimPlace& place) {
  return "d" + std::to_string(place.input) + "." + std::to_string(place.axis);
}

bool are_numbers(const Elements& elements) {
  return elements && std::ranges::none_of(*elements, &Dim::is_symbolic);
}

bool are_known(const Elements& elements) {
  return elements && std::ranges::none_of(*elements, &Dim::is_unknown);
}

}  // namespace lathe
