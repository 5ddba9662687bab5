// The kernels of cpu/vector/reduce.h, in AVX2.
#include "cpu/vector/reduce.h"

#include "cpu/avx2/plane_vector.h"
#include "cpu/isa_kernel.h"

namespace lathe::avx2 {
namespace {

/// a where x is NaN, else b.
[[gnu::always_inline]] inline Vector where_nan(Vector x, Vector a, Vector b) {
  return {_mm256_blendv_ps(b.low, a.low, _mm256_cmp_ps(x.low, x.low, _CMP_UNORD_Q)),
          _mm256_blendv_ps(b.high, a.high, _mm256_cmp_ps(x.high, x.high, _CMP_UNORD_Q))};
}

}  // namespace

extern const IsaKernel reduce_kernels[];
const IsaKernel reduce_kernels[] = {
    {"reduce_l1", vector::run_reduce_l1<Vector>, nullptr},
    {"reduce_l2", vector::run_reduce_l2<Vector>, nullptr},
    {"reduce_max", vector::run_reduce_max<Vector>, nullptr},
    {"reduce_mean", vector::run_reduce_mean<Vector>, nullptr},
    {"reduce_min", vector::run_reduce_min<Vector>, nullptr},
    {"reduce_sum", vector::run_reduce_sum<Vector>, nullptr},
    {"reduce_sum_square", vector::run_reduce_sum_square<Vector>, nullptr},
    {nullptr, nullptr, nullptr},
};

}  // namespace lathe::avx2
