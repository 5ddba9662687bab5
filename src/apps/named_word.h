// Words of the form NAME=VALUE, or NAME:VALUE as trtexec writes them.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "lathe/execute.h"

namespace lathe::apps {

/// Throws Error(invalid_argument) naming the option.
std::pair<std::string, std::string> split_word(const std::string& word, const char* option);

/// "N=4": sizes of dimensions that have names.
NamedSizes named_sizes(const std::vector<std::string>& words, const char* option);

/// "N=1:4:8,T=128": least, typical and greatest size of each dimension, or the one that it always has.
SizeProfile size_profile(const std::string& word, const char* option);

/// Words "x:1x3x224x224" of inputs, as trtexec has them: least, typical and greatest shapes of the same
/// inputs.
SizeProfile shape_profile(const std::vector<std::string>& least, const std::vector<std::string>& typical,
                          const std::vector<std::string>& greatest);

}  // namespace lathe::apps
