// Which type each tensor of a model is written in.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "formats/checkpoint.h"
#include "models/type_mix.h"
#include "text/regex.h"

namespace lathe {

/// The mix of that name; throws Error(invalid_argument) with the names there are.
const TypeMix& require_type_mix(const std::string& name);

/// Choices of a user, "REGEX=TYPE": matrices whose name the expression is found in get that type.
class ChosenTypes {
 public:
  /// Throws Error(invalid_argument) naming the choice whose expression or type is wrong.
  explicit ChosenTypes(const std::vector<std::string>& choices);

  /// Of the first choice that names the tensor; empty where none does.
  std::optional<Dtype> type_of(const std::string& name) const;
  /// Throws Error(invalid_argument) naming a choice that names no matrix of the model.
  void require_matrices(const Checkpoint& checkpoint) const;

 private:
  struct Choice {
    std::string text;
    std::unique_ptr<const Regex> regex;
    Dtype dtype;
  };
  bool names(const Choice& choice, const std::string& name) const;
  std::vector<Choice> choices_;
};

struct TensorType {
  Dtype dtype = Dtype::f32;   // as written
  Dtype wanted = Dtype::f32;  // another one where the shape has no place for it
};

/// What has no choice and no rule, norms and the like, becomes f32 where it is stored as floats and stays
/// where it is not. Throws Error(unsupported) for a type that nothing writes.
TensorType tensor_type(const std::string& name, const TensorView& tensor, const TypeRules& rules,
                       const ChosenTypes& chosen);

}  // namespace lathe
