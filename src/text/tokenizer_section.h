// A tokenizer as plan files hold it: its data, and its lookup tables where they lie.
#pragma once

#include <memory>
#include <span>
#include <string>

#include "text/tokenizer.h"

namespace lathe {

std::string write_tokenizer_section(const Tokenizer& tokenizer);

/// Tables stay in `bytes`, which `owner` keeps and whose address is a multiple of 64. Throws
/// Error(invalid_file) for bytes that are no such section.
TokenizerData read_tokenizer_section(std::span<const std::byte> bytes, std::shared_ptr<const void> owner,
                                     const std::string& file);

}  // namespace lathe
