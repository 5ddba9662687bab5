#include "api/network_precision.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <map>

#include "api/choose_types.h"
#include "api/inspect_plan.h"
#include "api/layer_types.h"
#include "api/network_ranges.h"
#include "api/network_trial.h"
#include "api/prepare_network.h"
#include "api/tensor_difference.h"
#include "base/error.h"

namespace lathe {
namespace {

constexpr std::size_t kSamplesAlone = 8;   // that a layer's own error is measured on
constexpr std::size_t kSamplesWhole = 32;  // and that of the whole network
constexpr int kMostTries = 6;
constexpr double kWorthwhile = 0.98;  // of float32's time

[[noreturn]] void refuse(const std::string& message, const char* option) {
  throw Error(ErrorCode::invalid_argument, message, {{}, std::nullopt, option});
}

std::vector<std::size_t> spread(std::size_t all, std::size_t most) {
  std::vector<std::size_t> chosen;
  const std::size_t count = std::min(all, most);
  for (std::size_t i = 0; i < count; ++i) chosen.push_back(i * all / count);
  return chosen;
}

struct Difference {
  double error = 0;  // the worst output's
  double cosine = 1;
};

class PrecisionSearch {
 public:
  PrecisionSearch(const ProgramOptions& options, const Graph& graph, const CalibrationSet& samples)
      : options_(options),
        samples_(samples),
        graph_(prepare_network(options, graph)),
        layers_(find_weighted_layers(graph_)),
        types_(layers_.size(), LayerType::f32),
        ranges_(layers_.size()) {
    if (layers_.empty())
      throw Error(ErrorCode::unsupported, "the network has no Conv, MatMul or Gemm with constant factors",
                  {options.file, std::nullopt, "calibrate"});
    if (!(options.precision.error_limit > 0)) refuse("the limit is no positive number", "error-limit");
    allowed_ = allowed_types(options.precision, layers_);
    sizes_ = samples_.greatest();
    for (const auto& [symbol, size] : options.sizes) sizes_[symbol] = std::max(sizes_[symbol], size);
    const bool any_int8 = std::ranges::any_of(allowed_, [](const AllowedTypes& allowed) {
      return std::ranges::find(allowed.types, LayerType::int8) != allowed.types.end();
    });
    if (any_int8) find_layer_ranges(network_hash(graph));
  }

  PrecisionChoice run() {
    measure_references();
    measure_layers();
    Difference whole = choose();
    seconds_ = whole_seconds();
    if (seconds_ > kWorthwhile * f32_seconds_ && go_back()) {
      whole = difference(types_, kSamplesWhole);
      seconds_ = whole_seconds();
    }
    return {typed(types_), sizes_, report(whole)};
  }

 private:
  void find_layer_ranges(const std::string& network) {
    const auto found = find_ranges(options_, graph_, layers_, samples_, sizes_, network);
    for (std::size_t i = 0; i < layers_.size(); ++i) ranges_[i] = found.of_tensor.at(layers_[i].tensor);
    from_cache_ = found.from_cache;
  }

  Graph typed(const std::vector<LayerType>& types) const {
    Graph graph = graph_;
    set_layer_types(graph, layers_, types, ranges_);
    return graph;
  }

  void measure_references() {
    NetworkTrial trial(options_, graph_, sizes_, NetworkTrial::Purpose::outputs);
    for (const auto i : spread(samples_.size(), kSamplesWhole))
      references_.push_back({samples_.sample(i), {}});
    for (auto& [sample, outputs] : references_) outputs = trial.run(sample);
    if (references_.front().outputs.empty())
      throw Error(ErrorCode::unsupported, "the network has no output of numbers to measure errors on",
                  {options_.file, std::nullopt, "calibrate"});
  }

  Difference difference(const std::vector<LayerType>& types, std::size_t most) const {
    NetworkTrial trial(options_, typed(types), sizes_, NetworkTrial::Purpose::outputs);
    std::vector<DifferenceMeter> meters(references_.front().outputs.size(), DifferenceMeter(Tolerance{}));
    for (const auto i : spread(references_.size(), most)) {
      const auto outputs = trial.run(references_[i].sample);
      for (std::size_t k = 0; k < meters.size(); ++k) meters[k].add(references_[i].outputs[k], outputs[k]);
    }
    Difference worst;
    for (const auto& meter : meters) {
      worst.error = std::max(worst.error, meter.result().relative_rms);
      worst.cosine = std::min(worst.cosine, meter.result().cosine);
    }
    return worst;
  }

  bool is_allowed(std::size_t layer, LayerType type) const {
    return std::ranges::find(allowed_[layer].types, type) != allowed_[layer].types.end();
  }

  /// Seconds of each layer with all that may be of a type in it.
  std::vector<double> layer_seconds(LayerType type, double* whole) const {
    std::vector<LayerType> types(layers_.size(), LayerType::f32);
    std::map<std::string, std::size_t> layer_of;
    for (std::size_t i = 0; i < layers_.size(); ++i) {
      if (is_allowed(i, type)) types[i] = type;
      for (const char* part : {"", ".Linear", ".QuantizeLinear", ".DequantizeLinear"})
        layer_of[layers_[i].node + part] = i;
    }
    const auto times = NetworkTrial(options_, typed(types), sizes_, NetworkTrial::Purpose::times).time();
    std::vector<double> seconds(layers_.size(), 0.0);
    for (const auto& [name, step_seconds] : times.steps) {
      std::vector<std::size_t> owners;
      for (const auto& part : parts_of_name(name))
        if (const auto found = layer_of.find(part); found != layer_of.end()) owners.push_back(found->second);
      for (const auto owner : owners) seconds[owner] += step_seconds / static_cast<double>(owners.size());
    }
    if (whole != nullptr) *whole = times.whole;
    return seconds;
  }

  void measure_layers() {
    choices_.resize(layers_.size());
    for (const LayerType type : {LayerType::f32, LayerType::bf16, LayerType::int8}) {
      const auto has_type = [&](std::size_t i) { return is_allowed(i, type); };
      bool any = type == LayerType::f32;  // the whole is compared with it
      for (std::size_t i = 0; i < layers_.size(); ++i) any = any || has_type(i);
      if (!any) continue;
      const auto seconds = layer_seconds(type, type == LayerType::f32 ? &f32_seconds_ : nullptr);
      for (std::size_t i = 0; i < layers_.size(); ++i)
        if (has_type(i)) choices_[i].options.push_back(measured(i, type, seconds[i]));
    }
  }

  LayerTypeOption measured(std::size_t layer, LayerType type, double seconds) const {
    if (type == LayerType::f32) return {type, seconds, 0, 1};
    std::vector<LayerType> alone(layers_.size(), LayerType::f32);
    alone[layer] = type;
    const Difference found = difference(alone, kSamplesAlone);
    return {type, seconds, found.error, found.cosine};
  }

  void take_chosen() {
    for (std::size_t i = 0; i < layers_.size(); ++i) types_[i] = choices_[i].options[choices_[i].chosen].type;
  }

  /// Goes back on layers until the whole stays within the limit.
  Difference choose() {
    const double limit = options_.precision.error_limit;
    double expected = limit;
    for (int tries = 1;; ++tries) {
      choose_types(choices_, expected);
      take_chosen();
      const Difference found = difference(types_, kSamplesWhole);
      if (found.error <= limit) return found;
      if (expected == 0) refuse_limit(found.error);
      expected =
          tries == kMostTries ? 0 : std::min(expected, expected_error(choices_)) * 0.9 * limit / found.error;
      if (!std::isfinite(expected)) expected = 0;
    }
  }

  [[noreturn]] void refuse_limit(double error) const {
    std::array<char, 200> text{};
    std::snprintf(text.data(), text.size(),
                  "an error of %.3g is the least that the types allowed give, and the limit is %.3g", error,
                  options_.precision.error_limit);
    refuse(text.data(), "error-limit");
  }

  double whole_seconds() const {
    return NetworkTrial(options_, typed(types_), sizes_, NetworkTrial::Purpose::times).time().whole;
  }

  /// To float32, wherever that is allowed: gains of single layers may be lost between them. True where that
  /// is another network.
  bool go_back() {
    for (std::size_t i = 0; i < layers_.size(); ++i) {
      if (types_[i] == LayerType::f32 || !is_allowed(i, LayerType::f32)) continue;
      types_[i] = LayerType::f32;
      gone_back_ = true;
    }
    return gone_back_;
  }

  std::string reason(std::size_t layer) const {
    const auto& choice = choices_[layer];
    if (allowed_[layer].is_constrained) return "asked for";
    if (choice.options.size() == 1) return "no other type is allowed";
    if (types_[layer] != choice.options[choice.chosen].type) return "the network is no faster with it";
    if (choice.held_back) return "the error limit";
    return types_[layer] == LayerType::f32 ? "no other type is faster" : "fastest";
  }

  PrecisionInspection report(const Difference& whole) const {
    PrecisionInspection report;
    report.calibrator = options_.precision.calibrator;
    report.samples = static_cast<std::int64_t>(samples_.size());
    report.from_cache = from_cache_;
    report.error = whole.error;
    report.cosine = whole.cosine;
    report.limit = options_.precision.error_limit;
    report.seconds_f32 = f32_seconds_;
    report.seconds = seconds_;
    for (std::size_t i = 0; i < layers_.size(); ++i) {
      LayerPrecisionInspection layer{
          layers_[i].name, layers_[i].op, std::string(layer_type_name(types_[i])), reason(i), {}};
      for (const auto& option : choices_[i].options)
        layer.types.push_back(
            {std::string(layer_type_name(option.type)), option.seconds, option.error, option.cosine});
      report.layers.push_back(std::move(layer));
    }
    return report;
  }

  struct Reference {
    NamedTensors sample;
    std::vector<Tensor> outputs;
  };

  const ProgramOptions& options_;
  const CalibrationSet& samples_;
  Graph graph_;
  std::vector<WeightedLayer> layers_;
  std::vector<AllowedTypes> allowed_;
  std::vector<LayerType> types_;  // chosen
  std::vector<ValueRange> ranges_;
  bool from_cache_ = false;
  Sizes sizes_;
  std::vector<Reference> references_;
  std::vector<LayerChoice> choices_;
  bool gone_back_ = false;
  double f32_seconds_ = 0, seconds_ = 0;  // of the whole, in float32 and as chosen
};

}  // namespace

PrecisionChoice choose_precision(const ProgramOptions& options, const Graph& graph,
                                 const CalibrationSet& samples) {
  return PrecisionSearch(options, graph, samples).run();
}

}  // namespace lathe
