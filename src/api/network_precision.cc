#include "api/network_precision.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <map>
#include <memory>

#include "api/choose_types.h"
#include "api/inspect_plan.h"
#include "api/layer_replay.h"
#include "api/layer_types.h"
#include "api/network_profiles.h"
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

using Meters = std::vector<DifferenceMeter>;  // one for each output

/// A layer in a type that no other layer has.
struct Alone {
  LayerReplay replay;
  Meters meters;
  LayerTypeOption* option;  // that gets the error
};

class PrecisionSearch {
 public:
  PrecisionSearch(const ProgramOptions& options, const ProgramSource& source, const CalibrationSet& samples,
                  ProgramSharing& sharing)
      : options_(options),
        samples_(samples),
        sharing_(sharing),
        graph_(prepare_network(options, source.graph)),
        layers_(find_weighted_layers(graph_, &sharing.derived)),
        types_(layers_.size(), LayerType::f32),
        ranges_(layers_.size()) {
    if (layers_.empty())
      throw Error(ErrorCode::unsupported, "the network has no Conv, MatMul or Gemm with constant factors",
                  {options.file, std::nullopt, "calibrate"});
    if (!(options.precision.error_limit > 0)) refuse("the limit is no positive number", "error-limit");
    allowed_ = allowed_types(options.precision, layers_);
    sizes_ = samples_.greatest();
    for (const auto& [symbol, size] : options.sizes) sizes_[symbol] = std::max(sizes_[symbol], size);
    typical_ = sizes_;
    for (const auto& [symbol, size] :
         typical_sizes(named_profiles(options.profiles, input_specs(source.graph, ValueKind::input))))
      typical_[symbol] = size;
    const bool any_int8 = std::ranges::any_of(allowed_, [](const AllowedTypes& allowed) {
      return std::ranges::find(allowed.types, LayerType::int8) != allowed.types.end();
    });
    values_ = std::make_unique<NetworkTrial>(trial(graph_, NetworkTrial::Purpose::values));
    if (any_int8) find_layer_ranges({network_hash(source.graph), source.value_names});
    values_->rest();
  }

  PrecisionChoice run() {
    measure_references();
    measure_layers();
    Difference whole = choose();
    seconds_ = whole_seconds();
    if (seconds_ > kWorthwhile * f32_seconds_ && go_back()) {
      whole = difference(types_);
      seconds_ = whole_seconds();
    }
    return {typed(types_), sizes_, report(whole)};
  }

 private:
  void find_layer_ranges(const NetworkNames& network) {
    const auto found = find_ranges(options_, *values_, layers_, samples_, network);
    for (std::size_t i = 0; i < layers_.size(); ++i) ranges_[i] = found.of_tensor.at(layers_[i].tensor);
    from_cache_ = found.from_cache;
    calibrator_ = found.calibrator;
  }

  NetworkTrial trial(Graph graph, NetworkTrial::Purpose purpose) const {
    const bool timed = purpose == NetworkTrial::Purpose::times;
    return {options_, std::move(graph), timed ? typical_ : sizes_, purpose, sharing_};
  }

  Graph typed(const std::vector<LayerType>& types) const {
    Graph graph = graph_;
    set_layer_types(graph, layers_, types, ranges_, &sharing_.derived);
    return graph;
  }

  void measure_references() {
    auto network = trial(graph_, NetworkTrial::Purpose::outputs);
    output_names_ = network.output_names();
    for (const auto i : spread(samples_.size(), kSamplesWhole))
      references_.push_back({samples_.sample(i), {}});
    for (auto& [sample, outputs] : references_) outputs = network.run(sample);
    if (references_.front().outputs.empty())
      throw Error(ErrorCode::unsupported, "the network has no output of numbers to measure errors on",
                  {options_.file, std::nullopt, "calibrate"});
  }

  /// Of the whole network, with layers of these types.
  Difference difference(const std::vector<LayerType>& types) const {
    auto network = trial(typed(types), NetworkTrial::Purpose::outputs);
    Meters meters(output_names_.size(), DifferenceMeter(Tolerance{}));
    for (const auto& [sample, outputs] : references_) {
      const auto found = network.run(sample);
      for (std::size_t k = 0; k < meters.size(); ++k) meters[k].add(outputs[k], found[k]);
    }
    return worst_of(meters);
  }

  static Difference worst_of(const Meters& meters) {
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
    const auto times = trial(typed(types), NetworkTrial::Purpose::times).time();
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
        if (has_type(i)) choices_[i].options.push_back({type, seconds[i], 0, 1});
    }
    measure_errors();
  }

  /// Of each layer in each type, all others in float32. Samples come one by one, so that the tensors of one
  /// alone are kept.
  void measure_errors() {
    std::vector<Alone> all;
    for (std::size_t i = 0; i < layers_.size(); ++i)
      for (auto& option : choices_[i].options)
        if (option.type != LayerType::f32)
          all.push_back(
              {LayerReplay(options_, graph_, {layers_[i], option.type, ranges_[i]}, sizes_, sharing_),
               Meters(output_names_.size(), DifferenceMeter(Tolerance{})), &option});
    for (const auto i : spread(references_.size(), all.empty() ? 0 : kSamplesAlone)) {
      const auto values = recorded(references_[i].sample, all);
      for (auto& alone : all) {
        const auto outputs = alone.replay.run(values);
        const auto names = alone.replay.output_names();
        for (std::size_t k = 0; k < names.size(); ++k) {
          const auto place =
              static_cast<std::size_t>(std::ranges::find(output_names_, names[k]) - output_names_.begin());
          alone.meters[place].add(references_[i].outputs[place], outputs[k]);
        }
      }
    }
    values_.reset();
    for (const auto& alone : all) {
      const Difference found = worst_of(alone.meters);
      alone.option->error = found.error;
      alone.option->cosine = found.cosine;
    }
  }

  /// What the replays read, of one sample.
  std::map<std::string, Tensor> recorded(const NamedTensors& sample, std::span<const Alone> all) const {
    std::map<std::string, Tensor> values(sample.begin(), sample.end());
    values_->run(sample);
    for (const auto& alone : all)
      for (const auto& name : alone.replay.inputs())
        if (!values.contains(name)) values.emplace(name, values_->tensor(name));
    return values;
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
      const Difference found = difference(types_);
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

  double whole_seconds() const { return trial(typed(types_), NetworkTrial::Purpose::times).time().whole; }

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
    report.calibrator = calibrator_.empty() ? options_.precision.calibrator : calibrator_;
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
  ProgramSharing& sharing_;
  Graph graph_;
  std::vector<WeightedLayer> layers_;
  std::vector<AllowedTypes> allowed_;
  std::vector<LayerType> types_;  // chosen
  std::vector<ValueRange> ranges_;
  bool from_cache_ = false;
  std::string calibrator_;                // of a cache that another program wrote
  Sizes sizes_;                           // that hold all samples
  Sizes typical_;                         // that times are measured at
  std::unique_ptr<NetworkTrial> values_;  // the float network, until errors are measured
  std::vector<std::string> output_names_;
  std::vector<Reference> references_;
  std::vector<LayerChoice> choices_;
  bool gone_back_ = false;
  double f32_seconds_ = 0, seconds_ = 0;  // of the whole, in float32 and as chosen
};

}  // namespace

PrecisionChoice choose_precision(const ProgramOptions& options, const ProgramSource& source,
                                 const CalibrationSet& samples, ProgramSharing& sharing) {
  return PrecisionSearch(options, source, samples, sharing).run();
}

}  // namespace lathe
