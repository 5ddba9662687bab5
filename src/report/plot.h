// A plot of bars, lines and dots as one SVG, in the colors of the page's style sheet.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace lathe::report {

struct PlotAxis {
  std::string label;
  double from = 0, to = 1;  // to > from; both positive where logarithmic
  bool logarithmic = false;
  bool whole = false;  // counts: no ticks between them
};

struct PlotPoint {
  double x = 0, y = 0;
  std::string name;  // shown where the mouse rests, and beside dots that are labelled
};

/// What lies outside the axes is drawn at their ends; values that are not finite are left out.
class Plot {
 public:
  Plot(PlotAxis x, PlotAxis y);

  /// From the x axis up, as wide as `width` of x.
  void bars(const std::vector<PlotPoint>& points, double width, std::string_view color);
  void line(const std::vector<PlotPoint>& points, std::string_view color);
  void dots(const std::vector<PlotPoint>& points, std::string_view color, bool labelled = false);
  std::string draw() const;

 private:
  double x_at(double value) const;
  double y_at(double value) const;

  PlotAxis x_, y_;
  std::string marks_;
};

/// Round numbers inside the axis: at most about eight, or the powers of ten of a logarithmic one.
std::vector<double> ticks(const PlotAxis& axis);

/// "0.001", "12", "1e-07"
std::string short_number(double value);

}  // namespace lathe::report
