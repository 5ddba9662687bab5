// LayerNormalizationAny and RMSNormalizationAny: over the axes from the attribute axis on, of every float
// type; scale and bias broadcast to x. Outputs 1 and 2 of LayerNormalizationAny are the means and the
// reciprocal deviations. Sums are taken in double.
#include "cpu/portable/strided.h"
#include "cpu/portable/typed.h"

namespace lathe::portable {
namespace {

struct Rows {
  std::int64_t count;
  std::int64_t columns;
};

Rows rows_of(const KernelCall& call) {
  const auto& x = call.inputs[0];
  const std::int64_t given = call.attributes[0].integer;
  const std::int64_t axis = given < 0 ? given + x.rank : given;
  Rows rows{1, 1};
  for (int i = 0; i < x.rank; ++i) (i < axis ? rows.count : rows.columns) *= x.dims[i];
  return rows;
}

void put_real(const TensorArg& tensor, std::int64_t index, double value) {
  if (tensor.dtype == static_cast<std::int32_t>(Dtype::f64)) data_of<double>(tensor)[index] = value;
  if (tensor.dtype == static_cast<std::int32_t>(Dtype::f32))
    data_of<float>(tensor)[index] = static_cast<float>(value);
  if (tensor.dtype == static_cast<std::int32_t>(Dtype::f16)) data_of<Half>(tensor)[index] = Half(value);
  if (tensor.dtype == static_cast<std::int32_t>(Dtype::bf16)) data_of<Bfloat>(tensor)[index] = Bfloat(value);
}

/// Reads scale or bias beside x; the common types without a look at the dtype for each element.
class Parameter {
 public:
  Parameter(const KernelCall& call, int input)
      : given_(has_input(call, input)), tensor_(given_ ? call.inputs[input] : TensorArg{}) {
    is_f32_ = tensor_.dtype == static_cast<std::int32_t>(Dtype::f32);
    if (given_) strides_ = broadcast_strides(tensor_, call.inputs[0]);
  }
  bool given() const { return given_; }
  const Strides& strides() const { return strides_; }
  double at(std::int64_t index) const {
    return is_f32_ ? static_cast<double>(data_of<const float>(tensor_)[index]) : real_at(tensor_, index);
  }

 private:
  bool given_;
  bool is_f32_ = false;
  TensorArg tensor_;
  Strides strides_{};
};

struct Moments {
  double mean;
  double reciprocal;
};

template <bool centered, class T>
Moments moments_of(const T* x, std::int64_t columns, double epsilon) {
  double mean = 0;
  if (centered) {
    for (std::int64_t i = 0; i < columns; ++i) mean += static_cast<double>(load(x[i]));
    mean /= static_cast<double>(columns);
  }
  double squares = 0;
  for (std::int64_t i = 0; i < columns; ++i) {
    const double difference = static_cast<double>(load(x[i])) - mean;
    squares += difference * difference;
  }
  return {mean, 1.0 / std::sqrt(squares / static_cast<double>(columns) + epsilon)};
}

template <bool centered>
struct Normalize {
  template <class T>
  static void run(const KernelCall& call) {
    const auto* x = data_of<const T>(call.inputs[0]);
    const auto& y = call.outputs[0];
    const Rows rows = rows_of(call);
    const Parameter scale(call, 1);
    const Parameter bias(call, 2);
    const double epsilon = call.attributes[1].real;
    const std::int64_t outputs = centered ? call.attributes[3].integer : 1;
    const std::array strides = {scale.strides(), bias.strides()};
    const Share share = share_of(call, rows.columns == 0 ? 0 : rows.count);
    for (std::int64_t row = share.begin; row < share.end; ++row) {
      const Moments moments = moments_of<centered>(x + row * rows.columns, rows.columns, epsilon);
      if (outputs > 1) put_real(call.outputs[1], row, moments.mean);
      if (outputs > 2) put_real(call.outputs[2], row, moments.reciprocal);
      for_each_run(call.inputs[0], strides, {row * rows.columns, (row + 1) * rows.columns},
                   [&](std::int64_t i, std::int64_t length, const auto& offsets, const auto& steps) {
                     for (std::int64_t k = 0; k < length; ++k) {
                       // The normalized row is an element of T before it is scaled.
                       const auto normal = static_cast<double>(rounded<T>(static_cast<Computed<T>>(
                           (static_cast<double>(load(x[i + k])) - moments.mean) * moments.reciprocal)));
                       double value = normal * scale.at(offsets[0] + k * steps[0]);
                       if (bias.given()) value += bias.at(offsets[1] + k * steps[1]);
                       put_real(y, i + k, value);
                     }
                   });
    }
  }
};

bool serial(const KernelCall& call) { return is_small(call.inputs[0], 4096); }

template <bool centered>
Kernel kernel(const char* name, std::string_view op) {
  using Function = Typed<Normalize<centered>, FloatTypes>;
  return {.name = name,
          .op = op,
          .arithmetic = "any",
          .accepts = Function::accepts,
          .run = Function::run,
          .serial = serial};
}

}  // namespace

std::span<const Kernel> normalization_any_kernels() {
  static const Kernel kKernels[] = {
      kernel<true>("portable.layer_normalization_any", "LayerNormalizationAny"),
      kernel<false>("portable.rms_normalization_any", "RMSNormalizationAny"),
  };
  return kKernels;
}

}  // namespace lathe::portable
