// Graphs, models and plans run on tensors alone, and two of them held against each other.
//
//   lathe::ProgramOptions options;
//   options.file = "mlp.graph";
//   options.inputs.push_back({"x", lathe::read_npy("x.npy")});
//   lathe::Program program = lathe::Program::load(options);
//   lathe::Execution execution = program.execution();
//   execution.run();
//   lathe::Tensor y = execution.output("y");
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "lathe/error.h"
#include "lathe/inspection.h"
#include "lathe/options.h"

namespace lathe {

/// Numbers on the host, row-major and little-endian, or texts.
struct Tensor {
  std::string dtype;  // "f32", "i64", "bool", "string", ...; "u8" also of the bytes of a block type as they
                      // lie
  std::vector<std::int64_t> shape;  // outermost first
  std::vector<std::byte> bytes;
  std::string container = {};  // "sequence", "optional" or "optional sequence"; empty: a tensor
  std::vector<Tensor> elements =
      {};  // of a sequence; of an optional: one, or none. shape and bytes are empty then
  std::vector<std::string> texts = {};  // of "string", in place of bytes: UTF-8
};

/// Throws Error(invalid_file) with file and offset.
Tensor read_npy(const std::string& file);
/// What stands before the elements in a .npy file.
std::string npy_header(std::string_view dtype, const std::vector<std::int64_t>& shape);
/// A whole .npy file of a tensor of texts, its elements as long as the longest: "<U5".
std::string npy_texts(const Tensor& tensor);
/// The name of a tensor's file in a folder of them: what would lead elsewhere, or is nothing to type, is _.
std::string npy_file_name(const std::string& tensor);
/// The elements as numbers; throws Error(invalid_argument) for a type that has none.
std::vector<double> numbers(const Tensor& tensor);

struct TensorInfo {
  std::string name;
  std::string dtype;
  std::vector<std::string> dims;    // as the graph has them: "T", "576"
  std::vector<std::int64_t> shape;  // of the runs that the program was loaded for
};

using NamedTensors = std::vector<std::pair<std::string, Tensor>>;
using NamedSizes = std::vector<std::pair<std::string, std::int64_t>>;

/// The types that the products of a float network are computed in: its Conv, and its MatMul and Gemm with
/// constant factors. Without a folder of samples they stay as they are.
struct PrecisionOptions {
  std::string calibration;  // a folder: FOLDER/*.npy for one input, FOLDER/<input>/*.npy for several
  std::string calibrator = "entropy2";  // where values are cut off: or entropy, minmax, percentile, mse
  double percentile = 99.99;            // of "percentile"
  std::string cache;                    // a file of what calibration found: read if it is there, else written
  std::vector<std::pair<std::string, double>> ranges;  // greatest magnitude of a tensor, before all others
  std::vector<std::string> types;                      // of int8, bf16 and f32; empty: all three
  std::vector<std::pair<std::string, std::string>>
      layers;                // regular expression and type; the last one counts
  double error_limit = 0.1;  // of the outputs on the samples: root mean square, over that of the outputs
};

/// What a dimension that has a name may be, and what is typical of it.
struct SizeRange {
  std::string name;
  std::int64_t least = 1;
  std::int64_t typical = 1;
  std::int64_t most = 1;
};

/// The same of an input's dimensions, all of them.
struct ShapeRange {
  std::string input;
  std::vector<std::int64_t> least, typical, most;
};

/// Sizes that a plan is tuned for at once: kernels are chosen at what is typical, memory is for the greatest.
struct SizeProfile {
  std::vector<SizeRange> sizes;
  std::vector<ShapeRange> shapes;
};

struct ProgramOptions {
  std::string file;              // a graph in text form (.graph, .txt); empty: the model's own
  std::string model;             // a known name or a path; with `file`: where its constants come from
  ModelOptions model_options;    // math, threads and disabled_passes count for graphs too
  NamedTensors constants;        // of a graph in text form; before those of the folder and the model
  std::string constants_folder;  // "<name>.npy"
  NamedTensors inputs;           // those that are not given are made up
  std::vector<std::pair<std::string, std::string>> raw_inputs;  // files of bare elements, as trtexec has them
  NamedSizes sizes;  // of dimensions that have names: {"T", 5}; the inputs' shapes say the others
  /// Of networks: several make one plan, and a run takes the smallest that holds its sizes. None: one, up to
  /// `sizes`.
  std::vector<SizeProfile> profiles;
  /// Of networks in ONNX: a run has just the sizes of `inputs` and `sizes`, so that more is known ahead. Not
  /// together with profiles or precision, whose sizes are several.
  bool exact_sizes = false;
  int past = 0;                      // of models: tokens that each sequence has in the cache already
  std::uint64_t seed = 1;            // of what is made up
  std::vector<std::string> outputs;  // that are computed; empty: all
  bool keep_tensors = false;         // every tensor can be read behind a run; costs memory
  PrecisionOptions precision;        // of networks and graphs
};

/// When the parts of one run began and ended: seconds on the steady clock.
struct RunTimes {
  double enqueue_start = 0, enqueue_end = 0;      // shapes and buffers are bound
  double to_device_start = 0, to_device_end = 0;  // inputs
  double compute_start = 0, compute_end = 0;
  double to_host_start = 0, to_host_end = 0;  // outputs
};

/// A place to run a program in, with memory of its own. Those of one program run at the same time where they
/// have threads of their own.
class Execution {
 public:
  explicit Execution(std::unique_ptr<class ExecutionImplementation> implementation);
  ~Execution();
  Execution(Execution&&) noexcept;
  Execution& operator=(Execution&&) noexcept;

  /// Throws Error(invalid_argument) for another type, for a shape that does not fit or is larger than the
  /// program was loaded for. Numbers that are indices are checked by the next run.
  void set_input(const std::string& name, Tensor tensor);
  /// Without transfers, the inputs that an earlier run sent are used again, and no output is read.
  RunTimes run(bool transfers = true);
  /// As the last run with transfers read it.
  Tensor output(const std::string& name) const;
  /// With ProgramOptions::keep_tensors, any tensor that a layer wrote in the last run, as float32 or i32.
  Tensor tensor(const std::string& name) const;

  void set_profiling(bool on);
  /// Of each of Program::layers(), in the last run; 0 for those that did not run. Empty without profiling.
  std::vector<double> layer_seconds() const;

 private:
  std::unique_ptr<class ExecutionImplementation> implementation_;
};

class Program {
 public:
  /// Reads, compiles for the sizes asked for, and checks all inputs. Throws Error naming what does not fit.
  static Program load(const ProgramOptions& options);
  ~Program();
  Program(Program&&) noexcept;
  Program& operator=(Program&&) noexcept;

  const std::string& name() const;
  const std::vector<TensorInfo>& inputs() const;
  const std::vector<TensorInfo>& outputs() const;  // those that are computed
  const NamedSizes& sizes() const;
  /// One line each: what was made up, or is odd.
  const std::vector<std::string>& notes() const;
  std::vector<StepInspection> layers() const;
  std::string layers_json() const;  // with the names of TensorRT's inspector
  /// What the network consists of, and what the compiler made of it.
  Inspection inspect() const;
  /// The graph in text form.
  std::string graph_text(bool before = false) const;
  /// Tensors that layers write, in order; their contents need ProgramOptions::keep_tensors.
  const std::vector<TensorInfo>& tensors() const;

  /// `own_threads`: for this one alone, so that several can run at once; 0: the program's, for one at a time.
  Execution execution(int own_threads = 0) const;

 private:
  explicit Program(std::shared_ptr<const class ProgramImplementation> implementation);
  std::shared_ptr<const class ProgramImplementation> implementation_;
};

/// How far two tensors are apart. Of elements that are not finite, equal bits are no difference.
struct TensorDifference {
  std::string name;
  std::string op;  // of the layer that writes it in A
  std::string dtype_a, dtype_b;
  std::vector<std::int64_t> shape;
  bool equal = false;       // every bit
  double max_abs = 0;       // infinite where one side is not finite and the other differs
  double rms = 0;           // of the difference
  double relative_rms = 0;  // over the RMS of A; infinite where A is all zeros
  double cosine = 1;
  std::int64_t elements = 0;
  std::int64_t different = 0;       // elements
  std::int64_t outside = 0;         // elements with |a - b| > atol + rtol |a|
  std::vector<std::int64_t> first;  // index of the first different element
};

struct Comparison {
  std::vector<TensorDifference> tensors;  // on both sides, in A's order
  std::vector<std::string> only_a, only_b;
  std::vector<std::string> notes;    // what could not be compared
  std::vector<std::string> remarks;  // on what both were given: sizes and inputs that were made up
  bool within = false;               // equal all, or no element outside the tolerances
};

struct Tolerance {
  double absolute = 0;
  double relative = 0;
};

struct ComparedSide {
  std::string model;
  ModelOptions options;
  int chunk = 0;  // tokens of a step; 0: all in one
};

/// Runs both on the same ids (empty: those of `text`, as A's tokenizer has them; both empty: a sentence of
/// our own) and compares every tensor that both have under one name.
Comparison compare(const ComparedSide& a, const ComparedSide& b, std::vector<std::int32_t> ids,
                   const std::string& text, const Tolerance& tolerance);

/// Whether `file` is a graph or a network, or a plan of one: a program that takes no text.
bool is_network(const std::string& file);

/// Runs both programs once on A's inputs, and compares every tensor that both have under one name. An output
/// that is a sequence is compared tensor by tensor, as name[0], name[1], ...
Comparison compare(const ProgramOptions& a, const ProgramOptions& b, const Tolerance& tolerance);
/// Runs the program, and holds its tensors against those of the same name, or of their npy_file_name().
Comparison compare(const ProgramOptions& program, const NamedTensors& expected, const Tolerance& tolerance);

/// The same of tensors that are there already.
Comparison compare(const NamedTensors& a, const NamedTensors& b, const Tolerance& tolerance);

enum class OnnxOutcome {
  passed,
  failed,             // a wrong result, or an error other than Error(unsupported)
  unsupported,        // refused before anything ran
  not_deterministic,  // random numbers: not run and never counted
};

struct OnnxTestResult {
  std::string kind;  // "node", "real"
  std::string name;  // the folder's
  OnnxOutcome outcome = OnnxOutcome::failed;
  std::string reason;  // one line; empty where it passed
};

struct OnnxSuiteOptions {
  std::string filter;  // a regular expression: tests in whose names it is found
  int threads = 0;     // each runs tests of its own; 0: one per core
  std::function<void(std::size_t done, std::size_t all)> progress;  // one call at a time; must not throw
};

/// Runs the ONNX conformance suite, <folder>/<kind>/<test>/model.onnx with data beside it, and returns what
/// became of each test, sorted by kind and name. Throws Error(not_found) where there is none.
std::vector<OnnxTestResult> run_onnx_suite(const std::string& folder, const OnnxSuiteOptions& options = {});

}  // namespace lathe
