// Places of the header's fields (docs/plan-format.md), shared by plan_file_write.cc and plan_file_read.cc.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace lathe::plan_layout {

inline constexpr std::string_view kMagic = "LATHEPLN";
inline constexpr std::uint32_t kByteOrder = 0x01020304;
inline constexpr std::uint32_t kStripped = 1;         // flags, bit 0
inline constexpr std::size_t kEngineBytes = 64;       // zeros behind the text
inline constexpr std::size_t kSectionNameBytes = 32;  // zeros behind the text
inline constexpr std::size_t kSectionEntryBytes = kSectionNameBytes + 16;
inline constexpr std::size_t kHeaderHashAt = 136;  // XXH3-64 of the bytes before it
inline constexpr std::size_t kHeaderBytes = 144;   // the section table follows
inline constexpr std::size_t kSectionAlignment = 64;
inline constexpr std::size_t kMostSections = 16;

}  // namespace lathe::plan_layout
