#include "report/evaluation_plots.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <map>

#include "report/markup.h"

namespace lathe::report {
namespace {

constexpr const char* kEqual = "<p>The distributions are the same at every position.</p>\n";

double power_of_ten_below(double value) { return std::pow(10, std::floor(std::log10(value))); }
double power_of_ten_above(double value) { return std::pow(10, std::ceil(std::log10(value))); }

/// From the power of ten below the least positive value to the one above the greatest.
PlotAxis logarithmic(const std::string& label, const std::vector<PlotPoint>& points) {
  double least = 0, most = 0;
  for (const auto& point : points) {
    if (!std::isfinite(point.y) || point.y <= 0) continue;
    least = least == 0 ? point.y : std::min(least, point.y);
    most = std::max(most, point.y);
  }
  if (most == 0) return {label, 0.1, 1, true};
  return {label, power_of_ten_below(least),
          std::max(power_of_ten_above(most), 10 * power_of_ten_below(least)), true};
}

double greatest(const std::vector<PlotPoint>& points) {
  double most = 0;
  for (const auto& point : points)
    if (std::isfinite(point.y)) most = std::max(most, point.y);
  return most;
}

}  // namespace

int layer_of(const std::string& tensor) {
  constexpr std::string_view kPrefix = "blk.";
  if (!tensor.starts_with(kPrefix)) return -1;
  int layer = -1;
  const char* const end = tensor.data() + tensor.size();
  const auto [rest, error] = std::from_chars(tensor.data() + kPrefix.size(), end, layer);
  return error == std::errc() && rest != end && *rest == '.' ? layer : -1;
}

std::string kl_histogram(const Evaluation& evaluation) {
  constexpr int kBars = 60;
  // Below it rounding in the sums is all that a divergence shows.
  constexpr double kLeast = 1e-9;
  const auto& values = evaluation.divergence->kl_at;
  double least = 0, most = 0;
  for (const double value : values) {
    if (value < kLeast || !std::isfinite(value)) continue;
    least = least == 0 ? value : std::min(least, value);
    most = std::max(most, value);
  }
  if (most == 0) return kEqual;
  const double low = std::log10(power_of_ten_below(least));
  const double high = std::max(std::log10(power_of_ten_above(most)), low + 1);
  const double width = (high - low) / kBars;
  std::vector<int> counts(kBars, 0);
  for (const double value : values) {
    const double place = (std::log10(std::max(value, kLeast)) - low) / width;
    ++counts[static_cast<std::size_t>(std::clamp(place, 0.0, kBars - 1.0))];
  }
  // The axis has logarithms of its own, so that bars are equally wide.
  Plot plot({"KL divergence of a position, log10 (nats)", low, high, false},
            {"positions", 0, 1.05 * *std::ranges::max_element(counts), false, true});
  std::vector<PlotPoint> bars;
  for (int i = 0; i < kBars; ++i) {
    const double left = low + width * i;
    const int count = counts[static_cast<std::size_t>(i)];
    bars.push_back({left, static_cast<double>(count),
                    std::to_string(count) + " positions from " + short_number(std::pow(10, left)) + " to " +
                        short_number(std::pow(10, left + width))});
  }
  plot.bars(bars, width, "product");
  return plot.draw();
}

std::string kl_by_position(const Evaluation& evaluation) {
  constexpr std::size_t kBuckets = 64;
  const auto& values = evaluation.divergence->kl_at;
  const std::size_t length = evaluation.positions_of_chunk;
  const std::size_t bucket = std::max<std::size_t>(1, (length + kBuckets - 1) / kBuckets);
  std::vector<PlotPoint> points;
  for (std::size_t begin = 0; begin < length; begin += bucket) {
    const std::size_t end = std::min(begin + bucket, length);
    double sum = 0;
    for (std::size_t i = 0; i < values.size(); ++i)
      if (i % length >= begin && i % length < end) sum += values[i];
    const double mean = sum / static_cast<double>((end - begin) * (values.size() / length));
    const double at = evaluation.first_position + static_cast<double>(begin);
    points.push_back({at, mean, "from position " + short_number(at) + ": " + short_number(mean)});
  }
  if (greatest(points) == 0) return kEqual;
  Plot plot({"position in the chunk", static_cast<double>(evaluation.first_position),
             evaluation.first_position + static_cast<double>(length), false},
            {"mean KL divergence", 0, 1.05 * greatest(points), false});
  plot.bars(points, static_cast<double>(bucket), "product");
  return plot.draw();
}

std::string kl_by_chunk(const Evaluation& evaluation) {
  const auto& values = evaluation.divergence->kl_at;
  const auto length = static_cast<std::ptrdiff_t>(evaluation.positions_of_chunk);
  std::vector<PlotPoint> points;
  for (auto at = values.begin(); at != values.end(); at += length) {
    double sum = 0;
    for (auto value = at; value != at + length; ++value) sum += *value;
    const double mean = sum / static_cast<double>(length);
    points.push_back({static_cast<double>(points.size()), mean,
                      "chunk " + std::to_string(points.size() + 1) + ": " + short_number(mean)});
  }
  if (greatest(points) == 0) return kEqual;
  Plot plot({"chunk", 0, static_cast<double>(points.size()), false, true},
            {"mean KL divergence", 0, 1.05 * greatest(points), false});
  plot.bars(points, 1, "product");
  return plot.draw();
}

std::string error_by_layer(const Comparison& tensors) {
  std::map<int, std::vector<const TensorDifference*>> layers;
  for (const auto& tensor : tensors.tensors)
    if (layer_of(tensor.name) >= 0) layers[layer_of(tensor.name)].push_back(&tensor);
  if (layers.empty()) return "<p>No tensor is of a layer.</p>\n";
  std::map<std::string_view, std::vector<PlotPoint>> dots;  // by color
  std::vector<PlotPoint> all, last;
  for (const auto& [layer, members] : layers) {
    for (std::size_t i = 0; i < members.size(); ++i) {
      const auto& tensor = *members[i];
      const PlotPoint point = {layer + static_cast<double>(i + 1) / static_cast<double>(members.size()),
                               tensor.relative_rms, tensor.name + ": " + short_number(tensor.relative_rms)};
      all.push_back(point);
      if (tensor.relative_rms > 0) dots[color_of(tensor.op)].push_back(point);
    }
    last.push_back(all.back());
  }
  if (greatest(all) == 0) return "<p>All tensors of all layers are equal bit for bit.</p>\n";
  Plot plot({"layer", 0, static_cast<double>(layers.rbegin()->first + 1), false, true},
            logarithmic("relative error", all));
  for (const auto& [color, points] : dots) plot.dots(points, color);
  plot.line(last, "ink");
  return plot.draw() +
         "<div class=\"key\"><span><i class=\"product\"></i>products</span><span><i "
         "class=\"attention\"></i>attention</span><span><i class=\"rows\"></i>rows</span><span><i "
         "class=\"other\"></i>other</span></div>\n";
}

std::string error_against_size(const std::vector<EvaluationPart>& parts) {
  constexpr double kMegabyte = 1e6;
  std::vector<PlotPoint> points;
  double least = 0, most = 0;
  for (const auto& part : parts) {
    const double size = static_cast<double>(part.evaluation.file_bytes) / kMegabyte;
    least = points.empty() ? size : std::min(least, size);
    most = std::max(most, size);
    points.push_back({size, part.evaluation.divergence->kl.mean.value, part.label});
  }
  if (greatest(points) == 0) return kEqual;
  const double margin = std::max(0.05 * (most - least), 0.01 * most);
  Plot plot({"file, MB", least - margin, most + margin, false}, logarithmic("mean KL divergence", points));
  plot.dots(points, "product", true);
  return plot.draw();
}

}  // namespace lathe::report
