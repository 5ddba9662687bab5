#include "formats/checkpoint.h"

#include <cmath>
#include <limits>

#include "base/error.h"

namespace lathe {
namespace {

const MetadataValue* find(const Checkpoint& checkpoint, std::string_view key) {
  const auto entry = checkpoint.metadata.find(key);
  return entry == checkpoint.metadata.end() ? nullptr : &entry->second;
}

const MetadataValue& require(const Checkpoint& checkpoint, std::string_view key) {
  const MetadataValue* value = find(checkpoint, key);
  if (value == nullptr) checkpoint.fail("a required key is missing", key);
  return *value;
}

// nullptr if the key is missing; an error if it holds another type.
template <class T>
const T* find_as(const Checkpoint& checkpoint, std::string_view key, const char* type) {
  const MetadataValue* value = find(checkpoint, key);
  if (value == nullptr) return nullptr;
  const T* typed = std::get_if<T>(value);
  if (typed == nullptr) checkpoint.fail(std::string("the value must be ") + type, key);
  return typed;
}

}  // namespace

bool Checkpoint::has(std::string_view key) const { return find(*this, key) != nullptr; }

std::int64_t Checkpoint::integer(std::string_view key, std::int64_t minimum, std::int64_t maximum) const {
  const MetadataValue& value = require(*this, key);
  const auto* whole = std::get_if<std::int64_t>(&value);
  const auto* natural = std::get_if<std::uint64_t>(&value);
  if (whole == nullptr && natural == nullptr) fail("the value must be an integer", key);
  const bool fits =
      whole != nullptr || *natural <= static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
  const std::int64_t number = whole != nullptr ? *whole : static_cast<std::int64_t>(*natural);
  if (!fits || number < minimum || number > maximum)
    fail("the value " + (whole != nullptr ? std::to_string(*whole) : std::to_string(*natural)) +
             " is not from " + std::to_string(minimum) + " to " + std::to_string(maximum),
         key);
  return number;
}

std::int64_t Checkpoint::integer_or(std::string_view key, std::int64_t fallback, std::int64_t minimum,
                                    std::int64_t maximum) const {
  return has(key) ? integer(key, minimum, maximum) : fallback;
}

double Checkpoint::real(std::string_view key) const {
  const MetadataValue& value = require(*this, key);
  if (const auto* whole = std::get_if<std::int64_t>(&value)) return static_cast<double>(*whole);
  if (const auto* natural = std::get_if<std::uint64_t>(&value)) return static_cast<double>(*natural);
  const auto* number = std::get_if<double>(&value);
  if (number == nullptr) fail("the value must be a number", key);
  if (!std::isfinite(*number)) fail("the value must be finite", key);
  return *number;
}

double Checkpoint::real_or(std::string_view key, double fallback) const {
  return has(key) ? real(key) : fallback;
}

bool Checkpoint::boolean_or(std::string_view key, bool fallback) const {
  const bool* value = find_as<bool>(*this, key, "a boolean");
  return value != nullptr ? *value : fallback;
}

const std::string& Checkpoint::text(std::string_view key) const {
  require(*this, key);
  return *find_as<std::string>(*this, key, "a string");
}

std::optional<std::string> Checkpoint::optional_text(std::string_view key) const {
  const auto* value = find_as<std::string>(*this, key, "a string");
  return value != nullptr ? std::optional(*value) : std::nullopt;
}

const std::vector<std::string>* Checkpoint::strings(std::string_view key) const {
  return find_as<std::vector<std::string>>(*this, key, "an array of strings");
}

const std::vector<double>* Checkpoint::reals(std::string_view key) const {
  return find_as<std::vector<double>>(*this, key, "an array of floats");
}

const std::vector<std::int64_t>* Checkpoint::integers(std::string_view key) const {
  return find_as<std::vector<std::int64_t>>(*this, key, "an array of integers");
}

const TensorView* Checkpoint::find_tensor(std::string_view name) const {
  const auto entry = tensors.find(std::string(name));
  return entry == tensors.end() ? nullptr : &entry->second;
}

void Checkpoint::fail(const std::string& message, std::string_view field) const {
  throw Error(ErrorCode::invalid_model, message, {file, std::nullopt, std::string(field)});
}

}  // namespace lathe
