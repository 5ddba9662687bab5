// The profiles that a network is compiled for: ranges of its named dimensions, as callers give them.
#pragma once

#include <span>
#include <vector>

#include "api/program_inputs.h"
#include "compile/compile.h"
#include "lathe/execute.h"

namespace lathe {

/// What is typical of the last profile, by dimension; `profiles` as named_profiles() gives them.
Sizes typical_sizes(const std::vector<SizeProfile>& profiles);
/// Greatest sizes that the profiles name, by dimension.
Sizes greatest_sizes(const std::vector<SizeProfile>& profiles);
/// Greatest shapes that they name, by input.
std::map<std::string, Shape> greatest_shapes(const std::vector<SizeProfile>& profiles);

/// The profiles with shapes of inputs as sizes of the dimensions that have names. Throws
/// Error(invalid_argument) where there is no such input, where a number contradicts it, or where numbers are
/// not in order.
std::vector<SizeProfile> named_profiles(const std::vector<SizeProfile>& profiles,
                                        std::span<const InputSpec> inputs);

/// In the order of `limits`, the smallest first, so that a run takes the smallest that holds its sizes.
/// Dimensions that a profile does not name are 1 to their limits; without profiles there is one of all.
std::vector<ProfileRanges> network_profiles(const std::vector<SizeProfile>& profiles,
                                            std::span<const SymbolLimit> limits);

}  // namespace lathe
