// DeepSeek's patterns. V2 and the coder cut by lists of ranges from Unicode 11, V3 by categories:
//   [!"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+|
//   ?[\p{P}\p{S}]+[\r\n]*| \s*[\r\n]+|\s+(?!\S)|\s+
#include <algorithm>
#include <iterator>
#include <span>

#include "text/splitters.h"

namespace lathe {
namespace {

struct Range {
  char32_t first, last;
};

// Ascending, for a binary search.
constexpr Range kLetters[] = {
    {0x41, 0x5A},       {0x61, 0x7A},       {0xB5, 0xB5},       {0xC0, 0xD6},       {0xD8, 0xF6},
    {0xF8, 0x1BA},      {0x1BC, 0x1BF},     {0x1C4, 0x293},     {0x295, 0x2AF},     {0x370, 0x373},
    {0x376, 0x376},     {0x377, 0x377},     {0x37B, 0x37D},     {0x37F, 0x37F},     {0x386, 0x386},
    {0x388, 0x38A},     {0x38C, 0x38C},     {0x38E, 0x3A1},     {0x3A3, 0x3F5},     {0x3F7, 0x481},
    {0x48A, 0x52F},     {0x531, 0x556},     {0x10A0, 0x10C5},   {0x13A0, 0x13F5},   {0x13F8, 0x13FD},
    {0x1C90, 0x1CBA},   {0x1CBD, 0x1CBF},   {0x1D00, 0x1D2B},   {0x1D6B, 0x1D77},   {0x1D79, 0x1D9A},
    {0x1E00, 0x1F15},   {0x1F18, 0x1F1D},   {0x1F20, 0x1F45},   {0x1F48, 0x1F4D},   {0x1F50, 0x1F57},
    {0x1F59, 0x1F59},   {0x1F5B, 0x1F5B},   {0x1F5D, 0x1F5D},   {0x1F5F, 0x1F7D},   {0x1F80, 0x1FB4},
    {0x1FB6, 0x1FBC},   {0x1FBE, 0x1FBE},   {0x1FC2, 0x1FC4},   {0x1FC6, 0x1FCC},   {0x1FD0, 0x1FD3},
    {0x1FD6, 0x1FDB},   {0x1FE0, 0x1FEC},   {0x1FF2, 0x1FF4},   {0x1FF6, 0x1FFC},   {0x2102, 0x2102},
    {0x2107, 0x2107},   {0x210A, 0x2113},   {0x2115, 0x2115},   {0x2119, 0x211D},   {0x2124, 0x2124},
    {0x2126, 0x2126},   {0x2128, 0x2128},   {0x212A, 0x212D},   {0x212F, 0x2134},   {0x2139, 0x2139},
    {0x213C, 0x213F},   {0x2145, 0x2149},   {0x214E, 0x214E},   {0x2183, 0x2183},   {0x2184, 0x2184},
    {0x2C00, 0x2C7B},   {0x2C7E, 0x2CE4},   {0x2CEB, 0x2CEE},   {0x2CF2, 0x2CF2},   {0x2CF3, 0x2CF3},
    {0xA640, 0xA66D},   {0xA680, 0xA69B},   {0xA722, 0xA76F},   {0xA771, 0xA787},   {0xA78B, 0xA78E},
    {0xAB70, 0xABBF},   {0xFB00, 0xFB06},   {0xFB13, 0xFB17},   {0xFF21, 0xFF3A},   {0xFF41, 0xFF5A},
    {0x10400, 0x1044F}, {0x104B0, 0x104D3}, {0x104D8, 0x104FB}, {0x10C80, 0x10CB2}, {0x10CC0, 0x10CF2},
    {0x118A0, 0x118DF}, {0x1E900, 0x1E943},
};
constexpr Range kPunctuationMarks[] = {{'!', '/'},       {':', '~'},       {0x2018, 0x201F},
                                       {0x3000, 0x3002}, {0xFF01, 0xFF0F}, {0xFF1A, 0xFF5E}};
constexpr Range kCjk[] = {{0x0800, 0x9FA5}, {0xAC00, 0xD7FF}};    // [一-龥ࠀ-一가-퟿]
constexpr Range kCjkV3[] = {{0x3040, 0x30FF}, {0x4E00, 0x9FA5}};  // [一-龥぀-ゟ゠-ヿ]

bool contains(std::span<const Range> ranges, char32_t rune) {
  const auto above = std::partition_point(ranges.begin(), ranges.end(),
                                          [rune](const Range& range) { return range.first <= rune; });
  return above != ranges.begin() && rune <= std::prev(above)->last;
}

std::size_t skip_ranges(std::string_view text, std::size_t at, std::span<const Range> ranges) {
  while (at < text.size()) {
    const Character next = character_at(text, at);
    if (!contains(ranges, next.value)) break;
    at += next.length;
  }
  return at;
}

void split_ranges(std::string_view text, Pieces& pieces, std::span<const Range> ranges) {
  split_by(text, pieces,
           [ranges](std::string_view part, std::size_t at) { return skip_ranges(part, at, ranges); });
}

/// `\s?[ranges]+`. Where white space is in the ranges itself, it matters not which of the two takes it.
void split_spaced_ranges(std::string_view text, Pieces& pieces, std::span<const Range> ranges) {
  split_by(text, pieces, [ranges](std::string_view part, std::size_t at) {
    const std::size_t begin = skip(part, at, kWhiteSpace, 1);
    const std::size_t end = skip_ranges(part, begin, ranges);
    return end > begin ? end : skip_ranges(part, at, ranges);
  });
}

bool is_ascii_letter(char32_t rune) { return (rune >= 'A' && rune <= 'Z') || (rune >= 'a' && rune <= 'z'); }

std::size_t v3_end(std::string_view text, std::size_t at) {
  constexpr CharacterSet kWord = kLetter | kMark;
  constexpr CharacterSet kSign = kPunctuation | kSymbol;
  const Character first = character_at(text, at);
  const std::size_t behind = at + first.length;
  const Character second = character_at(text, behind);
  if (first.value < 128 && first.in(kSign) && is_ascii_letter(second.value)) {
    std::size_t end = behind;
    while (end < text.size() && is_ascii_letter(static_cast<unsigned char>(text[end]))) ++end;
    return end;
  }
  if (first.in(kWord)) return skip(text, at, kWord);
  if (!first.in(kLineBreak | kSign) && second.in(kWord)) return skip(text, behind, kWord);
  const std::size_t begin = first.value == ' ' ? behind : at;
  if (character_at(text, begin).in(kSign)) return skip(text, skip(text, begin, kSign), kLineBreak);
  return first.in(kWhiteSpace) ? space_end(text, at, true) : at;
}

}  // namespace

void split_deepseek_letters(std::string_view text, Pieces& pieces) {
  split_spaced_ranges(text, pieces, kLetters);
}

void split_deepseek_punctuation(std::string_view text, Pieces& pieces) {
  split_spaced_ranges(text, pieces, kPunctuationMarks);
}

void split_deepseek_cjk(std::string_view text, Pieces& pieces) { split_ranges(text, pieces, kCjk); }

void split_deepseek_v3_cjk(std::string_view text, Pieces& pieces) { split_ranges(text, pieces, kCjkV3); }

void split_deepseek_v3(std::string_view text, Pieces& pieces) { split_by(text, pieces, v3_end); }

}  // namespace lathe
