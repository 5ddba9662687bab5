// ScatterElements and ScatterND(data, indices, updates; reduction), TensorScatter(cache, update, indices;
// mode, axis): a copy of the data with updates where indices say, one after the other. An index out of range
// is a fault, and its update is left out.
#include <cmath>
#include <cstring>

#include "cpu/portable/element_visit.h"
#include "cpu/portable/strided.h"

namespace lathe::portable {
namespace {

void copy_data(const KernelCall& call) {
  const auto& data = call.inputs[0];
  std::memcpy(call.outputs[0].data, data.data,
              static_cast<std::size_t>(element_count(data) * element_bytes(data)));
}

template <class Value>
Value sum(Value a, Value b) {
  return wrapping_sum(a, b);
}
template <class Value>
Value times(Value a, Value b) {
  return wrapping_product(a, b);
}
/// NaN where one of the two is.
template <class Value>
Value greatest(Value a, Value b) {
  return is_nan(a) || a > b ? a : b;
}
template <class Value>
Value least(Value a, Value b) {
  return is_nan(a) || a < b ? a : b;
}

/// Calls body with a function (target, update) of pointers to elements.
template <class Body>
void with_reduction(const TensorArg& data, const char* reduction, Body body) {
  if (*reduction == '\0' || std::strcmp(reduction, "none") == 0)
    return visit_bytes(data, [&]<class Element>(Element) {
      body([](Element* target, const Element* update) { *target = *update; }, Element{});
    });
  visit_number(data, [&]<class Format>(Format) {
    using Stored = typename Format::Stored;
    using Value = typename Format::Value;
    const bool is_bool = static_cast<Dtype>(data.dtype) == Dtype::boolean;
    const auto reduce = [&](Value (*join)(Value, Value)) {
      body(
          [join, is_bool](Stored* target, const Stored* update) {
            const Value joined = join(Format::load(*target), Format::load(*update));
            *target = is_bool ? static_cast<Stored>(joined != Value{}) : Format::store(joined);
          },
          Stored{});
    };
    if (std::strcmp(reduction, "add") == 0) reduce(sum<Value>);
    if (std::strcmp(reduction, "mul") == 0) reduce(times<Value>);
    if (std::strcmp(reduction, "max") == 0) reduce(greatest<Value>);
    if (std::strcmp(reduction, "min") == 0) reduce(least<Value>);
  });
}

void run_elements(const KernelCall& call) {
  const auto& data = call.inputs[0];
  const auto& indices = call.inputs[1];
  const int axis = axis_of(call.attributes[0].integer, data.rank);
  copy_data(call);
  const Strides own = dense_strides(data);
  const std::int64_t step = own[static_cast<std::size_t>(axis)];
  const Strides update_strides = dense_strides(call.inputs[2]);
  std::array<Strides, 2> strides = {own, update_strides};
  strides[0][static_cast<std::size_t>(axis)] = 0;
  with_reduction(data, call.attributes[1].text, [&](auto put, auto element) {
    auto* y = data_of<decltype(element)>(call.outputs[0]);
    const auto* updates = data_of<const decltype(element)>(call.inputs[2]);
    for_each_run(indices, strides, {0, element_count(indices)},
                 [&](std::int64_t i, std::int64_t length, const auto& offsets, const auto& steps) {
                   for (std::int64_t k = 0; k < length; ++k) {
                     const auto [index, ok] =
                         checked_index(call, integer_at(indices, i + k), data.dims[axis]);
                     if (ok)
                       put(y + offsets[0] + k * steps[0] + index * step, updates + offsets[1] + k * steps[1]);
                   }
                 });
  });
}

void run_nd(const KernelCall& call) {
  const auto& data = call.inputs[0];
  const auto& indices = call.inputs[1];
  copy_data(call);
  const int named = static_cast<int>(column_count(indices));
  const std::int64_t run = product(data, named, data.rank);
  const std::int64_t rows = row_count(indices);
  with_reduction(data, call.attributes[0].text, [&](auto put, auto element) {
    auto* y = data_of<decltype(element)>(call.outputs[0]);
    const auto* updates = data_of<const decltype(element)>(call.inputs[2]);
    for (std::int64_t i = 0; i < rows; ++i) {
      std::int64_t place = 0;
      bool all_ok = true;
      for (int axis = 0; axis < named; ++axis) {
        const auto [index, ok] = checked_index(call, integer_at(indices, i * named + axis), data.dims[axis]);
        place = place * data.dims[axis] + index;
        all_ok = all_ok && ok;
      }
      for (std::int64_t k = 0; all_ok && k < run; ++k) put(y + place * run + k, updates + i * run + k);
    }
  });
}

void run_tensor(const KernelCall& call) {
  const auto& cache = call.inputs[0];
  const auto& update = call.inputs[1];
  const bool circular = std::strcmp(call.attributes[0].text, "circular") == 0;
  const int axis = axis_of(call.attributes[1].integer, cache.rank);
  copy_data(call);
  const std::int64_t run = product(cache, axis + 1, cache.rank) * element_bytes(cache);
  const std::int64_t rows = product(cache, 1, axis);  // of a batch
  const std::int64_t places = cache.dims[axis];
  for (std::int64_t row = 0; row < cache.dims[0] * rows; ++row) {
    const std::int64_t first = has_input(call, 2) ? integer_at(call.inputs[2], row / rows) : 0;
    for (std::int64_t i = 0; i < update.dims[axis]; ++i) {
      // a number so far off that adding to it could overflow is no place either
      const std::int64_t place = circular ? (first % places + i + places) % places
                                          : (first >= 0 && first <= places ? first + i : places);
      if (place >= places) {
        if (call.fault != nullptr) *call.fault = 1;
        continue;
      }
      std::memcpy(data_of<std::byte>(call.outputs[0]) + (row * places + place) * run,
                  data_of<const std::byte>(update) + (row * update.dims[axis] + i) * run,
                  static_cast<std::size_t>(run));
    }
  }
}

/// Types that are added or compared are those that visit_number() knows, and whole bytes.
bool accepts_reduced(const NodeTypes& types) {
  if (!accepts_elements(types)) return false;
  const auto& reduction = types.node->text("reduction");
  return reduction.empty() || reduction == "none" ||
         (has_format(types.inputs[0].dtype) && types.inputs[0].dtype < Dtype::i4);
}

bool serial(const KernelCall&) { return true; }  // updates of one place keep their order

Kernel kernel(const char* name, std::string_view op, bool (*accepts)(const NodeTypes&), KernelFunction run) {
  return {.name = name, .op = op, .arithmetic = "exact", .accepts = accepts, .run = run, .serial = serial};
}

}  // namespace

std::span<const Kernel> scatter_kernels() {
  static const Kernel kKernels[] = {
      kernel("portable.scatter_elements", "ScatterElements", accepts_reduced, run_elements),
      kernel("portable.scatter_nd", "ScatterND", accepts_reduced, run_nd),
      kernel("portable.tensor_scatter", "TensorScatter", accepts_elements, run_tensor),
  };
  return kKernels;
}

}  // namespace lathe::portable
