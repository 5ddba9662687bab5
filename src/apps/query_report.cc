#include "apps/query_report.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <functional>

#include "apps/output.h"
#include "apps/statistics.h"
#include "lathe/inspection.h"

namespace lathe::apps {
namespace {

/// Six digits that count, as C++ streams print numbers.
std::string general(double value) {
  std::array<char, 64> buffer{};
  const int length = std::snprintf(buffer.data(), buffer.size(), "%g", value);
  return {buffer.data(), static_cast<std::size_t>(length)};
}

struct Series {
  std::vector<double> latency, enqueue, to_device, compute, to_host;  // milliseconds, one for each run
};

Series series_of(std::span<const RunTimes> runs) {
  Series series;
  for (const auto& run : runs) {
    series.enqueue.push_back(1e3 * (run.enqueue_end - run.enqueue_start));
    series.to_device.push_back(1e3 * (run.to_device_end - run.to_device_start));
    series.compute.push_back(1e3 * (run.compute_end - run.compute_start));
    series.to_host.push_back(1e3 * (run.to_host_end - run.to_host_start));
    series.latency.push_back(series.to_device.back() + series.compute.back() + series.to_host.back());
  }
  return series;
}

std::string summary_line(const std::string& what, const std::vector<double>& values,
                         std::span<const double> percentiles) {
  const auto [least, most] = std::ranges::minmax(values);
  std::string line = what + ": min = " + general(least) + " ms, max = " + general(most) +
                     " ms, mean = " + general(mean(values)) + " ms, median = " + general(median(values)) +
                     " ms";
  for (const double percent : percentiles)
    line += ", percentile(" + general(percent) + "%) = " + general(percentile(values, percent)) + " ms";
  return line + "\n";
}

double sum(const std::vector<double>& values) { return mean(values) * static_cast<double>(values.size()); }

/// trtexec measures variation against the mean.
double coefficient_of_variation(const std::vector<double>& values) {
  const double center = mean(values);
  return center > 0 ? 100 * standard_deviation(values) / center : 0;
}

std::string dimensions(const std::vector<std::int64_t>& shape) {
  std::string text;
  for (const auto dim : shape) text += (text.empty() ? "" : "x") + std::to_string(dim);
  return text;
}

}  // namespace

double percentile(std::vector<double> values, double percent) {
  std::ranges::sort(values);
  const auto count = static_cast<double>(values.size());
  const auto excluded = static_cast<std::size_t>((1 - percent / 100) * count);
  return values[values.size() - 1 - std::min(excluded, values.size() - 1)];
}

std::string format_trace(const QueryTrace& trace, const QueryOptions& options, const ReportOptions& report) {
  const Series series = series_of(trace.runs);
  std::string text = "Warmup completed " + std::to_string(trace.warm_up_queries) + " queries over " +
                     general(options.warm_up_ms) + " ms\nTiming trace has " +
                     std::to_string(trace.runs.size()) + " queries over " + general(trace.wall_seconds) +
                     " s\n\n=== Trace details ===\nTrace averages of " + std::to_string(report.average_runs) +
                     " runs:\n";
  const auto group = static_cast<std::size_t>(report.average_runs);
  for (std::size_t first = 0; first + group <= trace.runs.size(); first += group) {
    const auto average = [&](const std::vector<double>& values) {
      return general(mean(std::span(values).subspan(first, group)));
    };
    text += "Average on " + std::to_string(group) + " runs - GPU latency: " + average(series.compute) +
            " ms - Host latency: " + average(series.latency) + " ms (enqueue " + average(series.enqueue) +
            " ms)\n";
  }
  text += "\n=== Performance summary ===\nThroughput: " +
          general(static_cast<double>(trace.runs.size()) / trace.wall_seconds) + " qps\n";
  text += summary_line("Latency", series.latency, report.percentiles);
  text += summary_line("Enqueue Time", series.enqueue, report.percentiles);
  text += summary_line("H2D Latency", series.to_device, report.percentiles);
  text += summary_line("GPU Compute Time", series.compute, report.percentiles);
  text += summary_line("D2H Latency", series.to_host, report.percentiles);
  return text + "Total Host Walltime: " + general(trace.wall_seconds) +
         " s\nTotal GPU Compute Time: " + general(sum(series.compute) / 1e3) + " s\n";
}

std::vector<std::string> trace_warnings(const QueryTrace& trace, const QueryOptions& options) {
  constexpr double kEnqueueShare = 0.8;
  constexpr double kUnstablePercent = 2.5;
  const Series series = series_of(trace.runs);
  const double compute = median(series.compute);
  std::vector<std::string> warnings;
  if (median(series.enqueue) > kEnqueueShare * compute)
    warnings.push_back(
        "throughput may be bound by the enqueue time rather than by computing: larger shapes use the "
        "processor better");
  if (median(series.to_device) >= compute)
    warnings.push_back(
        "throughput may be bound by sending the inputs rather than by computing; --no-data-transfers leaves "
        "that out");
  if (median(series.to_host) >= compute)
    warnings.push_back(
        "throughput may be bound by reading the outputs rather than by computing; --no-data-transfers leaves "
        "that out");
  const double variation = coefficient_of_variation(series.compute);
  if (variation > kUnstablePercent)
    warnings.push_back("the compute time is unstable, with a coefficient of variation of " +
                       format_number(variation, 1) +
                       " %: is the machine doing other work, or its clock changing?");
  if (options.streams > 1)
    warnings.push_back(std::to_string(options.streams) +
                       " streams ran at once: throughput is the figure that counts, a latency contains what "
                       "the others took");
  return warnings;
}

std::vector<LayerProfile> summarize(std::span<const StepInspection> layers,
                                    std::span<const std::vector<double>> seconds) {
  std::vector<LayerProfile> profile;
  double total = 0;
  for (std::size_t layer = 0; layer < layers.size(); ++layer) {
    std::vector<double> milliseconds;
    for (const auto& run : seconds) milliseconds.push_back(1e3 * run[layer]);
    profile.push_back({layers[layer].name, sum(milliseconds), mean(milliseconds), median(milliseconds), 0});
    total += profile.back().total_ms;
  }
  for (auto& layer : profile) layer.percentage = total > 0 ? 100 * layer.total_ms / total : 0;
  return profile;
}

std::string format_profile(std::span<const LayerProfile> profile, std::size_t runs) {
  const auto row = [](const LayerProfile& layer) {
    std::array<char, 96> buffer{};
    const int length = std::snprintf(buffer.data(), buffer.size(), "%11.2f %12.4f %12.4f %9.1f   ",
                                     layer.total_ms, layer.average_ms, layer.median_ms, layer.percentage);
    return std::string(buffer.data(), static_cast<std::size_t>(length)) + layer.name + "\n";
  };
  std::string text = "\n=== Profile (" + std::to_string(runs) +
                     " iterations ) ===\n   Time(ms)     Avg.(ms)   Median(ms)   Time(%)   Layer\n";
  LayerProfile total{"Total"};
  for (const auto& layer : profile) {
    text += row(layer);
    total.total_ms += layer.total_ms;
    total.average_ms += layer.average_ms;
    total.median_ms += layer.median_ms;
    total.percentage += layer.percentage;
  }
  return text + row(total);
}

std::string times_json(const QueryTrace& trace) {
  std::string text = "[";
  for (const auto& run : trace.runs) {
    text += text.size() > 1 ? ",\n  {" : "\n  {";
    const auto field = [&text](const char* name, double milliseconds) {
      text += (text.back() == '{' ? "\"" : ", \"") + std::string(name) + "\": " + json_number(milliseconds);
    };
    const auto moment = [&](const char* name, double at) { field(name, 1e3 * (at - trace.start)); };
    moment("startEnqMs", run.enqueue_start);
    moment("endEnqMs", run.enqueue_end);
    moment("startH2dMs", run.to_device_start);
    moment("endH2dMs", run.to_device_end);
    moment("startComputeMs", run.compute_start);
    moment("endComputeMs", run.compute_end);
    moment("startD2hMs", run.to_host_start);
    moment("endD2hMs", run.to_host_end);
    const double to_device = 1e3 * (run.to_device_end - run.to_device_start);
    const double compute = 1e3 * (run.compute_end - run.compute_start);
    const double to_host = 1e3 * (run.to_host_end - run.to_host_start);
    field("h2dMs", to_device);
    field("computeMs", compute);
    field("d2hMs", to_host);
    field("latencyMs", to_device + compute + to_host);
    text += "}";
  }
  return text + "\n]\n";
}

std::string profile_json(std::span<const LayerProfile> profile, std::size_t runs) {
  std::string text = "[\n  {\"count\": " + std::to_string(runs) + "}";
  for (const auto& layer : profile)
    text += ",\n  {\"name\": " + json_string(layer.name) + ", \"timeMs\": " + json_number(layer.total_ms) +
            ", \"averageMs\": " + json_number(layer.average_ms) +
            ", \"medianMs\": " + json_number(layer.median_ms) +
            ", \"percentage\": " + json_number(layer.percentage) + "}";
  return text + "\n]\n";
}

/// The elements, each written by `number`, or as a JSON text.
std::string elements_text(const Tensor& tensor, std::string_view between, std::string (*number)(double)) {
  std::string list;
  const auto add = [&](const std::string& element) {
    list.append(list.empty() ? "" : between).append(element);
  };
  if (tensor.dtype == "string")
    for (const auto& text : tensor.texts) add(json_string(text));
  else
    for (const double value : numbers(tensor)) add(number(value));
  return list;
}

std::string outputs_json(const Program& program, const Execution& execution) {
  std::string text = "[";
  for (const auto& info : program.outputs()) {
    const Tensor tensor = execution.output(info.name);
    text += std::string(text.size() > 1 ? "," : "") + "\n  {\"name\": " + json_string(info.name) +
            ", \"dimensions\": \"" + dimensions(tensor.shape) + "\", \"values\": [" +
            elements_text(tensor, ", ", json_number) + "]}";
  }
  return text + "\n]\n";
}

std::string format_outputs(const Program& program, const Execution& execution) {
  std::string text = "\nOutput Tensors:\n";
  for (const auto& info : program.outputs()) {
    const Tensor tensor = execution.output(info.name);
    text += info.name + ": (" + dimensions(tensor.shape) + ")\n";
    text += elements_text(tensor, " ", general) + "\n";
  }
  return text;
}

}  // namespace lathe::apps
