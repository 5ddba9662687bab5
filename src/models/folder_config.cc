#include "models/folder_config.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "base/error.h"

namespace lathe {
namespace {

// Keys that sound like arithmetic and change nothing in a forward pass: training's, those that say what
// transformers hands out besides logits, how it computes, or how it samples. Others that change nothing need
// no row here.
constexpr std::string_view kHarmless[] = {
    "_attn_implementation",
    "_attn_implementation_autoset",
    "_flash_attn_2_enabled",
    "attention_dropout",
    "attention_probs_dropout",
    "attention_probs_dropout_prob",
    "attn_implementation",
    "attn_pdrop",
    "chunk_size_feed_forward",
    "encoder_no_repeat_ngram_size",
    "hidden_dropout",
    "hidden_dropout_prob",
    "no_repeat_ngram_size",
    "output_attentions",
    "output_hidden_states",
    "pruned_heads",
    "rms_norm_eps_dtype",
    "summary_activation",
    "temperature",
    "use_flash_attention",
    "use_flash_attn",
};

// Parts of names that speak of arithmetic.
constexpr std::string_view kArithmetic[] = {
    "act",      "alibi",    "alpha",  "attention", "attn",        "bias", "cap",      "causal",   "clip",
    "conv",     "eps",      "expert", "factor",    "gate",        "head", "hidden",   "inner",    "layer",
    "logit",    "lora",     "mlp",    "moe",       "mult",        "norm", "parallel", "position", "quant",
    "relative", "residual", "rope",   "rotary",    "router",      "scal", "shared",   "sink",     "size",
    "sliding",  "softmax",  "sparse", "state",     "temperature", "tie",  "topk",     "window",
};

bool sounds_like_arithmetic(std::string_view key) {
  return std::any_of(std::begin(kArithmetic), std::end(kArithmetic),
                     [&](std::string_view part) { return key.find(part) != std::string_view::npos; });
}

/// Values that mean "not used"; but a false kSpeakingFalse is another model.
bool says_nothing(std::string_view key, const Json& value) {
  constexpr std::string_view kSpeakingFalse = "is_causal";
  return (value == Json(false) && key != kSpeakingFalse) || value == Json("") ||
         (!value.is_primitive() && value.empty()) || value.is_null();
}

std::string shown(const Json& value) { return printable(dump_json(value), 100); }

}  // namespace

FolderConfig::FolderConfig(const Json& object, std::string file, std::string place)
    : object_(&object), file_(std::move(file)), place_(std::move(place)) {
  if (!object.is_object())
    throw Error(ErrorCode::invalid_model, "must be a JSON object", {file_, std::nullopt, place_});
}

bool FolderConfig::has(std::string_view key) const {
  const auto entry = object_->find(key);
  return entry != object_->end() && !entry->is_null();
}

const Json* FolderConfig::find(std::string_view key) {
  read_.emplace(key);
  const auto entry = object_->find(key);
  return entry == object_->end() || entry->is_null() ? nullptr : &*entry;
}

std::int64_t FolderConfig::integer(std::string_view key, std::int64_t minimum, std::int64_t maximum) {
  const Json* value = find(key);
  if (value == nullptr) fail("a required key is missing", key);
  if (!value->is_number_integer()) fail("the value " + shown(*value) + " must be an integer", key);
  const bool fits =
      !value->is_number_unsigned() ||
      value->get<std::uint64_t>() <= static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
  if (!fits || value->get<std::int64_t>() < minimum || value->get<std::int64_t>() > maximum)
    fail("the value " + shown(*value) + " is not from " + std::to_string(minimum) + " to " +
             std::to_string(maximum),
         key);
  return value->get<std::int64_t>();
}

std::int64_t FolderConfig::integer_or(std::string_view key, std::int64_t fallback, std::int64_t minimum,
                                      std::int64_t maximum) {
  return find(key) == nullptr ? fallback : integer(key, minimum, maximum);
}

double FolderConfig::real(std::string_view key) {
  const Json* value = find(key);
  if (value == nullptr) fail("a required key is missing", key);
  if (!value->is_number() || !std::isfinite(value->get<double>()))
    fail("the value " + shown(*value) + " must be a finite number", key);
  return value->get<double>();
}

double FolderConfig::real_or(std::string_view key, double fallback) {
  return find(key) == nullptr ? fallback : real(key);
}

double FolderConfig::positive(std::string_view key) {
  const double value = real(key);
  if (!(value > 0)) fail("the value " + shown(*find(key)) + " must be greater than 0", key);
  return value;
}

bool FolderConfig::boolean_or(std::string_view key, bool fallback) {
  const Json* value = find(key);
  if (value == nullptr) return fallback;
  if (!value->is_boolean()) fail("the value " + shown(*value) + " must be true or false", key);
  return value->get<bool>();
}

std::optional<std::string> FolderConfig::optional_text(std::string_view key) {
  const Json* value = find(key);
  if (value == nullptr) return std::nullopt;
  if (!value->is_string()) fail("the value " + shown(*value) + " must be a string", key);
  return value->get<std::string>();
}

std::string FolderConfig::text(std::string_view key) {
  auto value = optional_text(key);
  if (!value) fail("a required key is missing", key);
  return *std::move(value);
}

std::vector<double> FolderConfig::reals(std::string_view key) {
  const Json* value = find(key);
  std::vector<double> numbers;
  if (value == nullptr) return numbers;
  if (!value->is_array()) fail("the value must be a list of numbers", key);
  for (const Json& item : *value) {
    if (!item.is_number() || !std::isfinite(item.get<double>()))
      fail("the value " + shown(item) + " in the list must be a finite number", key);
    numbers.push_back(item.get<double>());
  }
  return numbers;
}

std::vector<std::string> FolderConfig::texts(std::string_view key) {
  const Json* value = find(key);
  std::vector<std::string> strings;
  if (value == nullptr) return strings;
  if (!value->is_array()) fail("the value must be a list of strings", key);
  for (const Json& item : *value) {
    if (!item.is_string()) fail("the value " + shown(item) + " in the list must be a string", key);
    strings.push_back(item.get<std::string>());
  }
  return strings;
}

std::optional<FolderConfig> FolderConfig::object(std::string_view key) {
  const Json* value = find(key);
  if (value == nullptr) return std::nullopt;
  if (!value->is_object()) fail("the value " + shown(*value) + " must be an object", key);
  return FolderConfig(*value, file_, place_ + std::string(key) + ".");
}

void FolderConfig::finish_object(const FolderConfig& object) {
  for (auto& key : object.finish()) unused_in_objects_.push_back(std::move(key));
}

std::vector<std::string> FolderConfig::keys() const {
  std::vector<std::string> keys;
  for (const auto& [key, value] : object_->items()) keys.push_back(key);
  return keys;
}

void FolderConfig::expect(std::string_view key, std::initializer_list<Json> values) {
  const Json* value = find(key);
  if (value == nullptr || std::find(values.begin(), values.end(), *value) != values.end()) return;
  refuse("the value " + shown(*value) + " is not supported", key);
}

void FolderConfig::ignore(std::initializer_list<std::string_view> keys) {
  for (const auto key : keys) read_.emplace(key);
}

std::vector<std::string> FolderConfig::finish() const {
  std::vector<std::string> unused = unused_in_objects_;
  for (const auto& [key, value] : object_->items()) {
    if (read_.contains(key)) continue;
    const bool harmless = std::find(std::begin(kHarmless), std::end(kHarmless), key) != std::end(kHarmless);
    if (!harmless && !says_nothing(key, value) && sounds_like_arithmetic(key))
      refuse("the value " + shown(value) + " asks for something that is not supported", key);
    unused.push_back(place_ + key);
  }
  return unused;
}

void FolderConfig::fail(const std::string& message, std::string_view key) const {
  throw Error(ErrorCode::invalid_model, message, {file_, std::nullopt, place_ + printable(std::string(key))});
}

void FolderConfig::refuse(const std::string& message, std::string_view key) const {
  throw Error(ErrorCode::unsupported, message, {file_, std::nullopt, place_ + printable(std::string(key))});
}

}  // namespace lathe
