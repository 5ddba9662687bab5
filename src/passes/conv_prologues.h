// FusedConv of one weight a channel and Relu  ->  the prologue of the convolution with kernels of one pixel
// that alone reads it, which computes it of what it gathers. Bit-equal: the same operations on the same
// numbers, which are not written and read in between.
#pragma once

#include "graph/graph.h"

namespace lathe {

/// True where the graph was changed.
bool fuse_conv_prologues(Graph& graph);

}  // namespace lathe
