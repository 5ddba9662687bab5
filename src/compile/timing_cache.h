// What was measured before: for each kind of node the candidates with their times. A JSON file:
//
//   {"format": 1,
//    "entries": [{"key": "Swish(f32[1, 1536]) -> f32[1, 1536]",     what the node is (node_key.h)
//                 "machine": "AMD EPYC, avx512, 2 threads",         where it was measured (machine_key.h)
//                 "level": 3,                                       how thoroughly (tuning_options.h)
//                 "forced": false,                                  true: its first candidate is taken
//                 unasked "measured": [{"kernel": "avx512.swish", "variant": "", "threads": 0, "layout": "",
//                               "seconds": 1.2e-06}, ...]}]}        best first
//
// Entries of several machines lie side by side; a build reads and writes its own.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/json.h"

namespace lathe {

/// A kernel with its settings, and how long one call took.
struct TimedCandidate {
  std::string kernel;
  std::string variant;
  std::int32_t threads = 0;  // as StepChoice::threads
  std::string layout;        // of the node's packed weights, joined by "+"; empty: it has none
  double seconds = 0;        // 0: not measured
  bool operator==(const TimedCandidate&) const = default;
};

struct TimingEntry {
  int level = 0;
  bool forced = false;
  std::vector<TimedCandidate> measured;  // best first, at least one
  bool operator==(const TimingEntry&) const = default;
};

class TimingCache {
 public:
  using Id = std::pair<std::string, std::string>;  // key, machine

  /// Reads the JSON text; `place` names it in errors. Throws Error(invalid_file) with the byte or the field,
  /// Error(unsupported) for the format of a newer program.
  static TimingCache parse(std::string_view text, const std::string& place);
  /// Throws as parse does, Error(not_found) or Error(io) where the file cannot be read.
  static TimingCache load(const std::string& path);
  /// An empty cache where there is no such file.
  static TimingCache load_or_empty(const std::string& path);
  /// Replaces the file whole or not at all. Throws Error(io).
  void save(const std::string& path) const;
  std::string text() const;

  const TimingEntry* find(std::string_view key, std::string_view machine) const;
  void update(const std::string& key, const std::string& machine, TimingEntry entry);
  /// False where there is none.
  bool remove(std::string_view key, std::string_view machine);
  /// Takes the other's entries; where both have one, the forced, then the more thorough, then the faster one
  /// stays.
  void merge(const TimingCache& other);

  const std::map<Id, TimingEntry>& entries() const { return entries_; }

 private:
  std::map<Id, TimingEntry> entries_;
};

Json to_json(const TimingCache& cache);

}  // namespace lathe
