#include "api/choose_types.h"

#include <algorithm>
#include <cmath>

namespace lathe {
namespace {

constexpr double kWorthwhile = 0.98;  // of float32's time: less of a gain is noise
constexpr double kLeastSeconds = 1e-9;

std::size_t fastest(const std::vector<LayerTypeOption>& options) {
  const auto f32 = std::ranges::find(options, LayerType::f32, &LayerTypeOption::type);
  const auto best = std::ranges::min_element(options, {}, &LayerTypeOption::seconds);
  const bool gains = f32 == options.end() || best->seconds < kWorthwhile * f32->seconds;
  return static_cast<std::size_t>((gains ? best : f32) - options.begin());
}

double square(double x) { return x * x; }

/// A layer going back to a type with less error.
struct Step {
  std::size_t layer = 0;
  std::size_t option = 0;
  double worth = 0;  // square of error taken away for each second lost
};

Step best_step(const std::vector<LayerChoice>& layers) {
  Step best;
  for (std::size_t i = 0; i < layers.size(); ++i) {
    const auto& options = layers[i].options;
    const LayerTypeOption& now = options[layers[i].chosen];
    for (std::size_t k = 0; k < options.size(); ++k) {
      const double gain = square(now.error) - square(options[k].error);
      if (!(gain > 0)) continue;
      const double worth = gain / std::max(options[k].seconds - now.seconds, kLeastSeconds);
      if (worth > best.worth) best = {i, k, worth};
    }
  }
  return best;
}

}  // namespace

double expected_error(const std::vector<LayerChoice>& layers) {
  double sum = 0;
  for (const auto& layer : layers) sum += square(layer.options[layer.chosen].error);
  return std::sqrt(sum);
}

void choose_types(std::vector<LayerChoice>& layers, double limit) {
  for (auto& layer : layers) {
    layer.chosen = fastest(layer.options);
    layer.held_back = false;
  }
  while (!(expected_error(layers) <= limit)) {
    const Step step = best_step(layers);
    if (step.worth == 0) return;
    layers[step.layer].chosen = step.option;
    layers[step.layer].held_back = true;
  }
}

}  // namespace lathe
