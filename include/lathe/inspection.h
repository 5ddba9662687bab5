// What a loaded model consists of, and what the compiler made of it, for people and tools to look at; and
// what the machine could do at best.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace lathe {

/// `text` as a JSON string with its quotes; broken UTF-8 becomes U+FFFD.
std::string json_string(std::string_view text);

/// The library's version, "0.1.0".
std::string_view version();

struct ModelInfo;

/// Operations: two for each multiply-add.
struct MachineLimits {
  double read_bytes_per_s = 0;       // from memory
  double int8_operations_per_s = 0;  // 8-bit dot products with the best instructions there are
};

/// Measures for about a second with `threads` threads (0: one per core). Throws Error(resource_limit)
/// without the memory for it.
MachineLimits measure_machine_limits(int threads = 0);

struct TensorInspection {
  std::string name;
  std::string dtype;
  std::vector<std::int64_t> shape;  // outermost first
  std::uint64_t bytes = 0;
};

struct PassInspection {
  std::string name;
  bool enabled = true;
  bool changed = false;
  double seconds = 0;
  std::size_t nodes_before = 0;
  std::size_t nodes_after = 0;
};

/// Something that a step or a node reads or writes.
struct OperandInspection {
  std::string name;
  std::string dtype;
  std::vector<std::string> dims;  // outermost first: "576", or a symbol, "T"
  std::string place;              // "weight", "arena", "input" or "state"; "" in a graph

  std::string text() const;  // "f32[T, 576]"
};

/// A node of a graph.
struct NodeInspection {
  std::string name;
  std::string op;
  std::vector<OperandInspection> inputs;
  std::vector<OperandInspection> outputs;
  std::int32_t step = -1;  // of the plan, that computes it; -1: none, it is computed ahead, a view or nothing
};

struct StepInspection {
  std::string name;  // the node's; of a fused one "a + b"
  std::string kind;  // the name with * for a layer's number: steps of one kind do the same in every layer
  std::string op;
  std::string kernel;  // in the last profile
  std::vector<std::pair<std::string, std::string>> attributes;
  std::vector<OperandInspection> inputs;
  std::vector<OperandInspection> outputs;
  std::vector<std::string> sources;  // nodes of the graph before the passes that this step computes
};

/// What a step reads, writes and computes. Operations: two for each multiply-add.
struct StepWork {
  std::uint64_t weight_bytes = 0;
  std::uint64_t cache_bytes = 0;       // keys and values, read and written
  std::uint64_t activation_bytes = 0;  // inputs and intermediate tensors, read and written
  std::uint64_t int8_operations = 0;
  std::uint64_t float_operations = 0;  // of products and attention

  std::uint64_t bytes() const { return weight_bytes + cache_bytes + activation_bytes; }
  std::uint64_t operations() const { return int8_operations + float_operations; }
  StepWork& operator+=(const StepWork& other);
};

/// The share of the machine's limit that `work` in `seconds` is: bytes that come from memory (weights and
/// cache) or 8-bit operations, whichever takes longer. 0: it has neither, or nothing was measured.
double share_of_limit(const StepWork& work, double seconds, const MachineLimits& limits);

struct KernelInspection {
  std::string kernel;
  std::string variant;
  int threads = 0;     // 0: all, or as many as the call is worth
  double seconds = 0;  // of one call; 0: not measured
};

struct ChoiceInspection {
  KernelInspection chosen;
  std::vector<KernelInspection> measured;  // all that were tried, best first
  StepWork work;                           // at the profile's optimum, of a sequence that begins
};

/// Bytes of the arena while a range of steps needs them.
struct PlacementInspection {
  std::string tensor;
  std::uint64_t offset = 0;
  std::uint64_t bytes = 0;
  std::int32_t first_step = 0;  // writes it
  std::int32_t last_step = 0;   // reads it; the number of steps: an output
  bool in_place = false;        // it takes the place of an input of its first step
};

struct SymbolInspection {
  std::string name;
  std::int64_t minimum = 0;
  std::int64_t optimum = 0;
  std::int64_t maximum = 0;
};

struct ProfileInspection {
  std::string name;
  std::vector<SymbolInspection> symbols;
  int threads = 0;
  std::vector<ChoiceInspection> choices;        // one for each step
  std::vector<PlacementInspection> placements;  // in order of their first step
  std::uint64_t arena_bytes = 0;
  std::uint64_t arena_lower_bound = 0;  // the most that is alive at one step
  std::uint64_t tensor_bytes = 0;       // of all intermediate tensors, had each its own
  std::uint64_t in_place_bytes = 0;     // of those that take the place of an input
};

struct WeightInspection {
  std::string name;
  std::string stored;  // type in the model
  std::string layout;  // type in the plan
  std::vector<std::int64_t> shape;
  std::uint64_t bytes = 0;  // in the plan
  bool refittable = true;   // false: computed while building
};

/// How the input of products in 8 bits gets its codes, as calibration chose. Errors are of these codes: the
/// root of their share of the squares.
struct ActivationInspection {
  std::string input;                 // the value's name
  std::vector<std::string> weights;  // that it is multiplied with
  std::int64_t columns = 0;
  std::string codes;                       // "8 bits per 32", "8 bits known ahead" or "float32"
  std::vector<std::int32_t> fine_columns;  // with 16 bits
  double error_before = 0;                 // had it no fine columns
  double error_after = 0;
  double limit = 0;  // 0: none
  std::string reason;

  bool kept_finer() const { return !fine_columns.empty() || codes == "float32"; }
};

/// A type that a layer may have: the layer's time with it, and what it alone does to the network's outputs.
struct TypeInspection {
  std::string type;    // f32, bf16 or int8
  double seconds = 0;  // of the layer, with what was fused into it
  double error = 0;    // root mean square over that of the outputs
  double cosine = 1;   // of the outputs with and without
};

struct LayerPrecisionInspection {
  std::string name;
  std::string op;
  std::string precision;              // that was chosen
  std::string reason;                 // why
  std::vector<TypeInspection> types;  // those it may have
};

/// How the types of a float network's layers were chosen.
struct PrecisionInspection {
  std::string calibrator;
  bool from_cache = false;   // thresholds, not errors
  std::int64_t samples = 0;  // in the calibration set
  double error = 0;          // of the network as chosen
  double cosine = 1;
  double limit = 0;  // of the error
  double seconds = 0, seconds_f32 = 0;
  std::vector<LayerPrecisionInspection> layers;  // empty where nothing was chosen
};

/// What the caller gives and gets.
struct BindingInspection {
  OperandInspection operand;
  std::string mode;  // "input", "state" or "output"
};

struct MemoryInspection {
  std::uint64_t arena_bytes = 0;
  std::uint64_t arena_lower_bound = 0;  // the most that is alive at one step
  std::uint64_t cache_bytes = 0;
  std::uint64_t weight_bytes_mapped = 0;
  std::uint64_t weight_bytes_copied = 0;
  double weight_seconds = 0;
};

struct Inspection {
  std::vector<std::pair<std::string, std::string>> metadata;  // values as text; long ones cut
  std::vector<TensorInspection> tensors;                      // in the file's order
  std::vector<std::string> unused_keys;  // of the model's configuration, that nothing reads
  std::vector<PassInspection> passes;    // empty without weights, as is all that follows
  std::vector<NodeInspection> before;    // the graph as the architecture made it; empty where only a plan is
  std::vector<StepInspection> steps;
  std::vector<ProfileInspection> profiles;
  std::vector<WeightInspection> weights;
  std::vector<ActivationInspection> activations;  // empty where nothing was calibrated
  PrecisionInspection precision;
  std::vector<BindingInspection> bindings;
  MemoryInspection memory;
};

/// Times of single steps inside a test of Model::measure.
struct StepProfile {
  std::string test;       // "pp512"
  std::int64_t runs = 0;  // of the plan
  std::int64_t tokens = 0;
  double seconds = 0;          // of these runs, with a clock around every step
  double plain_seconds = 0;    // of the same test without
  std::vector<double> times;   // of each step, all runs together
  std::vector<StepWork> work;  // of each step, all runs together
  std::vector<int> profiles;   // of each step: the profile of its last run; -1: it never ran

  double step_seconds() const;  // the sum of `times`
};

enum class InspectionDetail { names, layers, full };

/// As a JSON object with the names of TensorRT's engine inspector for layers, inputs and outputs.
std::string to_json(const ModelInfo& info, const Inspection& inspection,
                    InspectionDetail detail = InspectionDetail::full);

/// One HTML page that needs nothing beside itself. `tests` may be empty; without `limits` no shares are
/// shown.
std::string to_html(const ModelInfo& info, const Inspection& inspection,
                    const std::vector<StepProfile>& tests, const MachineLimits& limits);

}  // namespace lathe
