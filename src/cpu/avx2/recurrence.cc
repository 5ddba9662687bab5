// RNN, GRU and LSTM in float32 (cpu/recurrence.h).
#include "cpu/recurrence.h"

#include "cpu/avx2/vector.h"
#include "cpu/isa_kernel.h"
#include "cpu/vector/epilogue.h"

namespace lathe::avx2 {
namespace {

constexpr KernelFunction kRun = recurrence::run<Vector, vector::EpilogueFunctions<Vector>>;

}  // namespace

extern const IsaKernel recurrence_kernels[];
const IsaKernel recurrence_kernels[] = {
    {"gru.lanes", kRun, nullptr},
    {"lstm.lanes", kRun, nullptr},
    {"rnn.lanes", kRun, nullptr},
    {nullptr, nullptr, nullptr},
};

}  // namespace lathe::avx2
