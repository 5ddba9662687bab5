// The kernels of cpu/vector/unary.h, and Softplus, in AVX-512.
#include "cpu/vector/unary.h"

#include "cpu/avx512/plane_vector.h"
#include "cpu/isa_kernel.h"
#include "cpu/vector/activations.h"

namespace lathe::avx512 {

extern const IsaKernel unary_kernels[];
const IsaKernel unary_kernels[] = {
    {"abs", vector::run_abs<Vector>, nullptr},
    {"clip", vector::run_clip<Vector>, nullptr},
    {"erf", vector::run_erf<Vector>, nullptr},
    {"exp", vector::run_exp<Vector>, nullptr},
    {"neg", vector::run_neg<Vector>, nullptr},
    {"reciprocal", vector::run_reciprocal<Vector>, nullptr},
    {"relu", vector::run_relu<Vector>, nullptr},
    {"sigmoid", vector::run_sigmoid<Vector>, nullptr},
    {"softplus", vector::run_softplus<Vector>, nullptr},
    {"sqrt", vector::run_sqrt<Vector>, nullptr},
    {nullptr, nullptr, nullptr},
};

}  // namespace lathe::avx512
