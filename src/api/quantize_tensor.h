// One tensor to another type, a few MiB of rows at a time and on all threads.
#pragma once

#include <span>
#include <string>

#include "base/thread_pool.h"
#include "formats/gguf_writer.h"
#include "tensor/tensor_view.h"

namespace lathe {

/// Sums over all weights w and what became of them, v. Both weighted by the columns' importance, if known.
struct RoundingError {
  double error = 0;  // (w - v)^2
  double power = 0;  // w^2

  /// Signal to noise in dB; infinite without any error.
  double sqnr() const;
};

struct TensorRounding {
  std::string file;  // for messages
  std::string name;
  TensorView source;
  Dtype dtype = Dtype::f32;
  std::span<const float> importance;  // [experts, columns] of [experts, rows, columns]; empty: none
  std::span<const float> scales;      // [columns] that columns are multiplied by first; empty: none
  const float* factor = nullptr;      // gptq_factor()'s: errors are fed to other columns
};

/// Gives `write` the tensor's bytes in its new type, whole rows at a time. Throws Error(invalid_file) naming
/// tensor, row and column of a weight that is NaN or infinite, Error(unsupported) where a weight is more than
/// the type holds.
RoundingError quantize_tensor(const TensorRounding& rounding, ThreadPool& pool, const WriteBytes& write);

}  // namespace lathe
