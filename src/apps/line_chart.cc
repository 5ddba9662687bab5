#include "apps/line_chart.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

#include "apps/output.h"

namespace lathe::apps {
namespace {

// Pixels of the picture and of the field inside the axes.
constexpr double kWidth = 720, kHeight = 440;
constexpr double kLeft = 80, kRight = 24, kTop = 48, kBottom = 60;
constexpr std::array<const char*, 4> kColors = {"#b5452c", "#1f5f8b", "#5b8c3a", "#7a4f8a"};

std::string escaped(const std::string& text) {
  std::string out;
  for (const char c : text) {
    if (c == '<')
      out += "&lt;";
    else if (c == '&')
      out += "&amp;";
    else if (c == '"')
      out += "&quot;";
    else if (static_cast<unsigned char>(c) >= 0x20)
      out += c;
  }
  return out;
}

std::string number(double value) { return format_number(value, 1); }

/// Logarithmic: equal factors are equally far apart.
struct Scale {
  double minimum, maximum;
  double from, to;  // pixels

  double place(double value) const {
    return from + (to - from) * std::log(value / minimum) / std::log(maximum / minimum);
  }
};

/// The powers of `base` inside the scale.
std::vector<double> powers(const Scale& scale, double base) {
  std::vector<double> ticks;
  constexpr double kSlack = 1.0001;  // for rounding at the ends
  const double first = std::ceil(std::log(scale.minimum / kSlack) / std::log(base));
  for (double exponent = first; std::pow(base, exponent) <= scale.maximum * kSlack; ++exponent)
    ticks.push_back(std::pow(base, exponent));
  return ticks;
}

std::string text_at(double x, double y, const std::string& anchor, const std::string& text,
                    const std::string& more = "") {
  return "<text x=\"" + number(x) + "\" y=\"" + number(y) + "\" text-anchor=\"" + anchor + "\"" + more + ">" +
         escaped(text) + "</text>\n";
}

std::string line_between(double x1, double y1, double x2, double y2, const std::string& color) {
  return "<line x1=\"" + number(x1) + "\" y1=\"" + number(y1) + "\" x2=\"" + number(x2) + "\" y2=\"" +
         number(y2) + "\" stroke=\"" + color + "\"/>\n";
}

std::string axes(const LineChart& chart, const Scale& x, const Scale& y) {
  std::string svg;
  for (const double tick : powers(y, 10)) {
    svg += line_between(kLeft, y.place(tick), kWidth - kRight, y.place(tick), "#dddddd");
    const int digits = tick >= 1 ? 0 : static_cast<int>(std::ceil(-std::log10(tick)));
    svg += text_at(kLeft - 8, y.place(tick) + 4, "end", format_number(tick, digits));
  }
  for (const double tick : powers(x, 2)) {
    svg += line_between(x.place(tick), kHeight - kBottom, x.place(tick), kHeight - kBottom + 5, "#444444");
    svg += text_at(x.place(tick), kHeight - kBottom + 20, "middle", format_number(tick, 0));
  }
  svg += line_between(kLeft, kHeight - kBottom, kWidth - kRight, kHeight - kBottom, "#444444");
  svg += line_between(kLeft, kTop, kLeft, kHeight - kBottom, "#444444");
  svg += text_at((kLeft + kWidth - kRight) / 2, kHeight - 14, "middle", chart.x_label);
  const std::string middle = number((kTop + kHeight - kBottom) / 2);
  svg += text_at(20, (kTop + kHeight - kBottom) / 2, "middle", chart.y_label,
                 " transform=\"rotate(-90 20 " + middle + ")\"");
  return svg;
}

std::string draw(const ChartLine& line, std::size_t index, const Scale& x, const Scale& y) {
  const std::string color = kColors[index % kColors.size()];
  std::string path;
  std::string dots;
  for (const auto& point : line.points) {
    const std::string px = number(x.place(point.x));
    const std::string py = number(y.place(point.y));
    path += (path.empty() ? "" : " ") + px + "," + py;
    dots += "<circle cx=\"" + px + "\" cy=\"" + py + "\" r=\"3\" fill=\"" + color + "\"/>\n";
  }
  const double key_y = kTop + 16 + 18 * static_cast<double>(index);
  return "<polyline points=\"" + path + "\" fill=\"none\" stroke=\"" + color + "\" stroke-width=\"2\"/>\n" +
         dots + line_between(kLeft + 16, key_y, kLeft + 40, key_y, color) +
         text_at(kLeft + 48, key_y + 4, "start", line.name);
}

}  // namespace

std::string to_svg(const LineChart& chart) {
  Scale x{1, 1, kLeft, kWidth - kRight};
  Scale y{1, 1, kHeight - kBottom, kTop};
  bool first = true;
  for (const auto& line : chart.lines)
    for (const auto& point : line.points) {
      x.minimum = first ? point.x : std::min(x.minimum, point.x);
      y.minimum = first ? point.y : std::min(y.minimum, point.y);
      x.maximum = first ? point.x : std::max(x.maximum, point.x);
      y.maximum = first ? point.y : std::max(y.maximum, point.y);
      first = false;
    }
  x.maximum = std::max(x.maximum, 2 * x.minimum);
  y.minimum = std::pow(10.0, std::floor(std::log10(y.minimum)));
  y.maximum = std::max(1.2 * y.maximum, 10 * y.minimum);
  std::string svg = "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"" + number(kWidth) + "\" height=\"" +
                    number(kHeight) + "\" font-family=\"sans-serif\" font-size=\"12\">\n" +
                    "<rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n";
  svg += text_at(kWidth / 2, 28, "middle", chart.title, " font-size=\"16\"");
  svg += axes(chart, x, y);
  for (std::size_t i = 0; i < chart.lines.size(); ++i) svg += draw(chart.lines[i], i, x, y);
  return svg + "</svg>\n";
}

}  // namespace lathe::apps
