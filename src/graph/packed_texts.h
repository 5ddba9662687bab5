// Texts as the bytes of a constant, from which the op Strings makes a tensor of them:
//
//   u64 end of text 0 | ... | u64 end of text n - 1 | the texts, one behind the other
//
// Ends are counted from the first text's first byte and little-endian.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace lathe {

std::vector<std::byte> pack_texts(std::span<const std::string> texts);

/// `count` texts that lie in `bytes`; empty where these are not `count` texts.
std::optional<std::vector<std::string_view>> unpack_texts(std::span<const std::byte> bytes,
                                                          std::uint64_t count);

}  // namespace lathe
