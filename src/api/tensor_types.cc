#include "api/tensor_types.h"

#include <algorithm>

#include "base/error.h"
#include "models/weight_type.h"
#include "quant/quantize_rows.h"

namespace lathe {
namespace {

[[noreturn]] void fail(const std::string& message, const std::string& field) {
  throw Error(ErrorCode::invalid_argument, message, {{}, std::nullopt, field});
}

std::string lower(std::string text) {
  std::ranges::transform(text, text.begin(),
                         [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  return text;
}

Dtype type_named(const std::string& name, const std::string& choice) {
  if (const auto dtype = dtype_named(lower(name)); dtype && can_quantize(*dtype)) return *dtype;
  fail("\"" + printable(choice) + "\" names no type that is written: \"" + printable(name) + "\"",
       "type-for");
}

bool is_float(Dtype dtype) { return dtype == Dtype::f16 || dtype == Dtype::bf16 || dtype == Dtype::f64; }

}  // namespace

const TypeMix& require_type_mix(const std::string& name) {
  if (const TypeMix* mix = find_type_mix(name)) return *mix;
  std::string known;
  for (const TypeMix& mix : type_mixes()) known += (known.empty() ? "" : ", ") + std::string(mix.name);
  fail("there is no type \"" + printable(name) + "\"; these are: " + known, "type");
}

ChosenTypes::ChosenTypes(const std::vector<std::string>& choices) {
  for (const std::string& choice : choices) {
    const auto equals = choice.rfind('=');
    if (equals == std::string::npos || equals == 0)
      fail("\"" + printable(choice) + "\" is not REGEX=TYPE", "type-for");
    std::unique_ptr<const Regex> regex;
    try {
      regex = std::make_unique<const Regex>(choice.substr(0, equals));
    } catch (const Error& error) {
      fail(error.what(), "type-for");
    }
    choices_.push_back({choice, std::move(regex), type_named(choice.substr(equals + 1), choice)});
  }
}

bool ChosenTypes::names(const Choice& choice, const std::string& name) const {
  std::vector<TextRange> pieces;
  choice.regex->find(name, pieces);
  return std::ranges::any_of(pieces, &TextRange::match);
}

std::optional<Dtype> ChosenTypes::type_of(const std::string& name) const {
  const auto found =
      std::ranges::find_if(choices_, [&](const Choice& choice) { return names(choice, name); });
  if (found == choices_.end()) return std::nullopt;
  return found->dtype;
}

void ChosenTypes::require_matrices(const Checkpoint& checkpoint) const {
  for (const Choice& choice : choices_) {
    const bool found = std::ranges::any_of(checkpoint.tensor_names, [&](const std::string& name) {
      return is_computed_matrix(name, checkpoint.tensors.at(name).shape) && names(choice, name);
    });
    if (!found) fail("\"" + printable(choice.text) + "\" names no matrix of the model", "type-for");
  }
}

TensorType tensor_type(const std::string& name, const TensorView& tensor, const TypeRules& rules,
                       const ChosenTypes& chosen) {
  if (!is_computed_matrix(name, tensor.shape)) {
    const Dtype dtype = is_float(tensor.dtype) ? Dtype::f32 : tensor.dtype;
    return {dtype, dtype};
  }
  const Dtype wanted = chosen.type_of(name).value_or(rules.type_of(name, tensor.shape));
  const Dtype dtype = fitting_type(wanted, tensor.columns());
  if (dtype != tensor.dtype && !can_quantize(dtype))
    throw Error(ErrorCode::unsupported, "nothing writes " + std::string(info(dtype).name) + " yet",
                {{}, std::nullopt, printable(name)});
  return {dtype, wanted};
}

}  // namespace lathe
