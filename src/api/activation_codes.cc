#include "api/activation_codes.h"

#include <algorithm>
#include <array>
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

struct Kind {
  std::string_view name;
  std::int64_t group;  // as ActivationCodes has it
};
constexpr std::string_view kFineActivations;
constexpr std::array kKinds = {Kind{kFineActivations, 32}, Kind{"32", 32}, Kind{"256", 256}, Kind{"row", 0},
                               Kind{kStaticActivations, 32}};

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
Sequences calibration_sequences(const std::string& path, ModelOptions options) {
  options.weights = false;
  const ModelImplementation model(path, options);
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
bool can_be_calibrated(const std::string& path, ModelOptions options) {
  options.weights = false;
  const ModelImplementation model(path, options);
  const auto& tensors = model.checkpoint->tensors;
  const bool stored = std::ranges::any_of(
      tensors, [](const auto& tensor) { return is_block_quantized(tensor.second.dtype); });
  const bool made = options.weight_type == "q8" || options.weight_type == "q4";
  const auto memory = memory_available();
  const std::uint64_t bytes =
      made ? static_cast<std::uint64_t>(model.info.parameters) * 5 / 4 : model.info.tensor_bytes;
  return (stored || made) && (!memory || bytes <= memory->bytes / 2);
}

/// The text's beginning is enough to find columns: the same ones are great in every text.
void choose_fine(ActivationCodes& codes, const std::string& path, const ModelOptions& options) {
  auto sequences = calibration_sequences(path, options);
  sequences.resize(std::min<std::size_t>(sequences.size(), 1));
  std::map<std::string, std::vector<std::int32_t>> chosen;  // by input, which several matrices may share
  observe_linear_inputs(
      path, options, sequences,
      [&](const LinearInput& input) {
        if (input.columns % kActivationBlock != 0 || input.expert >= 0) return;
        const auto [known, fresh] = chosen.try_emplace(input.input);
        if (fresh) known->second = choose_fine_columns(input.rows, input.columns, kFineLimits).columns;
        codes.fine[input.constant] = known->second;
      },
      ObservedMath::int8);
}

}  // namespace

void require_known_activations(const ModelOptions& options) { kind_named(options.activations); }

ActivationCodes activation_codes(const std::string& path, const ModelOptions& options) {
  ActivationCodes codes;
  codes.group = kind_named(options.activations).group;
  if (options.math != "int8") return codes;
  if (options.activations == kFineActivations && can_be_calibrated(path, options))
    choose_fine(codes, path, options);
  if (options.activations != kStaticActivations) return codes;
  std::map<std::string, ColumnRanges> held;  // by constant
  observe_linear_inputs(path, options, calibration_sequences(path, options), [&](const LinearInput& input) {
    if (input.columns % kActivationBlock == 0) held[input.constant].add(input.rows, input.columns);
  });
  for (const auto& [constant, ranges] : held) {
    const FineChoice choice = choose_static_fine_columns(ranges, kStaticLimits);
    codes.ranges[constant] = block_ranges(ranges, choice.columns);
    codes.fine[constant] = choice.columns;
  }
  return codes;
}

}  // namespace lathe
