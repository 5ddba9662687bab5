// What the float32 oracle says of one model; the bytes of *.golden are drawn in tools/golden_file.py.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace lathe::golden {

struct Row {
  float log_sum_exp = 0;
  std::vector<std::int32_t> top_ids;  // [top], likeliest first
  std::vector<float> top_logits;      // [top]
  std::vector<float> fixed_logits;    // [fixed], of Golden::fixed_ids
};

struct Prompt {
  std::string name;
  std::string text;
  bool parse_special = false;
  std::vector<std::int32_t> ids;     // [tokens]
  std::vector<Row> rows;             // [tokens]
  std::vector<std::int32_t> greedy;  // what follows
};

struct DivergenceRow {
  float tail_mass = 0;                   // the probability of all but the ranked ids
  std::vector<std::int32_t> ranked_ids;  // the likeliest
  std::vector<float> ranked_logp;
  std::vector<std::int32_t> drawn_ids;  // from the tail, with probability proportional to the oracle's
  std::vector<float> drawn_logp;

  /// The Kullback-Leibler divergence of a run's distribution from the oracle's, from the run's logits.
  double estimate(std::span<const float> logits) const;
};

struct Golden {
  std::uint32_t vocabulary = 0;
  std::vector<std::int32_t> fixed_ids;
  std::vector<Prompt> prompts;
  std::vector<std::int32_t> divergence_ids;    // [positions]
  std::vector<DivergenceRow> divergence_rows;  // [positions]
};

/// Throws Error where the file is not what golden_file.py writes.
Golden read_golden(const std::string& path);

double log_sum_exp(std::span<const float> logits);

}  // namespace lathe::golden
