// Weights to the device: packed into the layout that the kernels of their node read, or shared where they
// lie.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <tuple>
#include <utility>
#include <vector>

#include "backend/backend.h"
#include "graph/graph.h"

namespace lathe {

/// The layout in which a node's kernels read the weight at `input`; the stored type where they read it as it
/// is.
Dtype weight_layout(const Graph& graph, const Node& node, std::size_t input);

/// Weights that were packed, for other plans of the same constants on the same device.
class PackedWeights {
 public:
  /// Empty where the constant was not packed into this layout, or the device shares no memory.
  std::optional<Buffer> find(Backend& backend, const Value& constant, Dtype layout) const;
  /// Keeps the buffer, and gives one that shares its memory; itself where the device shares none.
  Buffer keep(Backend& backend, const Value& constant, Dtype layout, Buffer packed);

 private:
  using Key = std::tuple<const std::byte*, Dtype, Shape, Dtype>;
  struct Packed {
    std::shared_ptr<const Buffer> buffer;
    std::shared_ptr<const void> constant;
  };
  static Key key(const Value& constant, Dtype layout);
  std::map<Key, Packed> packed_;
};

class WeightPacker {
 public:
  /// Packs on at most `threads` threads, the caller's among them. `shared` may be null.
  WeightPacker(Backend& backend, Plan& plan, int threads, PackedWeights* shared = nullptr)
      : backend_(backend), plan_(plan), threads_(threads), shared_(shared) {}

  /// Index in plan.weights of the constant's bytes in `layout`; each pair is packed once. Its buffer is empty
  /// until pack(). `graph` outlives that.
  std::int32_t place(const Graph& graph, ValueId constant, Dtype layout);

  std::uint64_t bytes(std::int32_t weight) const { return bytes_.at(static_cast<std::size_t>(weight)); }
  /// Of memory that pack() takes; what is used where it lies needs none.
  std::uint64_t bytes_to_allocate() const;
  void pack();

 private:
  struct Pending {
    const Value* constant;
    std::int32_t weight;
  };
  Buffer pack(const TensorView& source, Dtype layout);

  Backend& backend_;
  Plan& plan_;
  int threads_;
  PackedWeights* shared_;
  std::map<std::pair<ValueId, Dtype>, std::int32_t> placed_;
  std::vector<std::uint64_t> bytes_;  // of each weight
  std::vector<Pending> pending_;
};

}  // namespace lathe
