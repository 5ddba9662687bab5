// What plans are bound to: the version, and a hash of the sources that decide about results.
#pragma once

#include <string>
#include <string_view>

namespace lathe {

extern const std::string_view kEngineStamp;  // written by cmake/engine_stamp.cmake

/// "0.1.0+2f6c..."
std::string engine_version();

}  // namespace lathe
