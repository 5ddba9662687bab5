// A Llama in a Hugging Face folder, small enough to write each tensor by hand.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "support/temporary_folder.h"

namespace lathe::test {

struct FolderTensorBytes {
  std::string dtype;
  std::vector<std::int64_t> shape;
  std::string bytes;
};

FolderTensorBytes float_tensor(const std::vector<std::int64_t>& shape, const std::vector<float>& values);

/// What the folder holds, to be changed before it is written. Two layers; 2 heads of 4, one for keys and
/// values; width 8, feed-forward 64, vocabulary 12. Weights are spread over -0.5 to 0.5, norms are 1.
struct TinyFolder {
  TinyFolder();
  void write(const TemporaryFolder& folder) const;

  std::string config;
  std::string generation_config;  // empty: none
  std::map<std::string, FolderTensorBytes> tensors;
};

}  // namespace lathe::test
