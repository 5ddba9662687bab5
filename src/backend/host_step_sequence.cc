// Steps on sequences and optionals: tensors are handed on, and copied where they are split or joined.
#include <algorithm>
#include <cstring>

#include "backend/host_step.h"

namespace lathe {
namespace {

using Values = std::vector<RunValue>;

RunValue container(Dtype dtype, Container kind, Values elements = {}) {
  RunValue value;
  value.type = {dtype, {}, false, kind};
  value.elements = std::move(elements);
  return value;
}

/// An index into `count` places, counted from the back where negative.
std::size_t position(HostStepCall& call, std::size_t input, std::size_t count) {
  const auto places = static_cast<std::int64_t>(count);
  const std::int64_t given = call.integer(input);
  if (given < -places || given >= places)
    call.fail("the position " + std::to_string(given) + " is none of " + std::to_string(places));
  return static_cast<std::size_t>(given < 0 ? given + places : given);
}

std::size_t axis_of(HostStepCall& call, std::size_t rank) {
  const std::int64_t given = call.node().integer("axis");
  const auto axes = static_cast<std::int64_t>(rank);
  if (given < -axes || given >= axes)
    call.fail("the axis " + std::to_string(given) + " is none of " + std::to_string(rank));
  return static_cast<std::size_t>(given < 0 ? given + axes : given);
}

/// Bytes from one index of the axis to the next, and how many such runs there are.
struct Runs {
  std::uint64_t outer = 1;
  std::uint64_t bytes = 1;
  Runs(const ValueType& type, std::size_t axis) {
    for (std::size_t i = 0; i < axis; ++i) outer *= static_cast<std::uint64_t>(type.dims[i].value);
    for (std::size_t i = axis + 1; i < type.dims.size(); ++i)
      bytes *= static_cast<std::uint64_t>(type.dims[i].value);
    bytes *= info(type.dtype).block_bytes;
  }
};

/// The part [first, first + count) of a tensor along an axis.
RunValue part_of(HostStepCall& call, const RunValue& tensor, std::size_t axis, std::int64_t first,
                 std::int64_t count) {
  ValueType type = tensor.type;
  type.dims[axis] = Dim(count);
  RunValue result = call.allocate(type);
  const Runs runs(type, axis);
  const auto all = static_cast<std::uint64_t>(tensor.type.dims[axis].value) * runs.bytes;
  const auto taken = static_cast<std::uint64_t>(count) * runs.bytes;
  for (std::uint64_t i = 0; i < runs.outer && taken > 0; ++i)
    std::memcpy(result.data + i * taken,
                tensor.data + i * all + static_cast<std::uint64_t>(first) * runs.bytes, taken);
  return result;
}

std::vector<std::int64_t> elements_of(HostStepCall& call, const RunValue& list) {
  const std::size_t width = info(list.type.dtype).block_bytes;
  std::vector<std::int64_t> result(byte_count(list.type) / width);
  for (std::size_t i = 0; i < result.size(); ++i) {
    std::int32_t half = 0;
    if (width == sizeof half) {
      std::memcpy(&half, list.data + i * width, sizeof half);
      result[i] = half;
    } else {
      std::memcpy(&result[i], list.data + i * width, sizeof(std::int64_t));
    }
    if (result[i] < 0) call.fail("a part of " + std::to_string(result[i]) + " elements");
  }
  return result;
}

/// The parts' lengths along an axis of `length` elements.
std::vector<std::int64_t> parts(HostStepCall& call, std::int64_t length) {
  if (!call.has(1)) return std::vector<std::int64_t>(static_cast<std::size_t>(length), 1);
  auto given = elements_of(call, call.inputs()[1]);
  std::int64_t sum = 0;
  if (!call.inputs()[1].type.dims.empty()) {
    for (const auto each : given) sum += each;
    if (sum != length)
      call.fail("the parts have " + std::to_string(sum) + " elements, the axis " + std::to_string(length));
    return given;
  }
  if (given[0] == 0) call.fail("parts of no elements");
  std::vector<std::int64_t> result;
  for (; sum < length; sum += result.back()) result.push_back(std::min(given[0], length - sum));
  return result;
}

}  // namespace

std::vector<RunValue> run_sequence_empty(HostStepCall& call) {
  return {container(*dtype_named(call.node().text("dtype")), Container::sequence)};
}

std::vector<RunValue> run_sequence_construct(HostStepCall& call) {
  return {container(call.inputs()[0].type.dtype, Container::sequence,
                    Values(call.inputs().begin(), call.inputs().end()))};
}

std::vector<RunValue> run_sequence_insert(HostStepCall& call) {
  RunValue result = call.inputs()[0];
  const std::size_t count = result.elements.size();
  std::size_t at = count;
  if (call.has(2)) {
    const std::int64_t given = call.integer(2);
    at = given == static_cast<std::int64_t>(count) ? count : position(call, 2, count);
  }
  result.elements.insert(result.elements.begin() + static_cast<std::ptrdiff_t>(at), call.inputs()[1]);
  return {std::move(result)};
}

std::vector<RunValue> run_sequence_erase(HostStepCall& call) {
  RunValue result = call.inputs()[0];
  if (result.elements.empty()) call.fail("nothing can be taken from an empty sequence");
  const std::size_t at = call.has(1) ? position(call, 1, result.elements.size()) : result.elements.size() - 1;
  result.elements.erase(result.elements.begin() + static_cast<std::ptrdiff_t>(at));
  return {std::move(result)};
}

std::vector<RunValue> run_sequence_at(HostStepCall& call) {
  const auto& elements = call.inputs()[0].elements;
  return {elements[position(call, 1, elements.size())]};
}

std::vector<RunValue> run_sequence_length(HostStepCall& call) {
  return {call.make_integer(Dtype::i64, std::ssize(call.inputs()[0].elements))};
}

std::vector<RunValue> run_sequence_map(HostStepCall& call) {
  const std::size_t count = call.inputs()[0].elements.size();
  const Graph& body = *call.node().bodies[0];
  Values results;
  for (const auto output : body.outputs)
    results.push_back(container(body.value(output).type.dtype, Container::sequence));
  for (std::size_t i = 0; i < count; ++i) {
    Values inputs;
    for (const auto& input : call.inputs()) {
      const bool list = input.type.container == Container::sequence;
      if (list && input.elements.size() != count) call.fail("its sequences have different lengths");
      inputs.push_back(list ? input.elements[i] : input);
    }
    auto outputs = call.run_body(0, std::move(inputs));
    for (std::size_t k = 0; k < outputs.size(); ++k) results[k].elements.push_back(std::move(outputs[k]));
  }
  return results;
}

std::vector<RunValue> run_split_to_sequence(HostStepCall& call) {
  const RunValue& tensor = call.inputs()[0];
  const std::size_t axis = axis_of(call, tensor.type.dims.size());
  const bool keep = call.has(1) || call.node().integer("keepdims") == 1;
  RunValue result = container(tensor.type.dtype, Container::sequence);
  std::int64_t first = 0;
  for (const auto count : parts(call, tensor.type.dims[axis].value)) {
    result.elements.push_back(keep ? part_of(call, tensor, axis, first, count)
                                   : slice_of(call, tensor, axis, first));
    first += count;
  }
  return {std::move(result)};
}

std::vector<RunValue> run_concat_from_sequence(HostStepCall& call) {
  const auto& elements = call.inputs()[0].elements;
  if (elements.empty()) call.fail("an empty sequence cannot be joined");
  const std::size_t rank = elements[0].type.dims.size();
  if (call.node().integer("new_axis") == 1)
    return {stack(call, elements, axis_of(call, rank + 1), elements[0].type)};
  const std::size_t axis = axis_of(call, rank);
  ValueType type = elements[0].type;
  std::int64_t length = 0;
  for (const auto& element : elements) {
    ValueType other = element.type;
    if (other.dims.size() != rank) call.fail("its tensors have different numbers of dimensions");
    length += other.dims[axis].value;
    other.dims[axis] = type.dims[axis];
    if (other != type) call.fail("its tensors differ outside of the axis");
  }
  type.dims[axis] = Dim(length);
  RunValue result = call.allocate(type);
  const Runs runs(type, axis);
  const auto all = static_cast<std::uint64_t>(length) * runs.bytes;
  std::uint64_t at = 0;
  for (const auto& element : elements) {
    const auto bytes = static_cast<std::uint64_t>(element.type.dims[axis].value) * runs.bytes;
    for (std::uint64_t i = 0; i < runs.outer && bytes > 0; ++i)
      std::memcpy(result.data + i * all + at, element.data + i * bytes, bytes);
    at += bytes;
  }
  return {std::move(result)};
}

std::vector<RunValue> run_optional(HostStepCall& call) {
  if (!call.has(0)) {
    const bool list = call.node().integer("sequence") == 1;
    return {container(*dtype_named(call.node().text("dtype")),
                      list ? Container::optional_sequence : Container::optional)};
  }
  const RunValue& element = call.inputs()[0];
  const bool list = element.type.container == Container::sequence;
  return {
      container(element.type.dtype, list ? Container::optional_sequence : Container::optional, {element})};
}

std::vector<RunValue> run_optional_get_element(HostStepCall& call) {
  const RunValue& value = call.inputs()[0];
  if (value.type.container == Container::tensor || value.type.container == Container::sequence)
    return {value};
  if (!value.is_there()) call.fail("there is nothing in it");
  return {value.elements[0]};
}

std::vector<RunValue> run_optional_has_element(HostStepCall& call) {
  bool there = call.has(0);
  if (there) {
    const RunValue& value = call.inputs()[0];
    const bool may_lack =
        value.type.container == Container::optional || value.type.container == Container::optional_sequence;
    there = !may_lack || value.is_there();
  }
  return {call.make_integer(Dtype::boolean, there ? 1 : 0)};
}

}  // namespace lathe
