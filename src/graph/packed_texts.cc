#include "graph/packed_texts.h"

#include <cstdint>
#include <cstring>

namespace lathe {

std::vector<std::byte> pack_texts(std::span<const std::string> texts) {
  std::uint64_t end = 0;
  for (const auto& text : texts) end += text.size();
  std::vector<std::byte> bytes(texts.size() * sizeof end + end);
  std::byte* ends = bytes.data();
  std::byte* place = ends + texts.size() * sizeof end;
  end = 0;
  for (const auto& text : texts) {
    end += text.size();
    std::memcpy(ends, &end, sizeof end);
    ends += sizeof end;
    if (!text.empty()) std::memcpy(place, text.data(), text.size());
    place += text.size();
  }
  return bytes;
}

std::optional<std::vector<std::string_view>> unpack_texts(std::span<const std::byte> bytes,
                                                          std::uint64_t count) {
  if (count > bytes.size() / sizeof(std::uint64_t)) return std::nullopt;
  const auto texts = bytes.subspan(static_cast<std::size_t>(count) * sizeof(std::uint64_t));
  const auto* first = reinterpret_cast<const char*>(texts.data());
  std::vector<std::string_view> result;
  result.reserve(static_cast<std::size_t>(count));
  std::uint64_t begin = 0;
  for (std::size_t i = 0; i < count; ++i) {
    std::uint64_t end = 0;
    std::memcpy(&end, bytes.data() + i * sizeof end, sizeof end);
    if (end < begin || end > texts.size()) return std::nullopt;
    result.emplace_back(first + begin, static_cast<std::size_t>(end - begin));
    begin = end;
  }
  if (begin != texts.size()) return std::nullopt;
  return result;
}

}  // namespace lathe
