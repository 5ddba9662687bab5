#include "api/activation_codes.h"

#include <algorithm>
#include <array>
#include <climits>
#include <cmath>
#include <map>
#include <ranges>
#include <string_view>
#include <vector>

#include "api/calibration_text.h"
#include "api/linear_inputs.h"
#include "api/model_implementation.h"
#include "base/error.h"
#include "base/memory_available.h"
#include "quant/activation.h"
#include "quant/block_format.h"
#include "quant/choose_fine.h"

namespace lathe {
namespace {

using namespace std::string_view_literals;

constexpr int kSequenceTokens = 256;
constexpr int kSpreadIds = 256;

/// Inputs of products whose codes are off by less (root of the share of the squares) keep no column fine.
constexpr FineLimits kFineLimits{0.0045, 0.06, 0.25};

/// Of scales known ahead: as many as the input may have. A layer has four inputs, so that 32 of its channels
/// are finer at most.
constexpr FineLimits kStaticLimits{0, 0, 1, 8};
/// The same with a limit of the caller's.
constexpr int kMostStatic = 32;
constexpr FineLimits kNoneFine{0, 0, 1, 0};

struct Kind {
  std::string_view name;
  std::int64_t group;  // as ActivationCodes has it
  bool calibrated;
};
constexpr std::string_view kFineActivations;
constexpr std::string_view kExactCodes = "float32";
constexpr std::array kKinds = {Kind{kFineActivations, 32, true}, Kind{"32", 32, false},
                               Kind{"256", 256, false}, Kind{"row", 0, false},
                               Kind{kStaticActivations, 32, true}};

const Kind& kind_named(const std::string& name) {
  const auto found = std::ranges::find(kKinds, name, &Kind::name);
  if (found == kKinds.end())
    throw Error(ErrorCode::invalid_argument,
                "activations is \"" + printable(name) + "\", not one of 32, 256, row, static",
                {{}, std::nullopt, "activations"});
  return *found;
}

using Sequences = std::vector<std::vector<TokenId>>;

/// The text's lines to an encoder, whose texts are short; to a decoder in sequences of kSequenceTokens.
Sequences calibration_sequences(const ModelImplementation& model) {
  if (model.tokenizer == nullptr) return {some_ids(model.info.vocabulary, kSpreadIds, 0)};
  const bool encoder = model.info.embedding_dimensions > 0;
  const auto most = static_cast<std::size_t>(
      encoder ? model.options.context_tokens : std::min(kSequenceTokens, model.options.context_tokens));
  Sequences sequences;
  for (const auto part : std::views::split(calibration_text(), encoder ? "\n"sv : "\n\n\n"sv)) {
    const auto ids = model.tokenizer->encode({part.begin(), part.end()}, {true, false});
    for (std::size_t first = 0; first < ids.size(); first += most)
      sequences.emplace_back(ids.begin() + static_cast<std::ptrdiff_t>(first),
                             ids.begin() + static_cast<std::ptrdiff_t>(std::min(first + most, ids.size())));
  }
  return sequences;
}

/// Whether the model's matrices meet activations in 8 bits, and fit a second time in half of what memory is
/// left.
bool can_be_calibrated(const ModelImplementation& model) {
  const auto& tensors = model.checkpoint->tensors;
  const bool stored = std::ranges::any_of(
      tensors, [](const auto& tensor) { return is_block_quantized(tensor.second.dtype); });
  const bool made = model.options.weight_type == "q8" || model.options.weight_type == "q4";
  const auto memory = memory_available();
  const std::uint64_t bytes =
      made ? static_cast<std::uint64_t>(model.info.parameters) * 5 / 4 : model.info.tensor_bytes;
  return (stored || made) && (!memory || bytes <= memory->bytes / 2);
}

std::string reason(FineEnd end, const FineLimits& limits) {
  switch (end) {
    case FineEnd::nothing_seen:
      return "the calibration text has nothing for it";
    case FineEnd::within:
      return "within the limit";
    case FineEnd::reached:
      return "these bring it within the limit";
    case FineEnd::little_gain:
      return "no other block's columns take away " + std::to_string(std::lround(limits.least_gain * 100)) +
             " % of the square of the error";
    case FineEnd::full:
      return "as many are fine as may be";
  }
  return {};
}

/// What is chosen for inputs, and why.
class Choices {
 public:
  /// `built`: a plan's, whose products in float32 stay so, and no others.
  Choices(const ModelOptions& options, const std::vector<ActivationInspection>* built)
      : limit_(options.activation_limit), built_(built) {}

  FineLimits limits(const FineLimits& own, int most_columns) const {
    return limit_ > 0 ? FineLimits{limit_, 0, 1, most_columns} : own;
  }
  /// Matrices that share an input share what was chosen for the first.
  void add(const LinearInput& input, const FineChoice& choice, const FineLimits& limits,
           std::string_view codes) {
    const auto [known, fresh] = places_.try_emplace(input.input, chosen_.inputs.size());
    if (fresh) {
      chosen_.inputs.push_back({input.input,
                                {},
                                input.columns,
                                std::string(codes),
                                choice.columns,
                                choice.error_before,
                                choice.error_after,
                                limits.error,
                                reason(choice.end, limits)});
      if (is_exact(input, choice)) {
        ActivationInspection& of = chosen_.inputs.back();
        of.codes = kExactCodes;
        of.fine_columns.clear();
        of.error_after = 0;
        of.reason = "codes stay above the limit";
      }
    }
    ActivationInspection& of = chosen_.inputs[known->second];
    of.weights.push_back(input.constant);
    if (of.codes == kExactCodes)
      chosen_.codes.exact.insert(input.constant);
    else
      chosen_.codes.fine[input.constant] = of.fine_columns;
  }
  ActivationCodes& codes() { return chosen_.codes; }
  ChosenActivations take() { return std::move(chosen_); }

 private:
  bool is_exact(const LinearInput& input, const FineChoice& choice) const {
    if (limit_ <= 0) return false;
    if (built_ == nullptr) return choice.error_after > limit_;
    const auto of = std::ranges::find(*built_, input.input, &ActivationInspection::input);
    return of != built_->end() && of->codes == kExactCodes;
  }

  double limit_;
  const std::vector<ActivationInspection>* built_;
  std::map<std::string, std::size_t> places_;  // of inputs
  ChosenActivations chosen_;
};

bool has_codes(const LinearInput& input) { return input.in_blocks && input.columns % kActivationBlock == 0; }

/// The first ones, of so many tokens together: the same columns are great in every text.
Sequences beginning(Sequences sequences, std::size_t tokens) {
  std::size_t count = 0;
  for (std::size_t have = 0; count < sequences.size() && have < tokens; ++count)
    have += sequences[count].size();
  sequences.resize(count);
  return sequences;
}

/// An input's rows of all sequences, given out with the last one's.
class SequenceRows {
 public:
  explicit SequenceRows(std::size_t sequences) : sequences_(sequences) {}

  /// Empty before the last sequence. `input` is the same matrix's every time.
  std::span<const float> add(const LinearInput& input) {
    if (++seen_ == sequences_ && rows_.empty()) return input.rows;
    rows_.insert(rows_.end(), input.rows.begin(), input.rows.end());
    return seen_ == sequences_ ? std::span<const float>(rows_) : std::span<const float>();
  }
  bool is_last() const { return seen_ == sequences_; }
  void drop() { rows_ = {}; }

 private:
  std::size_t sequences_;
  std::size_t seen_ = 0;
  std::vector<float> rows_;
};

void choose_fine(Choices& choices, Sequences text, const std::string& path, const ModelOptions& options) {
  const Sequences sequences = beginning(std::move(text), kSequenceTokens);
  const FineLimits limits = choices.limits(kFineLimits, INT_MAX);
  std::map<std::string, std::pair<std::string, SequenceRows>> seen;  // by input: a matrix, and the rows
  observe_linear_inputs(
      path, options, sequences,
      [&](const LinearInput& input) {
        if (!has_codes(input) || input.expert >= 0) return;
        auto& [matrix, rows] =
            seen.try_emplace(input.input, input.constant, SequenceRows(sequences.size())).first->second;
        FineChoice choice;
        if (matrix == input.constant) {
          const auto all = rows.add(input);
          if (rows.is_last()) choice = choose_fine_columns(all, input.columns, limits);
          if (rows.is_last()) rows.drop();
        }
        if (rows.is_last()) choices.add(input, choice, limits, "8 bits per 32");
      },
      ObservedMath::int8);
}

void choose_static(Choices& choices, const Sequences& sequences, const std::string& path,
                   const ModelOptions& options) {
  struct Held {
    LinearInput input;  // without rows
    ColumnRanges ranges;
  };
  std::vector<Held> held;
  std::map<std::string, std::size_t> places;  // by constant, in the order of the products
  observe_linear_inputs(path, options, sequences, [&](const LinearInput& input) {
    if (!has_codes(input)) return;
    const auto [known, fresh] = places.try_emplace(input.constant, held.size());
    if (fresh) held.push_back({input, {}});
    held[known->second].input.rows = {};
    held[known->second].ranges.add(input.rows, input.columns);
  });
  for (const auto& [input, ranges] : held) {
    const bool stacked = input.expert >= 0;  // experts have no fine columns
    const FineLimits limits = choices.limits(stacked ? kNoneFine : kStaticLimits, stacked ? 0 : kMostStatic);
    const FineChoice choice = choose_static_fine_columns(ranges, limits);
    choices.add(input, choice, limits, "8 bits known ahead");
    ActivationCodes& codes = choices.codes();
    if (!codes.exact.contains(input.constant))
      codes.ranges[input.constant] = block_ranges(ranges, choice.columns);
  }
}

}  // namespace

void require_known_activations(const ModelOptions& options) {
  const bool calibrated = kind_named(options.activations).calibrated;
  const double limit = options.activation_limit;
  if (!(limit >= 0 && limit <= 1))
    throw Error(ErrorCode::invalid_argument, "activation_limit is outside 0 to 1",
                {{}, std::nullopt, "activation_limit"});
  if (limit > 0 && !calibrated)
    throw Error(ErrorCode::invalid_argument,
                "activation_limit needs calibration, and activations is " + options.activations,
                {{}, std::nullopt, "activation_limit"});
}

ChosenActivations choose_activations(const std::string& path, const ModelOptions& options,
                                     const std::vector<ActivationInspection>* built) {
  const Kind& kind = kind_named(options.activations);
  Choices choices(options, built);
  choices.codes().group = kind.group;
  if (options.math != "int8" || !kind.calibrated) return choices.take();
  ModelOptions without_weights = options;
  without_weights.weights = false;
  const ModelImplementation model(path, without_weights);
  if (options.activations == kStaticActivations)
    choose_static(choices, calibration_sequences(model), path, options);
  else if (can_be_calibrated(model))
    choose_fine(choices, calibration_sequences(model), path, options);
  return choices.take();
}

}  // namespace lathe
