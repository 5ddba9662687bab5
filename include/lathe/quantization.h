// Number formats, the error of using fewer bits, and models written with fewer.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "lathe/options.h"

namespace lathe {

// Models written with fewer bits

/// How far long work has come: what is done now, and its share from 0 to 1.
using ShowProgress = std::function<void(const std::string& work, double share)>;
/// Gets a file's bytes in order, with the size of the whole.
using WriteModel = std::function<void(std::span<const std::byte> bytes, std::uint64_t total)>;

/// What a model is watched on before its weights are rounded.
struct CalibrationText {
  std::string text;        // empty: none
  std::string name;        // of its file, for the metadata
  int context_tokens = 0;  // it is cut into contexts of so many; 0: 512, or what the model has
};

struct QuantizeOptions {
  ModelOptions model;           // threads, check_weights and those of fetching count
  std::string type = "q4_k_m";  // as llama.cpp's users name them: f16, q8_0, q4_k_m, iq4_nl, ...
  /// "REGEX=TYPE": matrices whose name the expression is found in get that type; the first that does counts.
  std::vector<std::string> type_for;
  std::string output;  // where the bytes go; refused where that is the model itself
  /// How much each column matters, so that the larger ones are rounded better: from a file of llama-imatrix
  /// or of write_importance(), or else from the calibration text.
  std::string imatrix;
  CalibrationText calibration;
  bool gptq = false;  // errors are made up for by other columns, as the calibration text goes
};

struct QuantizedTensor {
  std::string name;
  std::vector<std::int64_t> shape;  // outermost first
  std::string from, to;
  std::string wanted;  // another type than `to` where rows do not fill its blocks
  std::uint64_t bytes_before = 0;
  std::uint64_t bytes_after = 0;
  double sqnr = 0;  // signal to noise of the rounding in dB; infinite where nothing was lost
};

struct Quantization {
  std::vector<QuantizedTensor> tensors;  // in the file's order
  std::uint64_t bytes_before = 0;        // of all tensors
  std::uint64_t bytes_after = 0;
  std::uint64_t file_bytes = 0;
  std::int64_t weights = 0;
  std::vector<std::string> warnings;
};

/// A GGUF file or a Hugging Face folder as a GGUF file with other types, tensor by tensor. `write` gets the
/// file's bytes in order, with the size of the whole. Norms, biases and routers stay f32. Throws
/// Error(invalid_argument) for words that are wrong, Error(invalid_file) naming a weight that is NaN or
/// infinite.
Quantization quantize(const std::string& name_or_path, const QuantizeOptions& options,
                      const WriteModel& write, const ShowProgress& show = {});

struct ImportanceSummary {
  int matrices = 0;
  std::int64_t contexts = 0;
  std::int64_t tokens = 0;
};

/// The importance of all columns on a text, as a file that llama-quantize reads, too.
ImportanceSummary write_importance(const std::string& name_or_path, const ModelOptions& options,
                                   const CalibrationText& calibration, const WriteModel& write,
                                   const ShowProgress& show = {});

}  // namespace lathe
