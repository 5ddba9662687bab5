#include "golden/golden.h"

#include <algorithm>
#include <cmath>
#include <cstddef>

#include "base/checked_reader.h"
#include "base/mapped_file.h"

namespace lathe::golden {
namespace {

constexpr std::uint32_t kMagic = 0x444c474c;  // "LGLD"
constexpr std::uint32_t kVersion = 1;
constexpr std::uint32_t kParseSpecial = 1;

struct Counts {
  std::uint32_t vocabulary, prompts, fixed, top, greedy, positions, ranked, drawn;
};

template <class T>
std::vector<T> take(CheckedReader& reader, std::uint64_t count, std::string_view what) {
  std::vector<T> values(reader.require_records(count, sizeof(T), what));
  for (T& value : values) value = reader.read<T>(what);
  return values;
}

std::vector<std::int32_t> take_ids(CheckedReader& reader, const Counts& counts, std::uint64_t count,
                                   std::string_view what) {
  auto ids = take<std::int32_t>(reader, count, what);
  for (const std::int32_t id : ids)
    if (id < 0 || static_cast<std::uint32_t>(id) >= counts.vocabulary)
      reader.fail("an id beyond the vocabulary");
  return ids;
}

std::string take_text(CheckedReader& reader, std::uint64_t bytes) {
  const auto span = reader.take(bytes, "text");
  return {reinterpret_cast<const char*>(span.data()), span.size()};
}

Prompt take_prompt(CheckedReader& reader, const Counts& counts) {
  Prompt prompt;
  const auto name_bytes = reader.read<std::uint32_t>("name bytes");
  const auto text_bytes = reader.read<std::uint32_t>("text bytes");
  prompt.parse_special = (reader.read<std::uint32_t>("flags") & kParseSpecial) != 0;
  const auto tokens = reader.read<std::uint32_t>("tokens");
  prompt.name = take_text(reader, name_bytes);
  prompt.text = take_text(reader, text_bytes);
  reader.take(-(std::uint64_t{name_bytes} + text_bytes) % 4, "padding");
  prompt.ids = take_ids(reader, counts, tokens, "prompt");
  for (std::uint32_t position = 0; position < tokens; ++position) {
    Row& row = prompt.rows.emplace_back();
    row.log_sum_exp = reader.read<float>("log-sum-exp");
    row.top_ids = take_ids(reader, counts, counts.top, "top ids");
    row.top_logits = take<float>(reader, counts.top, "top logits");
    row.fixed_logits = take<float>(reader, counts.fixed, "fixed logits");
  }
  prompt.greedy = take_ids(reader, counts, counts.greedy, "greedy ids");
  return prompt;
}

DivergenceRow take_divergence_row(CheckedReader& reader, const Counts& counts) {
  DivergenceRow row;
  row.tail_mass = reader.read<float>("tail mass");
  row.ranked_ids = take_ids(reader, counts, counts.ranked, "ranked ids");
  row.ranked_logp = take<float>(reader, counts.ranked, "ranked log-probabilities");
  row.drawn_ids = take_ids(reader, counts, counts.drawn, "drawn ids");
  row.drawn_logp = take<float>(reader, counts.drawn, "drawn log-probabilities");
  return row;
}

/// g(q/p) of the head of golden_file.py, from ln q/p.
double gap(double log_ratio) { return std::expm1(log_ratio) - log_ratio; }

}  // namespace

double log_sum_exp(std::span<const float> logits) {
  const float top = *std::max_element(logits.begin(), logits.end());
  double sum = 0;
  for (const float logit : logits) sum += std::exp(static_cast<double>(logit) - top);
  return top + std::log(sum);
}

double DivergenceRow::estimate(std::span<const float> logits) const {
  const double log_sum = log_sum_exp(logits);
  const auto gap_of = [&](std::int32_t id, float logp) {
    return gap(static_cast<double>(logits[static_cast<std::size_t>(id)]) - log_sum - logp);
  };
  double ranked = 0;
  for (std::size_t i = 0; i < ranked_ids.size(); ++i)
    ranked += std::exp(static_cast<double>(ranked_logp[i])) * gap_of(ranked_ids[i], ranked_logp[i]);
  double drawn = 0;
  for (std::size_t i = 0; i < drawn_ids.size(); ++i) drawn += gap_of(drawn_ids[i], drawn_logp[i]);
  return ranked + tail_mass * drawn / static_cast<double>(drawn_ids.size());
}

Golden read_golden(const std::string& path) {
  const auto file = MappedFile::open(path);
  CheckedReader reader(file->bytes(), path);
  if (reader.read<std::uint32_t>("magic") != kMagic || reader.read<std::uint32_t>("version") != kVersion)
    reader.fail("not golden data of version 1");
  Counts counts{};
  counts.vocabulary = reader.read<std::uint32_t>("vocabulary");
  for (std::uint32_t* count : {&counts.prompts, &counts.fixed, &counts.top, &counts.greedy, &counts.positions,
                               &counts.ranked, &counts.drawn}) {
    *count = reader.read<std::uint32_t>("counts");
    if (*count == 0) reader.fail("a count of zero");
  }
  Golden golden;
  golden.vocabulary = counts.vocabulary;
  golden.fixed_ids = take_ids(reader, counts, counts.fixed, "fixed ids");
  for (std::uint32_t i = 0; i < counts.prompts; ++i) golden.prompts.push_back(take_prompt(reader, counts));
  golden.divergence_ids = take_ids(reader, counts, counts.positions, "divergence ids");
  for (std::uint32_t i = 0; i < counts.positions; ++i)
    golden.divergence_rows.push_back(take_divergence_row(reader, counts));
  if (reader.left() != 0) reader.fail("bytes behind the end");
  return golden;
}

}  // namespace lathe::golden
