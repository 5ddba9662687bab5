// The kernels of cpu/vector/paged_attention_bf16.h, in AVX2.
#include "cpu/vector/paged_attention_bf16.h"

#include "cpu/avx2/code_lanes.h"
#include "cpu/avx2/pairs.h"
#include "cpu/isa_kernel.h"

namespace lathe::avx2 {

extern const IsaKernel paged_attention_bf16_kernels[] = {
    {"paged_attention.bf16", vector::run_pair_attention<Pairs>,
     vector::pair_attention_scratch_bytes<Pairs, vector::PairSource>},
    {"paged_attention.codes", vector::run_code_attention<Pairs>,
     vector::pair_attention_scratch_bytes<Pairs, vector::Q8Source>},
    {nullptr, nullptr, nullptr},
};

}  // namespace lathe::avx2
