#include "formats/checkpoint.h"

#include <cmath>
#include <limits>

#include "base/error.h"

namespace lathe {

const MetadataValue* Checkpoint::value(std::string_view key) const {
  const auto entry = metadata.find(key);
  if (entry == metadata.end()) return nullptr;
  const std::lock_guard lock(read_keys_->mutex);
  read_keys_->keys.emplace(key);
  return &entry->second;
}

const MetadataValue& Checkpoint::require(std::string_view key) const {
  const MetadataValue* found = value(key);
  if (found == nullptr) fail("a required key is missing", key);
  return *found;
}

// nullptr if the key is missing; an error if it holds another type.
template <class T>
const T* Checkpoint::find_as(std::string_view key, const char* type) const {
  const MetadataValue* found = value(key);
  if (found == nullptr) return nullptr;
  const T* typed = std::get_if<T>(found);
  if (typed == nullptr) fail(std::string("the value must be ") + type, key);
  return typed;
}

bool Checkpoint::has(std::string_view key) const { return value(key) != nullptr; }

std::int64_t Checkpoint::integer(std::string_view key, std::int64_t minimum, std::int64_t maximum) const {
  const MetadataValue& value = require(key);
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
  const MetadataValue& value = require(key);
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
  const bool* value = find_as<bool>(key, "a boolean");
  return value != nullptr ? *value : fallback;
}

const std::string& Checkpoint::text(std::string_view key) const {
  require(key);
  return *find_as<std::string>(key, "a string");
}

std::optional<std::string> Checkpoint::optional_text(std::string_view key) const {
  const auto* value = find_as<std::string>(key, "a string");
  return value != nullptr ? std::optional(*value) : std::nullopt;
}

const std::vector<std::string>* Checkpoint::strings(std::string_view key) const {
  return find_as<std::vector<std::string>>(key, "an array of strings");
}

const std::vector<double>* Checkpoint::reals(std::string_view key) const {
  return find_as<std::vector<double>>(key, "an array of floats");
}

const std::vector<std::int64_t>* Checkpoint::integers(std::string_view key) const {
  return find_as<std::vector<std::int64_t>>(key, "an array of integers");
}

std::vector<std::string> Checkpoint::unread_keys(std::string_view prefix) const {
  const std::lock_guard lock(read_keys_->mutex);
  std::vector<std::string> unread;
  for (const auto& [key, value] : metadata)
    if (key.starts_with(prefix) && !read_keys_->keys.contains(key)) unread.push_back(key);
  return unread;
}

const TensorView* Checkpoint::find_tensor(std::string_view name) const {
  const auto entry = tensors.find(std::string(name));
  return entry == tensors.end() ? nullptr : &entry->second;
}

void Checkpoint::fail(const std::string& message, std::string_view field) const {
  throw Error(ErrorCode::invalid_model, message, {file, std::nullopt, std::string(field)});
}

}  // namespace lathe
