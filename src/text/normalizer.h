// What happens to text before it is cut into words: the steps of a tokenizer.json, in order.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "text/tokenizer_pipeline.h"

namespace lathe {

class Normalizer {
 public:
  /// Throws Error(unsupported) for a pattern that cannot be read, Error(invalid_model) for a broken character
  /// map.
  explicit Normalizer(const std::vector<normalize::Step>& steps);

  bool empty() const { return steps_.empty(); }
  /// `text` is whole characters, and so is the result. Throws Error(resource_limit) where a pattern takes too
  /// much, or the text grows over 2^31 - 1 bytes.
  std::string apply(std::string_view text) const;

  /// Whether the first character of the result is still the first of `text`, and not one behind it or what
  /// several became.
  bool keeps_first(std::string_view text) const;

  struct Step {
    std::function<std::string(std::string_view)> apply;
    std::function<bool(std::string_view)> keeps_first;
  };

 private:
  std::vector<Step> steps_;
};

}  // namespace lathe
