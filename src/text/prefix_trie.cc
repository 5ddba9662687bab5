#include "text/prefix_trie.h"

#include <utility>

namespace lathe {

void PrefixTrie::insert(std::string_view text, TokenId value) {
  std::uint32_t node = 0;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    std::size_t at = find(node, byte);
    if (slots_[at].node == 0) {
      if (values_.size() * 2 > slots_.size()) {
        grow();
        at = find(node, byte);
      }
      slots_[at] = {static_cast<std::uint64_t>(node) << 8 | byte, static_cast<std::uint32_t>(values_.size())};
      values_.push_back(-1);
    }
    node = slots_[at].node;
  }
  values_[node] = value;
}

void PrefixTrie::grow() {
  const std::vector<Slot> old = std::exchange(slots_, std::vector<Slot>(slots_.size() * 2));
  for (const Slot& slot : old) {
    if (slot.node == 0) continue;
    const auto node = static_cast<std::uint32_t>(slot.key >> 8);
    slots_[find(node, static_cast<unsigned char>(slot.key & 255))] = slot;
  }
}

}  // namespace lathe
