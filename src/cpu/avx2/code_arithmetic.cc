// AddCodes, SubCodes and MulCodes (code_arithmetic.h).
#include "cpu/code_arithmetic.h"
#include "cpu/avx2/code_vector.h"
#include "cpu/isa_kernel.h"

namespace lathe::avx2 {

extern const IsaKernel code_arithmetic_kernels[];
const IsaKernel code_arithmetic_kernels[] = {
    {"add_codes", codes::pair_codes<Vector, codes::Sum>, nullptr},
    {"sub_codes", codes::pair_codes<Vector, codes::Difference>, nullptr},
    {"mul_codes", codes::pair_codes<Vector, codes::Product>, nullptr},
    {nullptr, nullptr, nullptr},
};

}  // namespace lathe::avx2
