#include "compile/pack_weights.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <future>
#include <vector>

#include "base/checked.h"
#include "base/error.h"
#include "quant/block_format.h"
#include "quant/packed.h"
#include "quant/wider_layouts.h"

namespace lathe {
namespace {

/// A constant as matrices one behind the other: one, or the experts' [experts, rows, columns]. Each is packed
/// for itself, its last group padded, so that every one begins with a group of its own.
struct Matrices {
  const TensorView& source;
  std::int64_t count;
  std::int64_t rows;  // of one
  std::int64_t columns;
  std::int64_t groups;  // of one

  explicit Matrices(const TensorView& tensor)
      : source(tensor),
        count(tensor.shape.size() == 3 ? tensor.shape[0] : 1),
        rows(count == 0 ? 0 : tensor.rows() / count),
        columns(tensor.columns()),
        groups((rows + kPackedRows - 1) / kPackedRows) {}

  const std::byte* matrix(std::int64_t index) const {
    return source.data + static_cast<std::uint64_t>(index * rows) * row_bytes(source.dtype, columns);
  }
};

struct GroupRange {
  std::int64_t first;
  std::int64_t last;
};

/// Decodes one group of rows to float32 and interleaves it.
void pack_group_as_floats(const Matrices& matrices, std::int64_t matrix, std::int64_t group,
                          std::vector<float>& rows, std::byte* destination) {
  const std::int64_t columns = matrices.columns;
  const Dtype dtype = matrices.source.dtype;
  const std::int64_t first = group * kPackedRows;
  const std::int64_t count = std::min<std::int64_t>(kPackedRows, matrices.rows - first);
  rows.resize(static_cast<std::size_t>(count * columns));
  decode_rows(dtype, matrices.matrix(matrix) + static_cast<std::uint64_t>(first) * row_bytes(dtype, columns),
              rows.data(), count, columns);
  const auto group_bytes = packed_bytes(Dtype::packed_f32, kPackedRows, columns);
  pack_groups(Dtype::f32, reinterpret_cast<const std::byte*>(rows.data()), count, columns, 0, 1,
              destination + static_cast<std::uint64_t>(group) * group_bytes);
}

/// Packs groups into their format's own layout and widens them; `group` is room for one.
void pack_wider(const Matrices& matrices, std::int64_t matrix, const GroupRange& groups, Dtype layout,
                std::vector<std::byte>& group, std::byte* destination) {
  const Dtype dtype = matrices.source.dtype;
  const Dtype own = block_format(dtype)->packed;
  const auto group_bytes = packed_bytes(layout, kPackedRows, matrices.columns);
  group.resize(packed_bytes(own, kPackedRows, matrices.columns));
  for (std::int64_t i = groups.first; i < groups.last; ++i) {
    const std::int64_t first = i * kPackedRows;
    pack_groups(
        dtype,
        matrices.matrix(matrix) + static_cast<std::uint64_t>(first) * row_bytes(dtype, matrices.columns),
        std::min<std::int64_t>(kPackedRows, matrices.rows - first), matrices.columns, 0, 1, group.data());
    widen_group(own, group.data(), matrices.columns, layout,
                destination + static_cast<std::uint64_t>(i) * group_bytes);
  }
}

/// `destination` is the first matrix's place.
void pack_matrices(const Matrices& matrices, Dtype layout, int threads, std::byte* destination) {
  const std::uint64_t matrix_bytes = packed_bytes(layout, matrices.rows, matrices.columns);
  const std::int64_t groups = matrices.groups * matrices.count;
  std::atomic<std::int64_t> next{0};
  constexpr std::int64_t kGroupsAtOnce = 16;
  const auto work = [&] {
    std::vector<float> rows;
    std::vector<std::byte> narrow;
    for (std::int64_t begin = next.fetch_add(kGroupsAtOnce); begin < groups;
         begin = next.fetch_add(kGroupsAtOnce)) {
      const std::int64_t end = std::min(begin + kGroupsAtOnce, groups);
      for (std::int64_t i = begin; i < end;) {
        const std::int64_t matrix = i / matrices.groups;
        const std::int64_t first = i % matrices.groups;
        const std::int64_t last = std::min(first + end - i, matrices.groups);
        std::byte* place = destination + static_cast<std::uint64_t>(matrix) * matrix_bytes;
        i += last - first;
        const BlockFormat* format = block_format(matrices.source.dtype);
        if (layout != Dtype::packed_f32 && format != nullptr && format->packed != layout) {
          pack_wider(matrices, matrix, {first, last}, layout, narrow, place);
          continue;
        }
        if (layout != Dtype::packed_f32) {
          pack_groups(matrices.source.dtype, matrices.matrix(matrix), matrices.rows, matrices.columns, first,
                      last, place);
          continue;
        }
        for (std::int64_t group = first; group < last; ++group)
          pack_group_as_floats(matrices, matrix, group, rows, place);
      }
    }
  };
  // Small matrices are packed before a thread would have started.
  constexpr std::int64_t kElementsPerThread = 1 << 20;
  const auto wanted =
      std::min<std::int64_t>(threads, matrices.source.rows() * matrices.columns / kElementsPerThread + 1);
  std::vector<std::future<void>> helpers;  // they end before this returns, and their exceptions come through
  for (std::int64_t i = 1; i < wanted; ++i) helpers.push_back(std::async(std::launch::async, work));
  work();
  for (auto& helper : helpers) helper.get();
}

std::uint64_t bytes_of(const Matrices& matrices, Dtype layout) {
  const auto bytes = checked_multiply(packed_bytes(layout, matrices.rows, matrices.columns),
                                      static_cast<std::uint64_t>(matrices.count));
  if (!bytes) throw Error(ErrorCode::resource_limit, "packed experts need more memory than can be counted");
  return *bytes;
}

}  // namespace

namespace {

bool is_weight(const Node& node, std::size_t input) {
  if (node.op->name == "FusedLinear")
    return input >= 1 && input <= static_cast<std::size_t>(node.integer("weights"));
  constexpr std::array kWithWeight = {"Linear", "ExpertLinear", "QuantizedLinear", "QuantizedExpertLinear"};
  return input == 1 && std::ranges::find(kWithWeight, node.op->name) != kWithWeight.end();
}

}  // namespace

Dtype weight_layout(const Graph& graph, const Node& node, std::size_t input) {
  const Value& value = graph.value(node.inputs[input]);
  if (value.kind != ValueKind::constant || !is_weight(node, input)) return value.type.dtype;
  const bool codes = graph.value(node.inputs[0]).type.dtype == Dtype::a8;
  CHECK(!codes || is_block_quantized(value.type.dtype));
  return codes || !is_block_quantized(value.type.dtype) ? packed_layout_of(value.type.dtype)
                                                        : Dtype::packed_f32;
}

PackedWeights::Key PackedWeights::key(const Value& constant, Dtype layout) {
  return {constant.data.data, constant.data.dtype, constant.data.shape, layout};
}

std::optional<Buffer> PackedWeights::find(Backend& backend, const Value& constant, Dtype layout) const {
  const auto found = packed_.find(key(constant, layout));
  if (found == packed_.end()) return std::nullopt;
  const auto& buffer = found->second.buffer;
  return backend.share({static_cast<const std::byte*>(buffer->data()), buffer->bytes()}, buffer);
}

Buffer PackedWeights::keep(Backend& backend, const Value& constant, Dtype layout, Buffer packed) {
  if (!packed.host_visible() || packed.bytes() == 0) return packed;
  const auto kept = std::make_shared<Buffer>(std::move(packed));
  auto shared = backend.share({static_cast<const std::byte*>(kept->data()), kept->bytes()}, kept);
  if (!shared) return std::move(*kept);
  packed_.emplace(key(constant, layout), Packed{kept, constant.data_owner});
  return std::move(*shared);
}

Buffer WeightPacker::pack(const TensorView& source, Dtype layout) {
  const Matrices matrices(source);
  const std::uint64_t bytes = bytes_of(matrices, layout);
  Buffer buffer = backend_.allocate_weight(bytes);
  if (buffer.host_visible()) {
    pack_matrices(matrices, layout, threads_, static_cast<std::byte*>(buffer.data()));
  } else {
    std::vector<std::byte> staging(bytes);
    pack_matrices(matrices, layout, threads_, staging.data());
    backend_.write(buffer, 0, staging);
  }
  plan_.weight_report.copied_bytes += bytes;
  return buffer;
}

std::int32_t WeightPacker::place(const Graph& graph, ValueId constant, Dtype layout) {
  const auto known = placed_.find({constant, layout});
  if (known != placed_.end()) return known->second;
  const Value& value = graph.value(constant);
  CHECK(value.kind == ValueKind::constant && value.data.data != nullptr);
  const auto index = static_cast<std::int32_t>(plan_.weights.size());
  const std::span<const std::byte> bytes(value.data.data, value.data.bytes());
  Buffer buffer;
  if (layout != value.type.dtype) {
    bytes_.push_back(bytes_of(Matrices(value.data), layout));
    auto packed = shared_ == nullptr ? std::nullopt : shared_->find(backend_, value, layout);
    if (packed) {
      buffer = std::move(*packed);
      plan_.weight_report.copied_bytes += bytes_.back();
    } else {
      pending_.push_back({&value, index});
    }
  } else {
    bytes_.push_back(bytes.size());
    if (auto shared = backend_.share(bytes, value.data_owner)) {
      buffer = std::move(*shared);
      plan_.weight_report.mapped_bytes += bytes.size();
    } else {
      pending_.push_back({&value, index});
    }
  }
  plan_.weights.push_back(std::move(buffer));
  plan_.weight_sources.push_back({value.name, value.type.dtype, layout, value.data.shape, true});
  placed_.emplace(std::pair{constant, layout}, index);
  return index;
}

std::uint64_t WeightPacker::bytes_to_allocate() const {
  std::uint64_t sum = 0;
  for (const auto& pending : pending_) {
    const auto next = checked_add(sum, bytes(pending.weight));
    if (!next) throw Error(ErrorCode::resource_limit, "packed weights need more memory than can be counted");
    sum = *next;
  }
  return sum;
}

void WeightPacker::pack() {
  for (const auto& pending : pending_) {
    const auto weight = static_cast<std::size_t>(pending.weight);
    const TensorView& source = pending.constant->data;
    const Dtype layout = plan_.weight_sources[weight].layout;
    if (layout != source.dtype) {
      Buffer packed = pack(source, layout);
      plan_.weights[weight] = shared_ == nullptr
                                  ? std::move(packed)
                                  : shared_->keep(backend_, *pending.constant, layout, std::move(packed));
      continue;
    }
    const std::span<const std::byte> bytes(source.data, source.bytes());
    plan_.weights[weight] = backend_.allocate_weight(bytes.size());
    backend_.write(plan_.weights[weight], 0, bytes);
    plan_.weight_report.copied_bytes += bytes.size();
  }
  pending_.clear();
}

}  // namespace lathe
