// Unicode's normal forms, in time n log n at most for any text.
#pragma once

#include <string>
#include <string_view>

#include "text/tokenizer_pipeline.h"

namespace lathe::unicode {

/// `text` is whole characters.
std::string to_form(std::string_view text, normalize::Form form);

}  // namespace lathe::unicode
