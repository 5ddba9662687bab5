// Files that are written for later: plans, and whatever else must appear whole.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "lathe/inspection.h"
#include "lathe/options.h"

namespace lathe {

/// A file that appears whole under its name, or not at all: until finish() what was there before stays, even
/// where the program is killed or the disk is full. Symbolic links stay and their target is replaced; FIFOs,
/// devices and /dev/stdout are written in place. Every function throws Error(io).
class OutputFile {
 public:
  explicit OutputFile(const std::string& path);
  ~OutputFile();
  OutputFile(const OutputFile&) = delete;
  OutputFile& operator=(const OutputFile&) = delete;

  void write(const void* data, std::size_t bytes);
  void flush();   // to the disk
  void finish();  // after flush(): gives it its name
  void discard() noexcept;

 private:
  std::unique_ptr<class AtomicFile> file_;
};

struct ProgramOptions;  // execute.h

struct PlanOptions {
  ModelOptions model;  // as it will run: context, cache type, sequences and so on bound what the plan takes
  bool strip = false;  // leave the weights out, to be put in by refit()
};

struct PlanSummary {
  std::uint64_t bytes = 0;
  int steps = 0;
  int weights = 0;
  double seconds = 0;
  std::vector<std::string> warnings;  // as ModelInfo::warnings
  std::vector<ActivationInspection> activations;
  PrecisionInspection precision;
};

/// Gets a file's bytes in order, with the size of the whole.
using WritePlan = std::function<void(std::span<const std::byte> bytes, std::uint64_t total)>;

/// Compiles a model into a plan file, which is all that Model::load needs, on processors like this one. The
/// same model, options and kernels give the same bytes. Throws Error as Model::load does.
PlanSummary build(const std::string& name_or_path, const PlanOptions& options, const WritePlan& write);

/// Whether an .onnx file is a decoder that attends to keys and values of earlier steps: what Model::load and
/// the build() above are for. Throws Error as reading the file does.
bool is_decoder_network(const std::string& path);

/// Whether a plan file was built of a network or a graph, by the build() below: Program::load runs it. Throws
/// Error as reading a plan does.
bool is_network_plan(const std::string& path);

/// The same of a network or a graph in text form (ProgramOptions::file), for runs of at most the sizes that
/// the options have: Program::load takes such a plan.
PlanSummary build(const ProgramOptions& options, const WritePlan& write);

/// The plan in `plan` with the weights of a model of the same architecture and shapes, its tokenizer and its
/// metadata: the file that build() would give with the plan's kernels. Of `options` threads, check_weights
/// and those of fetching count. Throws Error(invalid_argument) where the model is another one.
PlanSummary refit(const std::string& plan, const std::string& name_or_path, const ModelOptions& options,
                  const WritePlan& write);

/// Holds every byte of a plan file to its checksums, and the plan to this machine. Throws Error(invalid_file)
/// naming the damaged part, Error(unsupported) naming what it was built for.
void verify_plan(const std::string& plan);

/// A kernel with its settings, and how long one call took.
struct TimedKernel {
  std::string kernel;
  std::string variant;  // its tile or split; empty: it has one alone
  int threads = 0;      // 0: as the kernel says
  std::string layout;   // of the node's weights; empty: it has none
  double seconds = 0;   // 0: not measured
};

/// What a timing cache knows of one kind of node on one machine.
struct Timing {
  std::string key;  // op, types and attributes
  std::string machine;
  int level = 0;                      // of ModelOptions::tuning that it was measured at
  bool forced = false;                // its first kernel is taken unasked
  std::vector<TimedKernel> measured;  // best first
};

/// A timing cache: what tuning measured, kept in a file so that the next build need not measure again.
class Timings {
 public:
  Timings();
  ~Timings();
  Timings(Timings&&) noexcept;
  Timings& operator=(Timings&&) noexcept;

  /// Throws Error(invalid_file) with the place where the file is damaged, Error(unsupported) where a newer
  /// program wrote it.
  static Timings load(const std::string& path);
  /// Replaces the file whole or not at all. Throws Error(io).
  void save(const std::string& path) const;

  /// Takes the other's entries; where both have one, the forced, then the more thorough, then the faster one
  /// stays.
  void merge(const Timings& other);
  /// From now on builds take this kernel for the key, on every machine that the cache knows the key of, or on
  /// this one. A build whose node does not accept it fails and names the node.
  void force(const std::string& key, const std::string& kernel, const std::string& variant = "");
  /// Throws Error(not_found) where there is no such key.
  void remove(const std::string& key);

  std::vector<Timing> entries() const;  // by key
  std::string json() const;             // as the file has it

 private:
  std::unique_ptr<struct TimingsData> data_;
};

}  // namespace lathe
