// Number formats, the error of using fewer bits, and models written with fewer.
#pragma once

#include <string>
#include <vector>

#include "lathe/options.h"

namespace lathe {}  // namespace lathe
