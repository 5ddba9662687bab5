// lathe bench --ablate: what each technique of the compiler gives, by leaving it out.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "apps/options.h"
#include "apps/status_line.h"

namespace lathe::apps {

struct AblateTest {
  std::string name;                                  // "pp512"
  std::function<double(Model& model)> tokens_per_s;  // of one run
};

/// One technique, or one pass, left out.
struct Ablation {
  std::string name;                 // "fusion", or the pass
  std::string words;                // that do the same on a command line
  ModelOptions options;             // with it left out
  std::vector<double> rates;        // median of each test
  std::vector<double> whole_rates;  // of the whole compiler, in turn with them
  MemoryInspection memory;
};

/// `whole` runs with everything; its options and passes say what there is to leave out.
std::vector<Ablation> ablations(const Model& whole, bool each_pass);

/// Every run of a test with one left out follows one with everything.
void measure_ablations(Model& whole, const std::string& model, const std::vector<AblateTest>& tests,
                       int repeats, StatusLine& status, std::vector<Ablation>& all);

std::string ablation_table(const Model& whole, const std::vector<AblateTest>& tests,
                           const std::vector<Ablation>& all);
std::string ablation_json(const Model& whole, const std::vector<AblateTest>& tests,
                          const std::vector<Ablation>& all);

}  // namespace lathe::apps
