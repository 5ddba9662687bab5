// What every hostile safetensors file must meet: a typed error with its place, soon, and without memory on
// the file's word.
#pragma once

#include <string_view>
#include <vector>

#include "formats/safetensors.h"

namespace lathe::test {

/// Fails the test unless reading `bytes` throws Error(invalid_file) with `message` in its text, and with
/// `field` as its field where that is not empty.
void expect_safetensors_refused(std::string_view bytes, std::string_view message,
                                std::string_view field = {});

/// Fails the test unless the file is read.
std::vector<StoredTensor> expect_safetensors_read(std::string_view bytes);

}  // namespace lathe::test
