// The text that activations are calibrated on where the user gives none: prose, a talk, lists, numbers, code
// and other languages, written for this purpose and part of no test.
#pragma once

#include <string_view>

namespace lathe {

std::string_view calibration_text();

}  // namespace lathe
