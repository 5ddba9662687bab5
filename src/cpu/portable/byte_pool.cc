// MaxPool of bytes on one or two axes, without indices; byte_pool.h says how. Others: max_pool.cc.
#include "cpu/byte_pool.h"

#include <limits>

#include "cpu/portable/typed.h"

namespace lathe::portable {
namespace {

/// A vector of one byte.
template <class Byte>
struct Single {
  static constexpr std::int64_t kBytes = 1;
  Byte value;

  static Single least() { return {std::numeric_limits<Byte>::lowest()}; }
  static Single load(const std::uint8_t* source) { return {static_cast<Byte>(*source)}; }
  static Single load_first(const std::uint8_t* source, std::int64_t) { return load(source); }
  void store(std::uint8_t* target) const { *target = static_cast<std::uint8_t>(value); }
  void store_first(std::uint8_t* target, std::int64_t) const { store(target); }
  friend Single greater(const Single& a, const Single& b) { return a.value > b.value ? a : b; }
};

template <Dtype dtype>
bool accepts(const NodeTypes& types) {
  constexpr std::size_t kMostDims = 4;
  const ValueType& x = types.inputs[0];
  return x.dtype == dtype && x.ranked && x.dims.size() <= kMostDims && types.outputs.size() == 1;
}

bool serial(const KernelCall& call) { return is_small(call.inputs[0], 16384); }

template <class Byte, Dtype dtype>
Kernel kernel(const char* name) {
  return {.name = name,
          .op = "MaxPool",
          .arithmetic = "f32",
          .rank = 1,
          .accepts = accepts<dtype>,
          .run = byte_pool::run<Single<Byte>>,
          .scratch_bytes = byte_pool::scratch_bytes,
          .serial = serial};
}

}  // namespace

std::span<const Kernel> byte_pool_kernels() {
  static const Kernel kKernels[] = {kernel<std::int8_t, Dtype::i8>("portable.byte_pool.i8"),
                                    kernel<std::uint8_t, Dtype::u8>("portable.byte_pool.u8")};
  return kKernels;
}

}  // namespace lathe::portable
