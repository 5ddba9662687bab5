#include "backend/host_step.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "backend/host_step_image.h"
#include "base/error.h"
#include "tensor/tensor_view.h"

namespace lathe {
namespace {

struct Row {
  std::string_view op;
  HostStepFunction run;
};

constexpr std::array kSteps = {
    Row{"If", run_if},
    Row{"Loop", run_loop},
    Row{"Scan", run_scan},
    Row{"ImageDecoder", run_image_decoder},
    Row{"ConcatFromSequence", run_concat_from_sequence},
    Row{"Optional", run_optional},
    Row{"OptionalGetElement", run_optional_get_element},
    Row{"OptionalHasElement", run_optional_has_element},
    Row{"SequenceAt", run_sequence_at},
    Row{"SequenceConstruct", run_sequence_construct},
    Row{"SequenceEmpty", run_sequence_empty},
    Row{"SequenceErase", run_sequence_erase},
    Row{"SequenceInsert", run_sequence_insert},
    Row{"SequenceLength", run_sequence_length},
    Row{"SequenceMap", run_sequence_map},
    Row{"SplitToSequence", run_split_to_sequence},
    Row{"CastFromString", run_cast_from_string},
    Row{"CastToString", run_cast_to_string},
    Row{"RegexFullMatch", run_regex_full_match},
    Row{"StringConcat", run_string_concat},
    Row{"StringNormalizer", run_string_normalizer},
    Row{"StringSplit", run_string_split},
    Row{"Strings", run_strings},
};

std::uint64_t elements_between(const ValueType& type, std::size_t first, std::size_t last) {
  std::uint64_t count = 1;
  for (std::size_t i = first; i < last; ++i) count *= static_cast<std::uint64_t>(type.dims[i].value);
  return count;
}

}  // namespace

HostStepFunction host_step(const Op& op) {
  const auto found = std::ranges::find(kSteps, op.name, &Row::op);
  return found == kSteps.end() ? nullptr : found->run;
}

std::uint64_t byte_count(const ValueType& type) {
  Shape shape;
  for (const auto& dim : type.dims) shape.push_back(dim.value);
  return dense_bytes(type.dtype, shape);
}

std::int64_t HostStepCall::integer(std::size_t input) const {
  const RunValue& value = inputs_[input];
  const bool one = is_planned(value.type) && elements_between(value.type, 0, value.type.dims.size()) == 1;
  std::int64_t result = 0;
  if (one && value.type.dtype == Dtype::i64) {
    std::memcpy(&result, value.data, sizeof result);
  } else if (one && value.type.dtype == Dtype::i32) {
    std::int32_t element = 0;
    std::memcpy(&element, value.data, sizeof element);
    result = element;
  } else if (one && value.type.dtype == Dtype::boolean) {
    result = std::to_integer<std::int64_t>(*value.data);
  } else {
    fail("input " + std::to_string(input) + " is " + to_string(value.type) +
         ", and must be one whole number");
  }
  return result;
}

RunValue HostStepCall::make_integer(Dtype dtype, std::int64_t value) {
  RunValue result = allocate({dtype, {}});
  if (dtype == Dtype::boolean)
    *result.data = static_cast<std::byte>(value != 0);
  else
    std::memcpy(result.data, &value, sizeof value);
  return result;
}

std::vector<std::string_view> HostStepCall::texts(std::size_t input) const {
  const RunValue& value = inputs_[input];
  CHECK(value.type.dtype == Dtype::string && is_planned(value.type));
  std::vector<std::string_view> result(byte_count(value.type) / sizeof(std::uint64_t));
  for (std::size_t i = 0; i < result.size(); ++i) {
    std::uint64_t number = 0;
    std::memcpy(&number, value.data + i * sizeof number, sizeof number);
    result[i] = text_table().text(number);
  }
  return result;
}

std::uint64_t HostStepCall::number_of(std::string_view text) {
  return text_table().number_of(text, node_.name);
}

void HostStepCall::fail(const std::string& message) const {
  throw Error(ErrorCode::invalid_argument,
              std::string(node_.op->name) + " " + printable(node_.name) + ": " + message);
}

RunValue slice_of(HostStepCall& call, const RunValue& tensor, std::size_t axis, std::int64_t index) {
  ValueType type = tensor.type;
  type.dims.erase(type.dims.begin() + static_cast<std::ptrdiff_t>(axis));
  RunValue result = call.allocate(type);
  const auto count = static_cast<std::uint64_t>(tensor.type.dims[axis].value);
  const auto outer = elements_between(tensor.type, 0, axis);
  const auto bytes =
      elements_between(tensor.type, axis + 1, tensor.type.dims.size()) * info(tensor.type.dtype).block_bytes;
  for (std::uint64_t i = 0; i < outer && bytes > 0; ++i)
    std::memcpy(result.data + i * bytes,
                tensor.data + (i * count + static_cast<std::uint64_t>(index)) * bytes, bytes);
  return result;
}

RunValue stack(HostStepCall& call, std::span<const RunValue> slices, std::size_t axis,
               const ValueType& empty) {
  ValueType slice = slices.empty() ? empty : slices[0].type;
  for (auto& dim : slice.dims)
    if (dim.is_symbolic()) dim = Dim(0);
  for (const auto& each : slices)
    if (each.type != slice)
      call.fail("slices are " + to_string(slice) + " and " + to_string(each.type) + ", which do not stack");
  ValueType type = slice;
  type.ranked = true;
  const std::size_t at = std::min(axis, type.dims.size());
  type.dims.insert(type.dims.begin() + static_cast<std::ptrdiff_t>(at), Dim(slices.size()));
  RunValue result = call.allocate(type);
  const auto outer = elements_between(slice, 0, at);
  const auto bytes = elements_between(slice, at, slice.dims.size()) * info(slice.dtype).block_bytes;
  for (std::uint64_t i = 0; i < outer && bytes > 0; ++i)
    for (std::size_t k = 0; k < slices.size(); ++k)
      std::memcpy(result.data + (i * slices.size() + k) * bytes, slices[k].data + i * bytes, bytes);
  return result;
}

}  // namespace lathe
