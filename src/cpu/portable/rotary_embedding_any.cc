// RotaryEmbeddingAny: x [batch, heads, rows, columns] or [batch, rows, heads * columns], of which the first
// rotary_embedding_dim columns of each head are turned (0: all), pairs half a head apart or side by side
// (interleaved). Cosines and sines are [batch, rows, pairs], or [positions, pairs] with position ids [batch,
// rows].
#include "cpu/portable/typed.h"

namespace lathe::portable {
namespace {

struct Rotate {
  template <class T>
  static void run(const KernelCall& call) {
    const auto& x = call.inputs[0];
    const bool flat = x.rank == 3;
    const std::int64_t heads = flat ? call.attributes[1].integer : x.dims[1];
    const std::int64_t rows = x.dims[flat ? 1 : 2];
    const std::int64_t columns = flat ? x.dims[2] / heads : x.dims[3];
    const std::int64_t pairs = column_count(call.inputs[1]);
    const std::int64_t positions = call.inputs[1].dims[0];
    const bool by_position = has_input(call, 3);
    const Share share = share_of(call, columns == 0 ? 0 : element_count(x) / columns);
    for (std::int64_t i = share.begin; i < share.end; ++i) {
      const std::int64_t batch = i / (heads * rows);
      const std::int64_t row = flat ? i / heads % rows : i % rows;
      std::int64_t place = batch * rows + row;
      if (by_position) {
        place = integer_at(call.inputs[3], place);
        if (place < 0) place += positions;
        if (place < 0 || place >= positions) {
          if (call.fault != nullptr) *call.fault = 1;
          if (positions == 0) return;
          place = 0;
        }
      }
      turn(data_of<const T>(x) + i * columns, data_of<const T>(call.inputs[1]) + place * pairs,
           data_of<const T>(call.inputs[2]) + place * pairs, data_of<T>(call.outputs[0]) + i * columns, pairs,
           columns, call.attributes[0].integer != 0);
    }
  }

  template <class T>
  static void turn(const T* x, const T* cosines, const T* sines, T* y, std::int64_t pairs,
                   std::int64_t columns, bool interleaved) {
    const std::int64_t apart = interleaved ? 1 : pairs;
    for (std::int64_t p = 0; p < pairs; ++p) {
      const std::int64_t first = interleaved ? 2 * p : p;
      const auto a = load(x[first]);
      const auto b = load(x[first + apart]);
      const auto cosine = load(cosines[p]);
      const auto sine = load(sines[p]);
      y[first] = static_cast<T>(rounded<T>(cosine * a) - rounded<T>(sine * b));
      y[first + apart] = static_cast<T>(rounded<T>(sine * a) + rounded<T>(cosine * b));
    }
    std::copy(x + 2 * pairs, x + columns, y + 2 * pairs);
  }
};

bool serial(const KernelCall& call) { return is_small(call.inputs[0], 4096); }

}  // namespace

std::span<const Kernel> rotary_embedding_any_kernels() {
  using Function = Typed<Rotate, FloatTypes>;
  static const Kernel kKernels[] = {{.name = "portable.rotary_embedding_any",
                                     .op = "RotaryEmbeddingAny",
                                     .arithmetic = "any",
                                     .accepts = Function::accepts,
                                     .run = Function::run,
                                     .serial = serial}};
  return kKernels;
}

}  // namespace lathe::portable
