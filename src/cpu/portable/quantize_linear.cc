// QuantizeLinear: x / scale + zero, rounded to even and held in the range of the output's type;
// DequantizeLinear: (x - zero) * scale. Scale and zero are one number, one for each index of an axis, or one
// for each block of block_size indexes along it. DynamicQuantizeLinear: u8 with the range that x has.
#include "cpu/portable/small_types.h"

namespace lathe::portable {
namespace {

/// x as [outer, count, inner] around the axis, and where its scales lie.
struct Scales {
  std::int64_t outer = 1;
  std::int64_t count = 1;
  std::int64_t inner = 1;
  std::int64_t blocks = 0;  // along the axis; 0: one for each index
  std::int64_t block = 1;

  explicit Scales(const KernelCall& call) {
    const auto& x = call.inputs[0];
    const auto& scale = call.inputs[1];
    if (element_count(scale) == 1 && (scale.rank < 2 || call.attributes[1].integer == 0)) {
      count = element_count(x);
      block = std::max<std::int64_t>(count, 1);
      blocks = 1;
      return;
    }
    const std::int64_t given = call.attributes[0].integer;
    const std::int64_t axis = given < 0 ? given + x.rank : given;
    for (int i = 0; i < x.rank; ++i) (i < axis ? outer : i == axis ? count : inner) *= x.dims[i];
    if (call.attributes[1].integer == 0) return;
    blocks = scale.dims[axis];
    block = call.attributes[1].integer;
  }

  /// Calls body(first, length, scale, step): elements from `first` on, whose scales are `step` apart.
  template <class Body>
  void for_each_line(const KernelCall& call, Body body) const {
    if (outer == 1 && blocks == 1 && inner == 1) {
      const Share share = share_of(call, count);
      body(share.begin, share.end - share.begin, std::int64_t{0}, std::int64_t{0});
      return;
    }
    const Share share = share_of(call, outer * count);
    for (std::int64_t line = share.begin; line < share.end; ++line) {
      const std::int64_t index = line % count;
      if (blocks == 0)
        body(line * inner, inner, index, std::int64_t{0});
      else
        body(line * inner, inner, (line / count * blocks + index / block) * inner, std::int64_t{1});
    }
  }
};

/// The attribute's dtype, or `otherwise` where it is -1.
Dtype given_dtype(const AttributeValue& attribute, std::int32_t otherwise) {
  return static_cast<Dtype>(attribute.integer < 0 ? otherwise : attribute.integer);
}

void run_quantize(const KernelCall& call) {
  const auto& x = call.inputs[0];
  const auto& scale = call.inputs[1];
  const auto& y = call.outputs[0];
  const bool has_zero = has_input(call, 2);
  const bool saturates = call.attributes[4].integer != 0;
  Dtype precision = given_dtype(call.attributes[3], scale.dtype);
  if (precision == Dtype::f8e8m0) precision = Dtype::f32;
  const WholeRange* range = whole_range(y.dtype);
  const SmallFloat* format = small_float(y.dtype);
  const Scales scales(call);
  scales.for_each_line(
      call, [&](std::int64_t first, std::int64_t length, std::int64_t place, std::int64_t step) {
        for (std::int64_t i = 0; i < length; ++i) {
          const double divisor = in_precision(precision, number_at(scale, place + i * step));
          const double quotient =
              in_precision(precision, in_precision(precision, real_at(x, first + i)) / divisor);
          const double zero = has_zero ? number_at(call.inputs[2], place + i * step) : 0.0;
          if (range != nullptr)
            put_whole(y, first + i, quantized(*range, quotient, zero));
          else
            data_of<std::uint8_t>(y)[first + i] = encode_small(*format, quotient + zero, saturates);
        }
      });
}

void run_dequantize(const KernelCall& call) {
  const auto& y = call.outputs[0];
  const bool has_zero = has_input(call, 2);
  const Scales scales(call);
  scales.for_each_line(
      call, [&](std::int64_t first, std::int64_t length, std::int64_t place, std::int64_t step) {
        for (std::int64_t i = 0; i < length; ++i) {
          const double zero = has_zero ? number_at(call.inputs[2], place + i * step) : 0.0;
          const double value =
              (number_at(call.inputs[0], first + i) - zero) * number_at(call.inputs[1], place + i * step);
          if (y.dtype == static_cast<std::int32_t>(Dtype::f32))
            data_of<float>(y)[first + i] = static_cast<float>(value);
          else if (y.dtype == static_cast<std::int32_t>(Dtype::f16))
            data_of<Half>(y)[first + i] = Half(value);
          else
            data_of<Bfloat>(y)[first + i] = Bfloat(value);
        }
      });
}

/// In float, as ONNX has it: the range holds 0.
void run_dynamic(const KernelCall& call) {
  const auto* x = data_of<const float>(call.inputs[0]);
  const std::int64_t count = element_count(call.inputs[0]);
  float least = 0;
  float most = 0;
  for (std::int64_t i = 0; i < count; ++i) {
    least = std::min(least, x[i]);
    most = std::max(most, x[i]);
  }
  const float scale = (most > least ? most - least : 1.0f) / 255.0f;
  const float zero = std::nearbyint(std::clamp(-least / scale, 0.0f, 255.0f));
  for (std::int64_t i = 0; i < count; ++i)
    put_whole(call.outputs[0], i,
              quantized(*whole_range(call.outputs[0].dtype), static_cast<double>(x[i] / scale),
                        static_cast<double>(zero)));
  data_of<float>(call.outputs[1])[0] = scale;
  put_whole(call.outputs[2], 0, static_cast<double>(zero));
}

/// The rule has checked the types.
bool accepts(const NodeTypes&) { return true; }
bool serial(const KernelCall& call) { return is_small(call.inputs[0], 4096); }
bool always_serial(const KernelCall&) { return true; }

bool is_byte(Dtype dtype) { return dtype == Dtype::i8 || dtype == Dtype::u8; }

bool is_one(const ValueType& type) {
  return type.ranked && (type.dims.empty() || (type.dims.size() == 1 && type.dims[0] == Dim(1)));
}

/// One scale in float32, and one zero point or none.
bool has_one_scale(const NodeTypes& types) {
  return types.inputs[1].dtype == Dtype::f32 && is_one(types.inputs[1]) &&
         (types.inputs.size() < 3 || types.inputs[2].dtype == Dtype::none || is_one(types.inputs[2]));
}

bool gives_bytes(const NodeTypes& types) {
  const auto precision = types.node->integer("precision");
  return types.inputs[0].dtype == Dtype::f32 && is_byte(types.outputs[0].dtype) && has_one_scale(types) &&
         (precision < 0 || precision == static_cast<std::int64_t>(Dtype::f32));
}

bool takes_bytes(const NodeTypes& types) {
  return is_byte(types.inputs[0].dtype) && types.outputs[0].dtype == Dtype::f32 && has_one_scale(types);
}

/// What vectors compute.
Kernel kernel_of_bytes(const char* name, std::string_view op, KernelFunction run,
                       bool (*accepts_bytes)(const NodeTypes&)) {
  return {.name = name,
          .op = op,
          .arithmetic = "any",
          .rank = 1,
          .accepts = accepts_bytes,
          .run = run,
          .serial = serial};
}

Kernel kernel(const char* name, std::string_view op, KernelFunction run,
              bool (*is_serial)(const KernelCall&) = serial) {
  return {.name = name, .op = op, .arithmetic = "any", .accepts = accepts, .run = run, .serial = is_serial};
}

}  // namespace

std::span<const Kernel> quantize_linear_kernels() {
  static const Kernel kKernels[] = {
      kernel("portable.dequantize_linear", "DequantizeLinear", run_dequantize),
      kernel_of_bytes("portable.dequantize_linear.bytes", "DequantizeLinear", run_dequantize, takes_bytes),
      kernel("portable.dynamic_quantize_linear", "DynamicQuantizeLinear", run_dynamic, always_serial),
      kernel("portable.quantize_linear", "QuantizeLinear", run_quantize),
      kernel_of_bytes("portable.quantize_linear.bytes", "QuantizeLinear", run_quantize, gives_bytes),
  };
  return kKernels;
}

}  // namespace lathe::portable
