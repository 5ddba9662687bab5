// AddCodes, SubCodes and MulCodes (code_arithmetic.h).
#include "cpu/code_arithmetic.h"
#include "cpu/avx512/code_vector.h"
#include "cpu/isa_kernel.h"

namespace lathe::avx512 {

extern const IsaKernel code_arithmetic_kernels[];
const IsaKernel code_arithmetic_kernels[] = {
    {"add_codes", codes::pair_codes<Vector, codes::Sum>, nullptr},
    {"sub_codes", codes::pair_codes<Vector, codes::Difference>, nullptr},
    {"mul_codes", codes::pair_codes<Vector, codes::Product>, nullptr},
    {nullptr, nullptr, nullptr},
};

}  // namespace lathe::avx512
