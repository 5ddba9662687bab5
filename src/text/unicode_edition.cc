#include "text/unicode_edition.h"

#include <algorithm>
#include <iterator>

#include "text/utf8.h"

namespace lathe::unicode {
namespace {

struct Range {
  char32_t first, last;
};

// Ascending.
constexpr Range kNew[] = {
    {0x897, 0x897},     {0x1B4E, 0x1B4F},   {0x1B7F, 0x1B7F},   {0x1C89, 0x1C8A},   {0x2427, 0x2429},
    {0x31E4, 0x31E5},   {0xA7CB, 0xA7CD},   {0xA7DA, 0xA7DC},   {0x105C0, 0x105F3}, {0x10D40, 0x10D65},
    {0x10D69, 0x10D85}, {0x10D8E, 0x10D8F}, {0x10EC2, 0x10EC4}, {0x10EFC, 0x10EFC}, {0x11380, 0x11389},
    {0x1138B, 0x1138B}, {0x1138E, 0x1138E}, {0x11390, 0x113B5}, {0x113B7, 0x113C0}, {0x113C2, 0x113C2},
    {0x113C5, 0x113C5}, {0x113C7, 0x113CA}, {0x113CC, 0x113D5}, {0x113D7, 0x113D8}, {0x113E1, 0x113E2},
    {0x116D0, 0x116E3}, {0x11BC0, 0x11BE1}, {0x11BF0, 0x11BF9}, {0x11F5A, 0x11F5A}, {0x13460, 0x143FA},
    {0x16100, 0x16139}, {0x16D40, 0x16D79}, {0x18CFF, 0x18CFF}, {0x1CC00, 0x1CCF9}, {0x1CD00, 0x1CEB3},
    {0x1E5D0, 0x1E5FA}, {0x1E5FF, 0x1E5FF}, {0x1F8B2, 0x1F8BB}, {0x1F8C0, 0x1F8C1}, {0x1FA89, 0x1FA89},
    {0x1FA8F, 0x1FA8F}, {0x1FABE, 0x1FABE}, {0x1FAC6, 0x1FAC6}, {0x1FADC, 0x1FADC}, {0x1FADF, 0x1FADF},
    {0x1FAE9, 0x1FAE9}, {0x1FBCB, 0x1FBEF},
};

bool is_new(char32_t rune) {
  if (rune < kNew[0].first) return false;
  const Range* above = std::partition_point(std::begin(kNew), std::end(kNew),
                                            [rune](const Range& range) { return range.first <= rune; });
  return rune <= std::prev(above)->last;
}

/// On the same side of U+4E00, where the ranges end by which some patterns know Chinese.
char32_t unassigned_like(char32_t rune) {
  if (rune > 0xFFFF) return 0x10FFFF;
  return rune < 0x4E00 ? 0x2FE0 : 0xA4CF;
}

}  // namespace

std::string as_15_1(std::string_view text) {
  std::string out;
  std::size_t done = 0;
  for (std::size_t at = 0; at < text.size();) {
    if (static_cast<unsigned char>(text[at]) < 0xE0) {  // the new ones have three bytes and more
      ++at;
      continue;
    }
    const Rune rune = rune_at(text, at);
    if (is_new(rune.value)) {
      out.append(text, done, at - done);
      append_rune(out, unassigned_like(rune.value));
      done = at + rune.length;
    }
    at += rune.length;
  }
  if (done > 0) out.append(text, done);
  return out;
}

}  // namespace lathe::unicode
