#include "report/plot.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

#include "report/markup.h"

namespace lathe::report {
namespace {

// Pixels of the picture, and of the field inside the axes.
constexpr double kWidth = 900, kHeight = 300;
constexpr double kLeft = 70, kRight = kWidth - 30, kTop = 14, kBottom = kHeight - 46;

double share_of(const PlotAxis& axis, double value) {
  const double share = axis.logarithmic
                           ? std::log(std::max(value, axis.from) / axis.from) / std::log(axis.to / axis.from)
                           : (value - axis.from) / (axis.to - axis.from);
  return std::clamp(share, 0.0, 1.0);
}

std::string pixels(double value) { return fixed(value, 1); }

std::string text_at(double x, double y, std::string_view anchor, const std::string& text) {
  return "<text x=\"" + pixels(x) + "\" y=\"" + pixels(y) + "\" text-anchor=\"" + std::string(anchor) +
         "\">" + escaped(text) + "</text>\n";
}

std::string axis_line(double x1, double y1, double x2, double y2) {
  return "<line class=\"axis\" x1=\"" + pixels(x1) + "\" y1=\"" + pixels(y1) + "\" x2=\"" + pixels(x2) +
         "\" y2=\"" + pixels(y2) + "\"/>\n";
}

std::string title_of(const PlotPoint& point) {
  return point.name.empty() ? "" : "<title>" + escaped(point.name) + "</title>";
}

bool finite(const PlotPoint& point) { return std::isfinite(point.x) && std::isfinite(point.y); }

}  // namespace

std::string short_number(double value) {
  std::array<char, 32> buffer{};
  const auto [end, error] =
      std::to_chars(buffer.data(), buffer.data() + buffer.size(), value, std::chars_format::general, 3);
  return error == std::errc() ? std::string(buffer.data(), end) : std::string("–");
}

std::vector<double> ticks(const PlotAxis& axis) {
  constexpr double kSlack = 1e-9;  // of rounding at the ends
  std::vector<double> result;
  if (axis.logarithmic) {
    for (double power = std::ceil(std::log10(axis.from) - kSlack); power <= std::log10(axis.to) + kSlack;
         ++power)
      result.push_back(std::pow(10, power));
    return result;
  }
  const double span = axis.to - axis.from;
  double step = std::pow(10, std::floor(std::log10(span)));
  if (span / step < 2)
    step /= 5;
  else if (span / step < 5)
    step /= 2;
  if (axis.whole) step = std::max(step, 1.0);
  const double first = std::ceil(axis.from / step - kSlack) + 0.0;  // and not -0
  for (double i = first; i * step <= axis.to + kSlack * span; ++i) result.push_back(i * step);
  return result;
}

Plot::Plot(PlotAxis x, PlotAxis y) : x_(std::move(x)), y_(std::move(y)) {}

double Plot::x_at(double value) const { return kLeft + (kRight - kLeft) * share_of(x_, value); }
double Plot::y_at(double value) const { return kBottom + (kTop - kBottom) * share_of(y_, value); }

void Plot::bars(const std::vector<PlotPoint>& points, double width, std::string_view color) {
  for (const auto& point : points) {
    if (!finite(point)) continue;
    const double left = x_at(point.x), right = x_at(point.x + width), top = y_at(point.y);
    marks_ += "<rect class=\"" + std::string(color) + "\" x=\"" + pixels(left) + "\" y=\"" + pixels(top) +
              "\" width=\"" + pixels(std::max(right - left - 1, 0.5)) + "\" height=\"" +
              pixels(kBottom - top) + "\">" + title_of(point) + "</rect>\n";
  }
}

void Plot::line(const std::vector<PlotPoint>& points, std::string_view color) {
  std::string path;
  for (const auto& point : points)
    if (finite(point))
      path += (path.empty() ? "" : " ") + pixels(x_at(point.x)) + "," + pixels(y_at(point.y));
  marks_ += "<polyline points=\"" + path + "\" fill=\"none\" style=\"stroke: var(--" + std::string(color) +
            "); stroke-width: 2\"/>\n";
}

void Plot::dots(const std::vector<PlotPoint>& points, std::string_view color, bool labelled) {
  for (const auto& point : points) {
    if (!finite(point)) continue;
    const double x = x_at(point.x), y = y_at(point.y);
    marks_ += "<circle class=\"" + std::string(color) + "\" cx=\"" + pixels(x) + "\" cy=\"" + pixels(y) +
              "\" r=\"" + (labelled ? "5" : "2.5") + "\">" + title_of(point) + "</circle>\n";
    const bool leftward = x > (kLeft + kRight) / 2;  // so that names stay inside the picture
    if (labelled) marks_ += text_at(x + (leftward ? -9 : 9), y - 7, leftward ? "end" : "start", point.name);
  }
}

std::string Plot::draw() const {
  std::string svg = "<svg width=\"" + fixed(kWidth, 0) + "\" height=\"" + fixed(kHeight, 0) +
                    "\" viewBox=\"0 0 " + fixed(kWidth, 0) + " " + fixed(kHeight, 0) +
                    "\" xmlns=\"http://www.w3.org/2000/svg\">\n";
  for (const double tick : ticks(y_)) {
    svg += axis_line(kLeft, y_at(tick), kRight, y_at(tick));
    svg += text_at(kLeft - 6, y_at(tick) + 4, "end", short_number(tick));
  }
  for (const double tick : ticks(x_)) {
    svg += axis_line(x_at(tick), kBottom, x_at(tick), kBottom + 4);
    svg += text_at(x_at(tick), kBottom + 17, "middle", short_number(tick));
  }
  svg += axis_line(kLeft, kBottom, kRight, kBottom);
  svg += text_at((kLeft + kRight) / 2, kHeight - 8, "middle", x_.label);
  const std::string middle = pixels((kTop + kBottom) / 2);
  svg += "<text x=\"14\" y=\"" + middle + "\" text-anchor=\"middle\" transform=\"rotate(-90 14 " + middle +
         ")\">" + escaped(y_.label) + "</text>\n";
  return svg + marks_ + "</svg>\n";
}

}  // namespace lathe::report
