// What every hostile ONNX file must meet: a typed error with its place, soon, and without memory on the
// file's word.
#pragma once

#include <string>
#include <string_view>

#include "formats/onnx_model.h"
#include "lathe/error.h"

namespace lathe::test {

/// Fails the test unless reading `bytes` throws an error with the code and a part of its message; `field` too
/// where it is not empty.
void expect_onnx_refused(std::string_view bytes, std::string_view message, std::string_view field = {},
                         ErrorCode code = ErrorCode::invalid_file);

/// Fails the test unless the network is read.
onnx::Model expect_onnx_read(std::string_view bytes);

}  // namespace lathe::test
