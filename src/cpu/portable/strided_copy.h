// Elements from one tensor to another, along axes with a stride on either side: what concatenates, slices,
// permutes, repeats and broadcasts. Axes that lie one behind the other on both sides become one; runs are
// copied whole, and a permutation of columns goes by square tiles.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstring>

#include "cpu/portable/element_visit.h"

namespace lathe::portable {

class StridedCopy {
 public:
  /// Where the first element lies on each side.
  StridedCopy(const void* source, void* target) : source_(source), target_(target) {}

  /// Axes from the outermost on, with elements from one index to the next on each side.
  void add_axis(std::int64_t dim, std::int64_t from, std::int64_t to) {
    empty_ = empty_ || dim == 0;
    if (dim == 1) return;
    if (rank_ > 0 && axes_[rank_ - 1].from == from * dim && axes_[rank_ - 1].to == to * dim) {
      axes_[rank_ - 1] = {axes_[rank_ - 1].dim * dim, from, to};
      return;
    }
    axes_[rank_++] = {dim, from, to};
  }

  /// This thread's share of all, with Element an unsigned integer of the elements' size.
  template <class Element>
  void run(const KernelCall& call) const {
    if (empty_) return;
    const auto* source = static_cast<const Element*>(source_);
    auto* target = static_cast<Element*>(target_);
    if (rank_ == 0) {
      if (call.thread == 0) *target = *source;
      return;
    }
    const Axis& last = axes_[rank_ - 1];
    const std::size_t other = last.to == 1 && last.from != 0 && last.from != 1 ? unit_axis() : rank_;
    if (other < rank_) return run_tiles(call, source, target, other);
    const Order order = outer_order(rank_ - 1, rank_ - 1);
    const Share share = share_of(call, order.count * last.dim);
    Place place(order, share.begin / last.dim);
    std::int64_t column = share.begin % last.dim;
    for (std::int64_t i = share.begin; i < share.end; column = 0, place.advance()) {
      const std::int64_t length = std::min(last.dim - column, share.end - i);
      copy_run(source + place.from() + column * last.from, target + place.to() + column * last.to, length,
               last);
      i += length;
    }
  }

 private:
  static constexpr std::size_t kMostAxes = 2 * kMaxRank;
  static constexpr std::int64_t kTile = 16;

  struct Axis {
    std::int64_t dim, from, to;
  };
  struct Order {
    std::array<Axis, kMostAxes> axes;
    std::size_t rank = 0;
    std::int64_t count = 1;
  };

  /// Where a row lies on each side, and the next one without a division.
  class Place {
   public:
    Place(const Order& order, std::int64_t row) : order_(order) {
      for (std::size_t i = order.rank; i-- > 0;) {
        index_[i] = row % order.axes[i].dim;
        row /= order.axes[i].dim;
        from_ += index_[i] * order.axes[i].from;
        to_ += index_[i] * order.axes[i].to;
      }
    }

    std::int64_t from() const { return from_; }
    std::int64_t to() const { return to_; }

    void advance() {
      for (std::size_t i = order_.rank; i-- > 0;) {
        const Axis& axis = order_.axes[i];
        from_ += axis.from;
        to_ += axis.to;
        if (++index_[i] < axis.dim) return;
        index_[i] = 0;
        from_ -= axis.dim * axis.from;
        to_ -= axis.dim * axis.to;
      }
    }

   private:
    const Order& order_;
    std::array<std::int64_t, kMostAxes> index_;
    std::int64_t from_ = 0;
    std::int64_t to_ = 0;
  };

  /// The axis along which the source's elements lie side by side; rank_ where there is none.
  std::size_t unit_axis() const {
    for (std::size_t i = 0; i < rank_; ++i)
      if (axes_[i].from == 1) return i;
    return rank_;
  }

  /// All axes but two.
  Order outer_order(std::size_t without, std::size_t and_without) const {
    Order order;
    for (std::size_t i = 0; i < rank_; ++i) {
      if (i == without || i == and_without) continue;
      order.axes[order.rank++] = axes_[i];
      order.count *= axes_[i].dim;
    }
    return order;
  }

  template <class Element>
  static void copy_run(const Element* source, Element* target, std::int64_t length, const Axis& axis) {
    if (axis.from == 1 && axis.to == 1)
      std::memcpy(target, source, static_cast<std::size_t>(length) * sizeof(Element));
    else if (axis.from == 0 && axis.to == 1)
      std::fill_n(target, length, *source);
    else
      for (std::int64_t k = 0; k < length; ++k) target[k * axis.to] = source[k * axis.from];
  }

  /// The target's last axis and the one along which the source lies, in squares; threads share strips of
  /// them.
  template <class Element>
  void run_tiles(const KernelCall& call, const Element* source, Element* target, std::size_t other) const {
    const Axis& columns = axes_[rank_ - 1];
    const Axis& rows = axes_[other];
    const Order order = outer_order(rank_ - 1, other);
    const std::int64_t strips = (rows.dim + kTile - 1) / kTile;
    const Share share = share_of(call, order.count * strips);
    for (std::int64_t i = share.begin; i < share.end; ++i) {
      const Place place(order, i / strips);
      const std::int64_t first = i % strips * kTile;
      const std::int64_t end = std::min(first + kTile, rows.dim);
      for (std::int64_t left = 0; left < columns.dim; left += kTile) {
        const std::int64_t right = std::min(left + kTile, columns.dim);
        for (std::int64_t row = first; row < end; ++row)
          for (std::int64_t column = left; column < right; ++column)
            target[place.to() + row * rows.to + column] = source[place.from() + row + column * columns.from];
      }
    }
  }

  const void* source_;
  void* target_;
  std::array<Axis, kMostAxes> axes_;
  std::size_t rank_ = 0;
  bool empty_ = false;
};

/// The copy for elements of the tensor's type.
inline void run_copy(const StridedCopy& copy, const TensorArg& tensor, const KernelCall& call) {
  visit_bytes(tensor, [&](auto element) { copy.run<decltype(element)>(call); });
}

/// Element `offset` of a tensor, by bytes.
inline void* element_at(const TensorArg& tensor, std::int64_t offset) {
  return static_cast<std::byte*>(tensor.data) + offset * element_bytes(tensor);
}

}  // namespace lathe::portable
