#include "models/weight_type.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <future>
#include <limits>
#include <new>
#include <vector>

#include "base/error.h"
#include "quant/quantize_rows.h"

namespace lathe {
namespace {

struct TypeName {
  std::string_view name;
  WeightType type;
};
constexpr std::array kNames = {TypeName{"", WeightType::as_stored}, TypeName{"q8", WeightType::q8},
                               TypeName{"q4", WeightType::q4}, TypeName{"bf16", WeightType::bf16},
                               TypeName{"f32", WeightType::f32}};

// Matrices that stay: small, and what they decide or add is not averaged out.
constexpr std::string_view kStaying[] = {"norm",           "ffn_gate_inp",        "position_embd",
                                         "token_types",    "ssm_conv1d",          "attn_rel_b",
                                         "shortconv.conv", "per_layer_model_proj"};

/// Bytes that start where kernels like them to.
std::shared_ptr<std::byte> allocate(std::uint64_t bytes) {
  constexpr std::align_val_t kAlignment{64};
  if (bytes > std::numeric_limits<std::size_t>::max() / 2)
    throw Error(ErrorCode::resource_limit, "a tensor of " + std::to_string(bytes) + " bytes is too large");
  try {
    auto* data = static_cast<std::byte*>(::operator new(std::max<std::size_t>(bytes, 1), kAlignment));
    return {data, [](std::byte* pointer) { ::operator delete(pointer, kAlignment); }};
  } catch (const std::bad_alloc&) {
    throw Error(ErrorCode::resource_limit,
                "not enough memory for a tensor of " + std::to_string(bytes) + " bytes");
  }
}

/// Calls work(first, count) for all rows, in shares that threads take one after another.
void share_rows(std::int64_t rows, std::int64_t columns, int threads,
                const std::function<void(std::int64_t first, std::int64_t count)>& work) {
  constexpr std::int64_t kElementsAtOnce = 1 << 16;
  constexpr std::int64_t kElementsPerThread = 1 << 20;  // less is done before a thread would have started
  constexpr std::int64_t kLeastRows = 64;               // a transposed read takes a piece of every row
  const std::int64_t share = std::max(kElementsAtOnce / std::max<std::int64_t>(columns, 1), kLeastRows);
  std::atomic<std::int64_t> next{0};
  const auto loop = [&] {
    for (std::int64_t first = next.fetch_add(share); first < rows; first = next.fetch_add(share))
      work(first, std::min(share, rows - first));
  };
  const auto wanted = std::min<std::int64_t>(threads, rows * columns / kElementsPerThread + 1);
  std::vector<std::future<void>> helpers;  // they end before this returns, and their exceptions come through
  for (std::int64_t i = 1; i < wanted; ++i) helpers.push_back(std::async(std::launch::async, loop));
  loop();
  for (auto& helper : helpers) helper.get();
}

}  // namespace

std::optional<WeightType> weight_type_named(std::string_view name) {
  for (const TypeName& row : kNames)
    if (row.name == name) return row.type;
  return std::nullopt;
}

bool is_computed_matrix(std::string_view name, const Shape& shape) {
  return shape.size() >= 2 && name.ends_with(".weight") &&
         std::none_of(std::begin(kStaying), std::end(kStaying),
                      [&](std::string_view part) { return name.find(part) != std::string_view::npos; });
}

WantedType wanted_type(WeightType wanted, std::string_view name, const Shape& shape, Dtype stored) {
  if (wanted == WeightType::as_stored || !is_computed_matrix(name, shape)) return {stored};
  if (wanted == WeightType::f32) return {Dtype::f32};
  if (wanted == WeightType::bf16) return {Dtype::bf16};
  // Every token passes through these two, and rounding them costs most.
  const bool outer = name == "token_embd.weight" || name == "output.weight";
  const Dtype dtype = wanted == WeightType::q8 || outer ? Dtype::q8_0 : Dtype::q4_1;
  if (shape.back() % info(dtype).block_elements != 0) return {stored, false};
  return {dtype};
}

std::string narrow_warning(std::size_t count) {
  return std::to_string(count) +
         (count == 1 ? " matrix stays as stored: its" : " matrices stay as stored: their") +
         " rows are no whole blocks";
}

OwnedTensor copy_tensor(Dtype dtype, const Shape& shape, int threads, const CopyRows& copy) {
  TensorView view{nullptr, dtype, shape};
  const auto bytes = allocate(view.bytes());
  view.data = bytes.get();
  const std::uint64_t stride = row_bytes(dtype, view.columns());
  share_rows(view.rows(), view.columns(), threads, [&](std::int64_t first, std::int64_t count) {
    copy(first, count, bytes.get() + static_cast<std::uint64_t>(first) * stride);
  });
  return {view, bytes};
}

OwnedTensor make_tensor(Dtype dtype, const Shape& shape, int threads, const ReadRows& read) {
  const std::int64_t columns = shape.empty() ? 1 : shape.back();
  return copy_tensor(dtype, shape, threads, [&](std::int64_t first, std::int64_t count, std::byte* rows) {
    std::vector<float> values(static_cast<std::size_t>(count * columns));
    read(first, count, values.data());
    quantize_rows(dtype, values.data(), nullptr, count, columns, rows, Effort::fast);
  });
}

}  // namespace lathe
