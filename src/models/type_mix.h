// The types that a quantized file's tensors get: the mixes that GGUF's users know by name ("Q4_K_M"), each a
// type for most matrices and rules for those that get another.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "formats/checkpoint.h"
#include "tensor/dtype.h"

namespace lathe {

struct TypeMix {
  std::string_view name;   // "q4_k_m"
  Dtype dtype;             // of matrices without a rule
  std::int64_t file_type;  // general.file_type
};

/// Coarser ones first.
std::span<const TypeMix> type_mixes();
/// In upper or lower case; "q4_k" is "q4_k_m", and so on. nullptr for a name that is none.
const TypeMix* find_type_mix(std::string_view name);

/// Which type the tensors of one model get, by the same rules as llama.cpp's.
class TypeRules {
 public:
  /// `importance`: whether the encoders know how much each column matters.
  TypeRules(const Checkpoint& checkpoint, const TypeMix& mix, bool importance);

  /// Of a tensor for which is_computed_matrix() holds; its columns may not fill whole blocks of it.
  Dtype type_of(std::string_view name, const Shape& shape) const;

  /// What a rule may ask about.
  struct Model {
    std::int64_t layers = 0;
    std::int64_t experts = 0;
    std::int64_t queries_per_key = 1;
    bool tied = false;   // the embedding is the output head
    bool large = false;  // the kind with 80 layers whose values are an eighth of its queries
    bool importance = false;
  };

 private:
  TypeMix mix_;
  Model model_;
};

/// `wanted`, or where a row of `columns` does not fill its blocks the one that is used instead, by
/// llama.cpp's list: smaller blocks of about as many bits, in the end f16.
Dtype fitting_type(Dtype wanted, std::int64_t columns);

/// Of a type that is written alone: the name of GGUF's file types for it.
std::int64_t file_type_of(Dtype dtype);

}  // namespace lathe
