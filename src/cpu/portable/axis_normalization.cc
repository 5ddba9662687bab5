// LpNormalizationAny: x / (sum of |x|^p)^(1/p) along the attribute axis, p 1 or 2, and 0 where that is 0.
// MeanVarianceNormalization: (x - mean) / (deviation + 1e-9) over the axes of the attribute, of every float
// type. Sums are taken in double.
#include "cpu/portable/strided.h"
#include "cpu/portable/text_list.h"
#include "cpu/portable/typed.h"

namespace lathe::portable {
namespace {

struct LpNormalization {
  template <class T>
  static void run(const KernelCall& call) {
    const auto& tensor = call.inputs[0];
    const std::int64_t given = call.attributes[0].integer;
    const bool squared = call.attributes[1].integer == 2;
    const auto axis = static_cast<int>(given < 0 ? given + tensor.rank : given);
    std::int64_t inner = 1;
    for (int i = axis + 1; i < tensor.rank; ++i) inner *= tensor.dims[i];
    const std::int64_t count = tensor.dims[axis];
    const Share share = share_of(call, count == 0 ? 0 : element_count(tensor) / count);
    for (std::int64_t row = share.begin; row < share.end; ++row) {
      const std::int64_t offset = row / inner * count * inner + row % inner;
      const T* x = data_of<const T>(tensor) + offset;
      T* y = data_of<T>(call.outputs[0]) + offset;
      double sum = 0;
      for (std::int64_t i = 0; i < count; ++i) {
        const auto value = static_cast<double>(load(x[i * inner]));
        sum += squared ? value * value : std::fabs(value);
      }
      const double norm = squared ? std::sqrt(sum) : sum;
      for (std::int64_t i = 0; i < count; ++i)
        y[i * inner] = static_cast<T>(
            static_cast<Computed<T>>(norm == 0 ? 0.0 : static_cast<double>(load(x[i * inner])) / norm));
    }
  }
};

struct MeanVariance {
  template <class T>
  static void run(const KernelCall& call) {
    const auto& tensor = call.inputs[0];
    const AxisList list = axis_list(call.attributes[0].text, tensor.rank);
    const Strides own = dense_strides(tensor);
    TensorArg reduced{};
    TensorArg kept{};
    std::array<Strides, 1> reduced_strides{};
    std::array<Strides, 1> kept_strides{};
    for (int axis = 0; axis < tensor.rank; ++axis) {
      bool is_reduced = false;
      for (int i = 0; i < list.count; ++i) is_reduced |= list.axes[static_cast<std::size_t>(i)] == axis;
      auto& part = is_reduced ? reduced : kept;
      auto& strides = is_reduced ? reduced_strides[0] : kept_strides[0];
      strides[static_cast<std::size_t>(part.rank)] = own[static_cast<std::size_t>(axis)];
      part.dims[part.rank++] = tensor.dims[axis];
    }
    const std::int64_t count = element_count(reduced);
    const auto each = [&](std::int64_t place, auto body) {
      for_each_run(reduced, reduced_strides, {0, count},
                   [&](std::int64_t, std::int64_t length, const auto& offsets, const auto& steps) {
                     for (std::int64_t k = 0; k < length; ++k) body(place + offsets[0] + k * steps[0]);
                   });
    };
    const auto normalize = [&](std::int64_t place) {
      const auto* x = data_of<const T>(tensor);
      double mean = 0;
      each(place, [&](std::int64_t i) { mean += static_cast<double>(load(x[i])); });
      mean /= static_cast<double>(count);
      double squares = 0;
      each(place, [&](std::int64_t i) {
        const double difference = static_cast<double>(load(x[i])) - mean;
        squares += difference * difference;
      });
      const double deviation = std::sqrt(squares / static_cast<double>(count)) + 1e-9;
      each(place, [&](std::int64_t i) {
        const double value = (static_cast<double>(load(x[i])) - mean) / deviation;
        data_of<T>(call.outputs[0])[i] = static_cast<T>(static_cast<Computed<T>>(value));
      });
    };
    for_each_run(kept, kept_strides, share_of(call, count == 0 ? 0 : element_count(kept)),
                 [&](std::int64_t, std::int64_t length, const auto& offsets, const auto& steps) {
                   for (std::int64_t k = 0; k < length; ++k) normalize(offsets[0] + k * steps[0]);
                 });
  }
};

bool serial(const KernelCall& call) { return is_small(call.inputs[0], 8192); }

template <class Operation>
Kernel kernel(const char* name, std::string_view op) {
  using Function = Typed<Operation, FloatTypes>;
  return {.name = name,
          .op = op,
          .arithmetic = "any",
          .accepts = Function::accepts,
          .run = Function::run,
          .serial = serial};
}

}  // namespace

std::span<const Kernel> axis_normalization_kernels() {
  static const Kernel kKernels[] = {
      kernel<LpNormalization>("portable.lp_normalization_any", "LpNormalizationAny"),
      kernel<MeanVariance>("portable.mean_variance_normalization", "MeanVarianceNormalization"),
  };
  return kKernels;
}

}  // namespace lathe::portable
