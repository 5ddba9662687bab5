#include "api/layer_types.h"

#include <algorithm>
#include <memory>

#include "base/error.h"
#include "text/regex.h"

namespace lathe {
namespace {

[[noreturn]] void refuse(const std::string& message, const char* option) {
  throw Error(ErrorCode::invalid_argument, message, {{}, std::nullopt, option});
}

LayerType require_type(const std::string& name, const char* option) {
  if (const auto type = layer_type_named(name)) return *type;
  refuse("there is no precision \"" + printable(name) + "\"; there are int8, bf16 and f32", option);
}

struct Rule {
  std::unique_ptr<const Regex> regex;
  LayerType type;
  bool used = false;

  bool names(const std::string& layer) const {
    std::vector<TextRange> pieces;
    regex->find(layer, pieces);
    return std::ranges::any_of(pieces, &TextRange::match);
  }
};

std::vector<Rule> read_rules(const PrecisionOptions& options) {
  std::vector<Rule> rules;
  for (const auto& [text, type] : options.layers) try {
      rules.push_back({std::make_unique<const Regex>(text), require_type(type, "layer-precision"), false});
    } catch (const Error& error) {
      if (error.code() == ErrorCode::invalid_argument) throw;
      refuse(error.what(), "layer-precision");
    }
  return rules;
}

/// A Conv that has no bf16 is one of groups of one channel.
[[noreturn]] void refuse_type(const WeightedLayer& layer, LayerType type) {
  refuse(printable(layer.name) + (layer.op == "Conv" ? " is a depthwise " : " is a ") + layer.op +
             ", which has no " + std::string(layer_type_name(type)) + " kernels",
         "layer-precision");
}

bool can_have(const WeightedLayer& layer, LayerType type) {
  return type != LayerType::bf16 || layer.takes_bf16;
}

}  // namespace

std::vector<AllowedTypes> allowed_types(const PrecisionOptions& options,
                                        std::span<const WeightedLayer> layers) {
  std::vector<LayerType> all;
  for (const auto& name : options.types) {
    const LayerType type = require_type(name, "precision");
    if (std::ranges::find(all, type) == all.end()) all.push_back(type);
  }
  if (all.empty()) all = {LayerType::f32, LayerType::bf16, LayerType::int8};
  std::vector<Rule> rules = read_rules(options);
  std::vector<AllowedTypes> result;
  for (const auto& layer : layers) {
    AllowedTypes allowed{all, false};
    for (auto& rule : rules) {
      if (!rule.names(layer.name)) continue;
      rule.used = true;
      allowed = {{rule.type}, true};
      if (!can_have(layer, rule.type)) refuse_type(layer, rule.type);
    }
    std::erase_if(allowed.types, [&](LayerType type) { return !can_have(layer, type); });
    if (allowed.types.empty()) allowed.types = {LayerType::f32};
    result.push_back(std::move(allowed));
  }
  for (std::size_t i = 0; i < rules.size(); ++i)
    if (!rules[i].used)
      refuse("\"" + printable(options.layers[i].first) + "\" names no layer of the network",
             "layer-precision");
  return result;
}

}  // namespace lathe
