// config.json, read key by key. Whatever it says is either read, or known to change no arithmetic, or
// refused: nothing is ignored in silence.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"

namespace lathe {

/// A key that is null counts as missing. Errors name file, key and value.
class FolderConfig {
 public:
  /// `place` is what messages show before a key: "" at the top, "rope_parameters." in an object.
  FolderConfig(const Json& object, std::string file, std::string place = "");

  bool has(std::string_view key) const;
  /// Required or optional values, checked for type and range: Error(invalid_model).
  std::int64_t integer(std::string_view key, std::int64_t minimum, std::int64_t maximum);
  std::int64_t integer_or(std::string_view key, std::int64_t fallback, std::int64_t minimum,
                          std::int64_t maximum);
  double real(std::string_view key);  // finite; an integer will do
  double real_or(std::string_view key, double fallback);
  double positive(std::string_view key);  // greater than 0
  bool boolean_or(std::string_view key, bool fallback);
  std::string text(std::string_view key);
  std::optional<std::string> optional_text(std::string_view key);
  std::vector<double> reals(std::string_view key);
  std::vector<std::string> texts(std::string_view key);
  /// The value as it stands, counted as read; nullptr where it is missing.
  const Json* find(std::string_view key);
  /// An object's own keys; they count as read through the returned reader, which finish_object() must be
  /// given.
  std::optional<FolderConfig> object(std::string_view key);
  /// As finish(), whose keys become some of this one's.
  void finish_object(const FolderConfig& object);

  /// Of all members, in their order; none counts as read.
  std::vector<std::string> keys() const;

  /// For what the architecture computes in one way alone: missing, or one of `values`; otherwise
  /// Error(unsupported) with key and value.
  void expect(std::string_view key, std::initializer_list<Json> values);
  /// Counts as read and means nothing to the arithmetic.
  void ignore(std::initializer_list<std::string_view> keys);

  /// Error(unsupported) for a key that nobody read, sounds like arithmetic (scale, norm, rope, act, bias,
  /// head, window, expert, quantization, ...) and is not null, false or empty. Returns the other keys that
  /// nobody read, for `inspect` to list; those known to be harmless everywhere (dropout, dtype, use_cache,
  /// ...) are among them.
  std::vector<std::string> finish() const;

  [[noreturn]] void fail(const std::string& message, std::string_view key) const;    // Error(invalid_model)
  [[noreturn]] void refuse(const std::string& message, std::string_view key) const;  // Error(unsupported)

 private:
  const Json* object_;
  std::string file_;
  std::string place_;
  std::set<std::string, std::less<>> read_;
  std::vector<std::string> unused_in_objects_;
};

}  // namespace lathe
