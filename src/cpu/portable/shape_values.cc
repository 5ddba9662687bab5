// What comes from dimensions and numbers alone: Shape(x; start, end) and Size(x), Sizes(inputs; elements),
// ConstantOfShape(shape, value), Range(start, limit, delta).
#include <algorithm>

#include "cpu/portable/element_visit.h"
#include "graph/size_elements.h"
#include "graph/slice_range.h"
#include "graph/text_lists.h"

namespace lathe::portable {
namespace {

void run_shape(const KernelCall& call) {
  const auto& x = call.inputs[0];
  const auto range = slice_range(x.rank, call.attributes[0].integer, call.attributes[1].integer, 1);
  std::copy_n(x.dims + range.start, range.count, data_of<std::int64_t>(call.outputs[0]));
}

void run_size(const KernelCall& call) {
  *data_of<std::int64_t>(call.outputs[0]) = element_count(call.inputs[0]);
}

/// A number that does not fit its type is a fault: tensors of such sizes there are none.
void run_sizes(const KernelCall& call) {
  const auto elements = parse_dims(call.attributes[0].text);
  const auto dim = [&call](const std::string& name) -> std::optional<std::int64_t> {
    const auto place = named_place(name);
    if (!place || place->input >= static_cast<std::size_t>(call.input_count)) return std::nullopt;
    const TensorArg& input = call.inputs[place->input];
    if (place->axis >= static_cast<std::size_t>(input.rank)) return std::nullopt;
    return input.dims[place->axis];
  };
  const auto dtype = static_cast<Dtype>(call.outputs[0].dtype);
  for (std::int64_t i = 0; i < element_count(call.outputs[0]); ++i) {
    const auto found = number_of(elements->at(static_cast<std::size_t>(i)), dim);
    const std::int64_t number = found.value_or(0);
    bool fits = found.has_value();
    if (dtype == Dtype::i64) {
      data_of<std::int64_t>(call.outputs[0])[i] = number;
    } else if (dtype == Dtype::i32) {
      data_of<std::int32_t>(call.outputs[0])[i] = static_cast<std::int32_t>(number);
      fits = fits && number == static_cast<std::int32_t>(number);
    } else {
      data_of<std::uint8_t>(call.outputs[0])[i] = number != 0 ? 1 : 0;
    }
    if (!fits && call.fault != nullptr) *call.fault = 1;
  }
}

void run_constant(const KernelCall& call) {
  const Share share = share_of(call, element_count(call.outputs[0]));
  visit_bytes(call.outputs[0], [&](auto element) {
    using Element = decltype(element);
    std::fill(data_of<Element>(call.outputs[0]) + share.begin, data_of<Element>(call.outputs[0]) + share.end,
              *data_of<const Element>(call.inputs[1]));
  });
}

void run_range(const KernelCall& call) {
  const std::int64_t count = element_count(call.outputs[0]);
  visit_number(call.outputs[0], [&]<class Format>(Format) {
    using Value = typename Format::Value;
    const auto* start = data_of<const typename Format::Stored>(call.inputs[0]);
    const auto* delta = data_of<const typename Format::Stored>(call.inputs[2]);
    auto* y = data_of<typename Format::Stored>(call.outputs[0]);
    const Value first = Format::load(*start);
    const Value step = Format::load(*delta);
    for (std::int64_t i = 0; i < count; ++i) {
      if constexpr (std::is_integral_v<Value>)
        y[i] = static_cast<Value>(static_cast<std::uint64_t>(first) +
                                  static_cast<std::uint64_t>(i) * static_cast<std::uint64_t>(step));
      else
        y[i] = Format::store(first + static_cast<Value>(i) * step);
    }
  });
}

bool accepts_any(const NodeTypes&) { return true; }
bool accepts_constant(const NodeTypes& types) { return is_element(types.outputs[0].dtype); }
bool always_serial(const KernelCall&) { return true; }

Kernel kernel(const char* name, std::string_view op, bool (*accepts)(const NodeTypes&), KernelFunction run,
              bool (*serial)(const KernelCall&) = always_serial) {
  return {.name = name, .op = op, .arithmetic = "exact", .accepts = accepts, .run = run, .serial = serial};
}

}  // namespace

std::span<const Kernel> shape_values_kernels() {
  static const Kernel kKernels[] = {
      kernel("portable.shape", "Shape", accepts_any, run_shape),
      kernel("portable.size", "Size", accepts_any, run_size),
      kernel("portable.sizes", "Sizes", accepts_any, run_sizes),
      kernel("portable.constant_of_shape", "ConstantOfShape", accepts_constant, run_constant, few_elements),
      kernel("portable.range", "Range", accepts_numbers, run_range),
  };
  return kKernels;
}

}  // namespace lathe::portable
