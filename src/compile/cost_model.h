// A guess at how long a candidate takes, without running it: what tuning goes by where it does not measure,
// and what keeps it from measuring what is hopeless.
//
//   seconds = max(bytes / bandwidth, operations / rate) + synchronization
//     bytes           operands, weights in their layout, of a cache the pages that are read
//     bandwidth       8 GB/s for each thread, 24 GB/s at most
//     operations      two for each multiply-add of a matmul, a convolution or an attention, else ten for each
//                     number
//     rate            by level of kernels and arithmetic, for each thread; below
//     synchronization 2 us where there is more than one thread
//   and for weights as the file has them: 6 operations of portable code per number, each time
//
//   operations/s per thread    portable   avx2    avx512
//   int8 products                 1.5e9   6e10    1.5e11
//   all other                       2e9   2e10      3e10
#pragma once

#include "compile/candidates.h"
#include "compile/symbol_values.h"

namespace lathe {

double modelled_seconds(const Graph& graph, const Node& node, const KernelCandidate& candidate,
                        const SymbolValues& values, int threads);

}  // namespace lathe
