// What matrices are stored as on the way in, and how they are made so.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "tensor/tensor_view.h"

namespace lathe {

/// Whether products or the embedding's rows are read of the tensor that GGUF calls `name`, so that rounding
/// it is worth its while. Norms, biases, routers, positions and the like are not.
bool is_computed_matrix(std::string_view name, const Shape& shape);

/// q8: Q8_0, q4: Q4_1 with the embedding and the head in Q8_0. Vectors are always f32.
enum class WeightType : std::uint8_t { as_stored, q8, q4, bf16, f32 };

/// "" is as_stored; empty for a word that is none of them.
std::optional<WeightType> weight_type_named(std::string_view name);

/// What the tensor that GGUF calls `name` becomes. Only matrices that Linear, ExpertLinear or the embedding's
/// Gather read change: norms, biases, routers and positions stay as `stored`, and so do matrices whose rows
/// are no whole blocks (then `fits` is false).
struct WantedType {
  Dtype dtype;
  bool fits = true;
};
WantedType wanted_type(WeightType wanted, std::string_view name, const Shape& shape, Dtype stored);
/// The warning that says how many matrices did not fit.
std::string narrow_warning(std::size_t count);

/// Writes rows [first, first + count) of `columns` floats each. Called from several threads.
using ReadRows = std::function<void(std::int64_t first, std::int64_t count, float* rows)>;

struct OwnedTensor {
  TensorView view;
  std::shared_ptr<const void> owner;
};

/// A tensor of its own, `read` row by row and rounded to `dtype`; rows count through all outer dimensions.
/// Throws Error(resource_limit) where memory does not suffice.
OwnedTensor make_tensor(Dtype dtype, const Shape& shape, int threads, const ReadRows& read);
/// The same where rows already have the type: `copy` writes their bytes.
using CopyRows = std::function<void(std::int64_t first, std::int64_t count, std::byte* rows)>;
OwnedTensor copy_tensor(Dtype dtype, const Shape& shape, int threads, const CopyRows& copy);

}  // namespace lathe
