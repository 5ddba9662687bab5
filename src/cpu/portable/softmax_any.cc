// SoftmaxAny and LogSoftmaxAny: along the attribute axis, or where flatten is set over it and all behind it,
// of every float type; exponentials are summed in double. Softmax rounds exponentials and their sum to the type,
// as the function that defines it in ONNX does. The output may be x.
#include "cpu/portable/typed.h"

namespace lathe::portable {
namespace {

template <bool logarithm>
struct Softmax {
  template <class T>
  static void run_row(const T* x, T* y, std::int64_t count, std::int64_t step) {
    using Value = Computed<T>;
    Value greatest = -std::numeric_limits<Value>::infinity();
    for (std::int64_t i = 0; i < count; ++i) greatest = std::max(greatest, load(x[i * step]));
    const auto exponential = [&](std::int64_t i) {
      const Value value = std::exp(load(x[i * step]) - greatest);
      return logarithm ? value : load(static_cast<T>(value));
    };
    double sum = 0;
    for (std::int64_t i = 0; i < count; ++i) sum += static_cast<double>(exponential(i));
    const double log_sum = logarithm ? std::log(sum) : 0.0;
    const Value divisor = load(static_cast<T>(static_cast<Value>(sum)));
    for (std::int64_t i = 0; i < count; ++i) {
      const Value shifted = load(x[i * step]) - greatest;
      const Value value =
          logarithm ? static_cast<Value>(static_cast<double>(shifted) - log_sum) : exponential(i) / divisor;
      y[i * step] = static_cast<T>(value);
    }
  }

  template <class T>
  static void run(const KernelCall& call) {
    const auto& tensor = call.inputs[0];
    const std::int64_t given = call.attributes[0].integer;
    const auto axis = static_cast<int>(given < 0 ? given + tensor.rank : given);
    const bool flatten = call.attributes[1].integer != 0;
    std::int64_t inner = 1;
    std::int64_t count = axis < tensor.rank ? tensor.dims[axis] : 1;
    for (int i = axis + 1; i < tensor.rank; ++i) (flatten ? count : inner) *= tensor.dims[i];
    const Share share = share_of(call, count == 0 ? 0 : element_count(tensor) / count);
    for (std::int64_t i = share.begin; i < share.end; ++i) {
      const std::int64_t offset = i / inner * count * inner + i % inner;
      run_row(data_of<const T>(tensor) + offset, data_of<T>(call.outputs[0]) + offset, count, inner);
    }
  }
};

bool serial(const KernelCall& call) { return is_small(call.inputs[0], 8192); }

template <bool logarithm>
Kernel kernel(const char* name, std::string_view op) {
  using Function = Typed<Softmax<logarithm>, FloatTypes>;
  return {.name = name,
          .op = op,
          .arithmetic = "any",
          .accepts = Function::accepts,
          .run = Function::run,
          .serial = serial,
          .in_place_input = 0};
}

}  // namespace

std::span<const Kernel> softmax_any_kernels() {
  static const Kernel kKernels[] = {kernel<false>("portable.softmax_any", "SoftmaxAny"),
                                    kernel<true>("portable.log_softmax_any", "LogSoftmaxAny")};
  return kKernels;
}

}  // namespace lathe::portable
