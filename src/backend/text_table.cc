#include "backend/text_table.h"

#include "base/error.h"
#include "base/memory_available.h"
#include "base/require_bytes.h"

namespace lathe {
namespace {

constexpr std::uint64_t kStep = std::uint64_t{1} << 24;  // bytes between two looks at the memory that is left

/// A text with its places in the list and in the map.
std::uint64_t bytes_of(std::string_view text) {
  constexpr std::uint64_t kBeside = sizeof(std::string) + 48;
  return text.size() + kBeside;
}

}  // namespace

std::uint64_t TextTable::number_of(std::string_view text, const std::string& user) {
  const auto found = numbers_.find(text);
  if (found != numbers_.end()) return found->second;
  const std::uint64_t grown = bytes_ + bytes_of(text);
  if (grown > allowed_) {
    const std::uint64_t more = grown - allowed_ + kStep;
    require_bytes(more, printable(user) + ": the table of texts", memory_available(), user);
    allowed_ += more;
  }
  const std::uint64_t number = texts_.size();
  numbers_.emplace(texts_.emplace_back(text), number);
  bytes_ = grown;
  return number;
}

std::string_view TextTable::text(std::uint64_t number) const {
  if (number >= texts_.size()) throw Error(ErrorCode::internal, "there is no text " + std::to_string(number));
  return texts_[number];
}

void TextTable::forget() {
  if (texts_.empty()) {
    texts_.emplace_back();
    numbers_.emplace(texts_[0], 0);
  }
  while (texts_.size() > kept_) {
    bytes_ -= bytes_of(texts_.back());
    numbers_.erase(texts_.back());
    texts_.pop_back();
  }
}

void TextTable::clear() {
  kept_ = 1;
  forget();
}

}  // namespace lathe
