// Number formats, the error of using fewer bits, and models written with fewer.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "lathe/execute.h"
#include "lathe/model.h"
#include "lathe/options.h"

namespace lathe {

// --- Numbers in their formats -------------------------------------------------------------------------

/// The fields of a number format, from the highest bit down. docs/number-formats.md draws them.
struct NumberLayout {
  std::string name;
  int sign_bits = 0;
  int exponent_bits = 0;  // 0: an integer in two's complement
  int mantissa_bits = 0;
  int bias = 0;
  bool zero = true;  // and subnormals, in floats
  bool infinities = false;
  bool nan = false;
  double largest = 0;
  double least = 0;  // above 0

  bool integer() const { return exponent_bits == 0; }
  int bits() const { return sign_bits + exponent_bits + mantissa_bits; }
  /// The power of two of the smallest normal number's leading bit.
  int least_exponent() const { return (zero ? 1 : 0) - bias; }
};

struct NumberPattern {
  std::uint32_t bits = 0;
  double value = 0;
};

/// One number in one format, and how it gets there. Rounded to nearest, ties to even.
struct StoredNumber {
  NumberLayout layout;
  double number = 0;                    // as given
  std::optional<NumberPattern> stored;  // none: nothing in this format stands for a NaN
  std::string kind;                     // of what is stored: zero, subnormal, normal, infinity, nan
  std::string rounding;  // exact, down, up, tie down, tie up, overflow, underflow (there is no zero)
  std::string binary;    // the number's magnitude, "110.1"; empty where not finite
  int power = 0;         // of two, of the number's leading bit
  int exponent = 0;      // of the field that it falls into before rounding: `power`, or that of subnormals
  std::string kept;      // leading bit and mantissa before rounding, "11010000000"
  std::string cut_off;   // bits behind them, the last one a 1; "..." behind 64
  std::optional<NumberPattern> below, above;  // the neighbours of what is stored
};

std::vector<NumberLayout> number_layouts();  // all formats, widest first

/// Throws Error(invalid_argument) for a name that no number format has.
StoredNumber store_number(double number, const std::string& format);
/// What a pattern stands for. Throws Error(invalid_argument) where it has more bits than the format.
StoredNumber read_pattern(std::uint64_t bits, const std::string& format);

/// A number as the code of an integer format: value = scale * (code - zero point).
struct StoredCode {
  NumberLayout layout;
  double number = 0, scale = 1;
  int zero_point = 0;
  double steps = 0;  // number / scale
  double whole = 0;  // to nearest even, with the zero point
  int lowest = 0, highest = 0;
  NumberPattern code;  // held to lowest and highest; its value is the code
  double value = 0;    // read back
};

/// Throws Error(invalid_argument) for a number that is not finite, for a scale that is not above 0 and for a
/// zero point that is no code.
StoredCode store_code(double number, const std::string& format, double scale, int zero_point);

/// A factor as a block stores it.
struct StoredFactor {
  std::size_t block = 0;
  std::string name;    // "scale", "minimum", "scale of the scales", ...
  std::string format;  // of number_layouts()
  NumberPattern pattern;
};

/// Values that share a scale: value = scale * (code - zero_point) + minimum.
struct QuantizedGroup {
  std::size_t first = 0, count = 0;
  double scale = 0, minimum = 0;
  int zero_point = 0;
};

struct QuantizedValues {
  std::string format;
  double bits_per_value = 0;  // codes and factors
  std::vector<float> given, values;
  std::vector<int> codes;
  std::vector<QuantizedGroup> groups;
  std::vector<StoredFactor> factors;                                       // of block formats
  std::vector<std::byte> bytes;                                            // of block formats
  double mean_squared_error = 0, sqnr = 0, cosine = 0, largest_error = 0;  // SQNR in dB
};

/// Linear quantization with scales and zero points from the values themselves. `bits` 2 to 8; `group`: values
/// that share a scale, 0 for all. Throws Error(invalid_argument), also for a value that is not finite.
QuantizedValues quantize_values(const std::vector<float>& values, int bits, bool symmetric,
                                std::int64_t group);

std::vector<std::string> block_format_names();  // those that can be written

/// Whole blocks of q4_0, q8_0, ...: the values are repeated until the last block is full. Throws
/// Error(invalid_argument).
QuantizedValues quantize_blocks(std::vector<float> values, const std::string& format);

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
  bool awq = false;   // columns with large inputs are scaled up, and the norm in front of them down
  /// SmoothQuant, above 0 to 1: how much of the inputs' differences moves into the weights, so that inputs
  /// lose less in 8-bit codes. Instead of `awq`.
  std::optional<double> smooth;
  /// "4.5bpw" of all tensors, or "80MB" of the file: instead of `type` the mix of types that diverges least
  /// from the model within that size, found by trying each matrix on the calibration text.
  std::string budget;
};

/// With a budget, in nats of mean KL divergence on the calibration text.
struct TensorCosts {
  std::string trial_type;         // each matrix was tried in one type, with all others in float32
  double trial_kl = 0;            // which brought that much
  double kl = 0;                  // expected of the type it got
  std::string finer_type;         // the next larger one that loses less; empty: none
  double finer_saves = 0;         // of the expected divergence
  std::uint64_t finer_bytes = 0;  // that it would take more
};

struct QuantizedTensor {
  std::string name;
  std::vector<std::int64_t> shape;  // outermost first
  std::string from, to;
  std::string wanted;  // another type than `to` where rows do not fill its blocks
  std::uint64_t bytes_before = 0;
  std::uint64_t bytes_after = 0;
  double sqnr = 0;                   // signal to noise of the rounding in dB; infinite where nothing was lost
  std::optional<TensorCosts> costs;  // of what a budget chose among
};

struct Quantization {
  std::vector<QuantizedTensor> tensors;  // in the file's order
  std::uint64_t bytes_before = 0;        // of all tensors
  std::uint64_t bytes_after = 0;
  std::uint64_t file_bytes = 0;
  std::int64_t weights = 0;
  bool budget = false;
  double kl_expected = 0;  // with a budget: the sum over all tensors
  double kl_measured = 0;  // and of what was written, in float32, on the same tokens
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

// Models measured on a text

/// Of a sample, with one standard error; 0 where the sample does not tell it.
struct Figure {
  double value = 0;
  double error = 0;
};

/// How one figure is spread over the scored positions.
struct Spread {
  struct Quantile {
    double share = 0;  // of positions that lie below
    Figure at;
  };
  Figure mean;
  double minimum = 0, maximum = 0;
  std::vector<Quantile> quantiles;  // ascending
  Figure at(double share) const;    // of those listed; NaN for others
};

/// How far a model's distributions are from a reference's.
struct TextDivergence {
  Figure reference_perplexity;
  double correlation = 0;  // of the logarithms of both perplexities
  Figure log_ratio;        // ln(perplexity / the reference's)
  Figure ratio;
  Figure difference;
  Spread kl;       // KL divergence from the reference, in nats
  Spread delta_p;  // probability of the text's next token, less the reference's
  Figure delta_p_rms;
  Figure same_top;            // share of positions with the same likeliest token
  std::vector<double> kl_at;  // of each scored position, chunk by chunk
};

struct EvaluatedModel {
  std::string model;  // a known name or a path
  ModelOptions options;
};

struct EvaluationProgress {
  std::size_t model = 0, models = 0;  // the model that is measured, and of how many
  std::size_t chunk = 0, chunks = 0;  // the chunk that is computed
  int position = 0;                   // in it
};

/// The text is cut as llama-perplexity does it: one line feed at its end is dropped; where the model wants
/// BOS it stands before the text and in the place of every chunk's first token; the second half of every
/// chunk is scored, and what is left over behind the last chunk is not.
struct EvaluationOptions {
  std::string text;
  int context = 512;           // tokens of a chunk
  int chunks = 0;              // at most; 0: as many as the text has
  bool all_positions = false;  // all are scored; the last of a chunk, which has no next token, by KL alone
  std::function<void(const EvaluationProgress&)> progress;
};

struct Evaluation {
  ModelInfo model;
  ModelOptions options;          // with defaults filled in
  std::uint64_t file_bytes = 0;  // of a folder: of its tensors
  double seconds = 0;            // of all models that were in memory together, without loading
  int context = 0;
  std::size_t chunks = 0;
  std::size_t scored = 0;                 // tokens whose probability was measured
  std::size_t positions_of_chunk = 0;     // in TextDivergence::kl_at
  int first_position = 0;                 // of these, in the chunk
  std::vector<std::int32_t> first_chunk;  // its ids
  Figure perplexity;
  std::optional<TextDivergence> divergence;  // from the reference
};

/// All of `models` beside the reference, which computes once for as many of them as fit into half of the
/// memory that is left, or each by itself without one: in one process, with logits of a few positions in
/// memory. Throws Error(invalid_argument) for a text shorter than a chunk, with the tokens that there are and
/// that are needed, and for models with other tokens than the reference's; Error(invalid_model) naming the
/// model where logits are NaN.
std::vector<Evaluation> evaluate(const std::vector<EvaluatedModel>& models,
                                 const std::optional<EvaluatedModel>& reference,
                                 const EvaluationOptions& options);

/// What the page shows of one model.
struct EvaluationPart {
  std::string label;
  Evaluation evaluation;  // with a divergence
  Comparison tensors;     // the reference is A
};

/// A page that needs nothing beside it: how the divergence is spread, where in the text it is, in which layer
/// and tensor it arises, and how it goes with the size of the files.
std::string to_html(const std::string& title, const std::string& reference,
                    const std::vector<EvaluationPart>& parts);

}  // namespace lathe
