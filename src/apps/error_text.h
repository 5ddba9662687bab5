// What an error says, in the words of the command line.
#pragma once

#include <string>

#include "lathe/lathe.h"

namespace lathe::apps {

/// error.what() with a field of the library's options and requests written as the flag that sets it.
std::string error_text(const Error& error);
/// What is said where an answer was cut off.
std::string context_full_text(const Model& model);

}  // namespace lathe::apps
