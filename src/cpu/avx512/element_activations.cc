// The kernels of cpu/vector/activations.h but Softplus, in AVX-512.
#include "cpu/vector/activations.h"

#include "cpu/avx512/vector.h"
#include "cpu/isa_kernel.h"

namespace lathe::avx512 {

extern const IsaKernel element_activations_kernels[];
const IsaKernel element_activations_kernels[] = {
    {"celu.f32", vector::run_celu<Vector>, nullptr},
    {"elu.f32", vector::run_elu<Vector>, nullptr},
    {"hard_sigmoid.f32", vector::run_hard_sigmoid<Vector>, nullptr},
    {"hard_swish.f32", vector::run_hard_swish<Vector>, nullptr},
    {"leaky_relu.f32", vector::run_leaky_relu<Vector>, nullptr},
    {"mish.f32", vector::run_mish<Vector>, nullptr},
    {"selu.f32", vector::run_selu<Vector>, nullptr},
    {nullptr, nullptr, nullptr},
};

}  // namespace lathe::avx512
