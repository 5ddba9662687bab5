// The profiles that models are compiled for. A range of T each; what else a step has may be anything up to
// the limits. Each is tuned at a typical step of its kind, and counts as often as a typical request has such
// steps.
#pragma once

#include <span>
#include <vector>

#include "compile/compile.h"

namespace lathe {

/// decode: one token; batch: 2 to 16, several sequences that decode at once; prefill: from 17 on. `limits`
/// are those of T, Q, B, S and P, in any order; profiles that T does not reach are left out.
std::vector<ProfileRanges> decoder_profiles(std::span<const SymbolLimit> limits);

/// query: a short text; texts: from 65 tokens on.
std::vector<ProfileRanges> encoder_profiles(std::span<const SymbolLimit> limits);

}  // namespace lathe
