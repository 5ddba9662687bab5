// The texts of a run's tensors of strings. Such a tensor holds a number of 64 bits for each element, which
// this table gives out, so that whatever moves elements moves texts; equal texts have equal numbers, and 0 is
// the empty one. A table grows while a run lasts.
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <unordered_map>

namespace lathe {

class TextTable {
 public:
  TextTable() { forget(); }
  TextTable(const TextTable&) = delete;
  TextTable& operator=(const TextTable&) = delete;

  /// The text's number; `user` is who asks, for messages. Throws Error(resource_limit) where the texts would
  /// take more memory than there is.
  std::uint64_t number_of(std::string_view text, const std::string& user);
  /// Stays where it is until forget(). Throws Error(internal) where there is no such number.
  std::string_view text(std::uint64_t number) const;

  std::uint64_t bytes() const { return bytes_; }
  /// What is there by now outlives forget(): a run's inputs.
  void keep() { kept_ = texts_.size(); }
  /// Drops what has come since keep(), or since the beginning.
  void forget();
  void clear();

 private:
  std::deque<std::string> texts_;  // by number; elements stay where they are
  std::unordered_map<std::string_view, std::uint64_t> numbers_;
  std::uint64_t bytes_ = 0;    // about what the texts take
  std::uint64_t allowed_ = 0;  // bytes up to which the memory was asked for
  std::size_t kept_ = 1;
};

}  // namespace lathe
