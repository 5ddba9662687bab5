// Writes a float32 array row by row:
//   \x93NUMPY 1 0 | u16 header length | {'descr': '<f4', ...} padded with spaces to a multiple of 64, \n |
//   rows
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "lathe/build.h"

namespace lathe::apps {

class NpyWriter {
 public:
  /// Throws Error(io).
  NpyWriter(OutputFile& file, const std::vector<std::int64_t>& shape);

  void write(std::span<const float> row);

 private:
  OutputFile& file_;
};

}  // namespace lathe::apps
