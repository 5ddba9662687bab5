// A chart of a few lines as one self-contained SVG.
#pragma once

#include <string>
#include <vector>

namespace lathe::apps {

struct ChartPoint {
  double x;
  double y;
};

struct ChartLine {
  std::string name;
  std::vector<ChartPoint> points;
};

struct LineChart {
  std::string title;
  std::string x_label;
  std::string y_label;
  std::vector<ChartLine> lines;  // at most 4
};

/// Both axes are logarithmic, x in powers of 2 and y in powers of 10; all values are positive.
std::string to_svg(const LineChart& chart);

}  // namespace lathe::apps
