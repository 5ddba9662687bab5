// Writes a float32 array to a .npy file, row by row.
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
