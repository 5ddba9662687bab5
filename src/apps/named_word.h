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

}  // namespace lathe::apps
