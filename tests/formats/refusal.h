// What every hostile file must meet: a typed error with its place, soon, and without memory on the file's
// word.
#pragma once

#include <string>
#include <string_view>

#include "formats/gguf.h"
#include "lathe/error.h"

namespace lathe::test {

struct Refusal {
  ErrorCode code = ErrorCode::invalid_file;
  std::string_view message;  // a part of what() ...
  std::string_view field;    // ... and the field, where not empty
};

/// Fails the test unless reading `bytes` throws as `expected` says.
void expect_refused(std::string_view bytes, const Refusal& expected, const GgufOptions& options = {});

/// Fails the test unless the file is read.
std::shared_ptr<const Checkpoint> expect_read(std::string_view bytes, const GgufOptions& options = {});

}  // namespace lathe::test
