#include "report/markup.h"

#include <array>
#include <charconv>

namespace lathe::report {

std::string escaped(std::string_view text) {
  std::string safe;
  for (const char c : text) {
    if (c == '&')
      safe += "&amp;";
    else if (c == '<')
      safe += "&lt;";
    else if (c == '>')
      safe += "&gt;";
    else if (c == '"')
      safe += "&quot;";
    else if (c == '\'')
      safe += "&#39;";
    else
      safe += static_cast<unsigned char>(c) < 0x20 ? ' ' : c;
  }
  return safe;
}

std::string fixed(double value, int digits) {
  std::array<char, 400> buffer{};
  const auto [end, error] =
      std::to_chars(buffer.data(), buffer.data() + buffer.size(), value, std::chars_format::fixed, digits);
  return error == std::errc() ? std::string(buffer.data(), end) : std::string("–");
}

std::string bytes_text(std::uint64_t bytes) {
  static constexpr std::array<const char*, 5> kUnits = {"B", "kB", "MB", "GB", "TB"};
  auto value = static_cast<double>(bytes);
  std::size_t unit = 0;
  for (; value >= 1000 && unit + 1 < kUnits.size(); ++unit) value /= 1000;
  return fixed(value, unit == 0 ? 0 : 1) + " " + kUnits[unit];
}

std::string seconds_text(double seconds) {
  if (seconds <= 0) return "–";
  if (seconds >= 1) return fixed(seconds, 2) + " s";
  if (seconds >= 1e-3) return fixed(seconds * 1e3, seconds >= 1e-2 ? 1 : 2) + " ms";
  return fixed(seconds * 1e6, 1) + " µs";
}

std::string percent_text(double share) {
  if (share <= 0) return "–";
  return fixed(100 * share, share < 0.0995 ? 1 : 0) + " %";
}

std::string cell(std::string_view markup, std::string_view style) {
  return (style.empty() ? "<td>" : "<td class=\"" + std::string(style) + "\">") + std::string(markup) +
         "</td>";
}

std::string_view color_of(std::string_view op) {
  const auto has = [op](std::string_view part) { return op.find(part) != std::string_view::npos; };
  if (has("Linear") || has("MatMul") || has("Gemm")) return "product";
  if (has("Attention") || has("Kv") || has("Rotary") || has("Heads")) return "attention";
  if (has("Normalization") || has("Row") || has("Quantize") || has("Add") || has("Mul") || has("Swish") ||
      has("Gelu") || has("Tanh") || has("Expert"))
    return "rows";
  return "other";
}

}  // namespace lathe::report
