#include "apps/bench_ablate.h"

#include "apps/output.h"
#include "apps/statistics.h"

namespace lathe::apps {
namespace {

/// The baseline's options, filled in, so that nothing else changes with what is left out.
ModelOptions options_of(const Model& whole) {
  ModelOptions options = whole.options();
  options.show_fetch = true;
  return options;
}

Ablation without_passes(const Model& whole, const std::string& name, const std::vector<std::string>& passes) {
  Ablation ablation{name, "", options_of(whole), {}, {}, {}};
  for (const auto& pass : passes) {
    ablation.words += (ablation.words.empty() ? "" : " ") + ("--disable-pass " + pass);
    ablation.options.disabled_passes.push_back(pass);
  }
  return ablation;
}

std::uint64_t weight_bytes(const MemoryInspection& memory) {
  return memory.weight_bytes_mapped + memory.weight_bytes_copied;
}

/// "1.31 x": how much faster the whole is.
std::string gain_text(double whole, double without) {
  return without > 0 ? format_number(whole / without, 2) + " x" : "-";
}

std::vector<std::string> memory_columns(const MemoryInspection& memory) {
  return {format_bytes(memory.arena_bytes), format_bytes(weight_bytes(memory))};
}

std::string memory_json(const MemoryInspection& memory) {
  return "\"arena_bytes\": " + std::to_string(memory.arena_bytes) +
         ", \"weight_bytes_mapped\": " + std::to_string(memory.weight_bytes_mapped) +
         ", \"weight_bytes_copied\": " + std::to_string(memory.weight_bytes_copied);
}

}  // namespace

std::vector<Ablation> ablations(const Model& whole, bool each_pass) {
  std::vector<Ablation> all;
  std::vector<std::string> passes;
  std::vector<std::string> fusions;
  for (const auto& pass : whole.inspect().passes) {
    if (!pass.enabled) continue;
    passes.push_back(pass.name);
    if (pass.name.starts_with("fuse_")) fusions.push_back(pass.name);
  }
  all.push_back(without_passes(whole, "fusion", fusions));
  const auto add = [&](const std::string& name, const std::string& words, auto change) {
    Ablation ablation{name, words, options_of(whole), {}, {}, {}};
    change(ablation.options);
    all.push_back(std::move(ablation));
  };
  add("tuning", "--tuning 0", [](ModelOptions& options) { options.tuning = 0; });
  add("packing", "--no-pack", [](ModelOptions& options) { options.pack_weights = false; });
  add("int8", "--math f32", [](ModelOptions& options) { options.math = "f32"; });
  add("memory reuse", "--no-reuse", [](ModelOptions& options) { options.reuse_memory = false; });
  if (each_pass)
    for (const auto& pass : passes) all.push_back(without_passes(whole, pass, {pass}));
  return all;
}

void measure_ablations(Model& whole, const std::string& model, const std::vector<AblateTest>& tests,
                       int repeats, StatusLine& status, std::vector<Ablation>& all) {
  for (auto& ablation : all) {
    status.show("without " + ablation.name);
    Model without = Model::load(model, ablation.options);
    ablation.memory = without.inspect().memory;
    for (const auto& test : tests) {
      std::vector<double> whole_rates;
      std::vector<double> rates;
      test.tokens_per_s(whole);
      test.tokens_per_s(without);
      for (int i = 0; i < repeats; ++i) {
        whole_rates.push_back(test.tokens_per_s(whole));
        rates.push_back(test.tokens_per_s(without));
      }
      ablation.whole_rates.push_back(median(whole_rates));
      ablation.rates.push_back(median(rates));
    }
  }
}

std::string ablation_table(const Model& whole, const std::vector<AblateTest>& tests,
                           const std::vector<Ablation>& all) {
  std::vector<std::string> head = {"without", "the same by"};
  for (const auto& test : tests) {
    head.push_back(test.name + " t/s");
    head.push_back("with");
    head.push_back("gain");
  }
  head.insert(head.end(), {"arena", "weights"});
  std::vector<std::vector<std::string>> rows = {head};
  for (const auto& ablation : all) {
    std::vector<std::string> row = {ablation.name, ablation.words.empty() ? "(none)" : ablation.words};
    for (std::size_t i = 0; i < tests.size(); ++i) {
      row.push_back(format_number(ablation.rates[i], 1));
      row.push_back(format_number(ablation.whole_rates[i], 1));
      row.push_back(gain_text(ablation.whole_rates[i], ablation.rates[i]));
    }
    for (auto& column : memory_columns(ablation.memory)) row.push_back(std::move(column));
    rows.push_back(std::move(row));
  }
  std::vector<std::string> last = {"nothing", ""};
  last.resize(2 + 3 * tests.size());
  for (auto& column : memory_columns(whole.inspect().memory)) last.push_back(std::move(column));
  rows.push_back(std::move(last));
  return format_table(rows, 2) +
         "medians; each run without something follows one with everything (with), gain is with / without\n";
}

std::string ablation_json(const Model& whole, const std::vector<AblateTest>& tests,
                          const std::vector<Ablation>& all) {
  std::string text = "{\"with_everything\": {" + memory_json(whole.inspect().memory) + "}, \"without\": [";
  bool first = true;
  for (const auto& ablation : all) {
    text += first ? "\n {" : ",\n {";
    first = false;
    text += "\"name\": " + json_string(ablation.name) + ", \"words\": " + json_string(ablation.words) +
            ", \"tests\": [";
    for (std::size_t i = 0; i < tests.size(); ++i)
      text += (i == 0 ? "" : ", ") + ("{\"test\": " + json_string(tests[i].name)) +
              ", \"tokens_per_s\": " + json_number(ablation.rates[i]) +
              ", \"tokens_per_s_with_everything\": " + json_number(ablation.whole_rates[i]) +
              ", \"gain\": " + json_number(ablation.whole_rates[i] / ablation.rates[i]) + "}";
    text += "], " + memory_json(ablation.memory) + "}";
  }
  return text + "]}\n";
}

}  // namespace lathe::apps
