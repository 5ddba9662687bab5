// The merge loop that both kinds of BPE share: symbols in a linked list over one text, candidate pairs in a
// heap. O(n log n) time, no recursion. The best pair is the one with the least key, among equals the
// leftmost.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <vector>

#include "text/tokenizer_data.h"

namespace lathe {

struct Symbol {
  std::uint32_t begin = 0;
  std::uint32_t length = 0;  // bytes; 0: merged into the symbol before it
  TokenId id = -1;           // -1: no token has this text
  std::int32_t previous = -1;
  std::int32_t next = -1;
};

struct Merge {
  std::uint32_t key = 0;
  TokenId id = -1;
};

/// Keeps its storage from text to text; one per call of encode.
class SymbolMerger {
 public:
  void clear() { symbols_.clear(); }
  void add(std::uint32_t begin, std::uint32_t length, TokenId id) {
    const auto index = static_cast<std::int32_t>(symbols_.size());
    if (index > 0) symbols_.back().next = index;
    symbols_.push_back({begin, length, id, index - 1, -1});
  }

  /// `find(left, right)` gives the merge of two neighbours, or nothing.
  template <class Find>
  void merge(const Find& find) {
    heap_.clear();
    for (std::size_t i = 1; i < symbols_.size(); ++i) {
      consider(static_cast<std::int32_t>(i) - 1, static_cast<std::int32_t>(i), find);
    }
    while (!heap_.empty()) {
      std::pop_heap(heap_.begin(), heap_.end());
      const Candidate best = heap_.back();
      heap_.pop_back();
      Symbol& left = symbols_[static_cast<std::size_t>(best.left)];
      Symbol& right = symbols_[static_cast<std::size_t>(best.right)];
      // Equal length means that neither side has changed since: symbols only grow or vanish.
      if (left.length == 0 || right.length == 0 || left.length + right.length != best.length) continue;
      left.length = best.length;
      left.id = best.id;
      right.length = 0;
      left.next = right.next;
      if (right.next >= 0) symbols_[static_cast<std::size_t>(right.next)].previous = best.left;
      if (left.previous >= 0) consider(left.previous, best.left, find);
      if (left.next >= 0) consider(best.left, left.next, find);
    }
  }

  /// Calls visit(symbol) for what is left, in order.
  template <class Visit>
  void for_each(const Visit& visit) const {
    for (std::int32_t i = symbols_.empty() ? -1 : 0; i >= 0; i = symbols_[static_cast<std::size_t>(i)].next) {
      visit(symbols_[static_cast<std::size_t>(i)]);
    }
  }

 private:
  struct Candidate {
    std::uint32_t key;
    std::int32_t left, right;
    std::uint32_t length;
    TokenId id;
    bool operator<(const Candidate& other) const {
      return key != other.key ? key > other.key : left > other.left;
    }
  };

  template <class Find>
  void consider(std::int32_t left, std::int32_t right, const Find& find) {
    const Symbol& a = symbols_[static_cast<std::size_t>(left)];
    const Symbol& b = symbols_[static_cast<std::size_t>(right)];
    const std::optional<Merge> merge = find(a, b);
    if (!merge) return;
    heap_.push_back({merge->key, left, right, a.length + b.length, merge->id});
    std::push_heap(heap_.begin(), heap_.end());
  }

  std::vector<Symbol> symbols_;
  std::vector<Candidate> heap_;
};

}  // namespace lathe
