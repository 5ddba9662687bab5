// Finds all tokens that a text begins with, one step a byte. Open addressing over (node, byte).
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "text/tokenizer_pipeline.h"

namespace lathe {

class PrefixTrie {
 public:
  PrefixTrie() : slots_(64), values_(1, -1) {}

  /// An equal text that came before loses its value.
  void insert(std::string_view text, TokenId value);

  /// Calls visit(length, value) for every token that `text` begins with, the shortest first.
  template <class Visit>
  void visit(std::string_view text, const Visit& visit) const {
    std::uint32_t node = 0;
    for (std::size_t i = 0; i < text.size(); ++i) {
      const Slot& slot = slots_[find(node, static_cast<unsigned char>(text[i]))];
      if (slot.node == 0) return;
      node = slot.node;
      if (values_[node] >= 0) visit(i + 1, values_[node]);
    }
  }

 private:
  struct Slot {
    std::uint64_t key = 0;
    std::uint32_t node = 0;  // 0: free
  };
  /// The slot of the key, or the free one where it belongs.
  std::size_t find(std::uint32_t node, unsigned char byte) const {
    const std::uint64_t key = static_cast<std::uint64_t>(node) << 8 | byte;
    const std::uint64_t mixed = key * 0x9E3779B97F4A7C15u;  // 2^64 / golden ratio
    const std::size_t mask = slots_.size() - 1;
    std::size_t at = static_cast<std::size_t>(mixed >> 32) & mask;
    while (slots_[at].node != 0 && slots_[at].key != key) at = (at + 1) & mask;
    return at;
  }
  void grow();

  std::vector<Slot> slots_;      // a power of two, at most half full
  std::vector<TokenId> values_;  // by node; -1: none
};

}  // namespace lathe
