#include "compile/cost_model.h"

#include <algorithm>
#include <array>

#include "backend/cache_layout.h"
#include "backend/step_attributes.h"
#include "graph/window.h"
#include "quant/block_format.h"

namespace lathe {
namespace {

constexpr double kThreadBandwidth = 8e9;
constexpr double kBandwidth = 24e9;
constexpr double kSynchronization = 2e-6;
constexpr double kPackingOperations = 6;

struct Rates {
  std::string_view prefix;
  double int8;
  double bf16;
  double other;
};
constexpr Rates kPortable = {"portable.", 1.5e9, 5e8, 2e9};
constexpr std::array kRates = {Rates{"avx512bf16.", 1.5e11, 1e11, 3e10}, Rates{"avx512.", 1.5e11, 3e10, 3e10},
                               Rates{"avx2.", 6e10, 2e10, 2e10}, kPortable};

const Rates& rates_of(const Kernel& kernel) {
  for (const auto& rates : kRates)
    if (kernel.name.starts_with(rates.prefix)) return rates;
  return kPortable;
}

struct Cost {
  double bytes = 0;
  double operations = 0;
  double packing = 0;  // numbers that are packed in each call
};

double elements(const Shape& shape) { return static_cast<double>(element_count(shape)); }

double weight_bytes(Dtype layout, const Shape& shape) {
  if (layout < Dtype::packed4) return static_cast<double>(dense_bytes(layout, shape));
  const std::int64_t matrices = shape.size() == 3 ? shape[0] : 1;
  return static_cast<double>(packed_bytes(layout, shape[shape.size() - 2], shape.back())) *
         static_cast<double>(matrices);
}

/// A weight of a matmul: rows of the activation times it. Of experts as many as there are slots for.
void add_weight(Dtype layout, bool packed, const Shape& weight, double rows, Cost& cost) {
  double part = 1;
  if (weight.size() == 3) {
    const double matrices = static_cast<double>(std::max<std::int64_t>(weight[0], 1));
    part = std::min(rows, matrices) / matrices;
    cost.operations += 2 * rows * elements(weight) / matrices;
  } else {
    cost.operations += 2 * rows * elements(weight);
  }
  cost.bytes += weight_bytes(layout, weight) * part;
  if (!packed) cost.packing += elements(weight) * part;
}

/// Outputs of the convolution in a ConvPool of images [N, C, H, W].
double convolved_outputs(const Node& node, const Shape& x, const Shape& weight) {
  if (x.size() != 4 || weight.size() != 4) return 0;
  WindowAxis axes[2];
  resolve_windows({node.text("auto_pad").c_str(), node.text("dilations").c_str(), node.text("pads").c_str(),
                   node.text("strides").c_str()},
                  2, x.data() + 2, weight.data() + 2, false, axes);
  return static_cast<double>(x[0] * weight[0] * axes[0].output * axes[1].output);
}

/// Multiply-adds of convolutions, and of products of codes; 0 of other nodes.
double multiplications(const Graph& graph, const Node& node, const SymbolValues& values) {
  constexpr std::array kWithRows = {"Conv", "FusedConv", "ConvPool", "ConvCodes", "LinearCodes"};
  constexpr double kWinogradProducts = 36.0 / 16;  // for each output and channel
  const bool winograd = node.op->name == "WinogradConv";
  if (!winograd && std::ranges::find(kWithRows, node.op->name) == kWithRows.end()) return 0;
  const Shape weight = values.shape(graph.value(node.inputs[1]).type);  // [rows, ...] or [36, rows, channels]
  const double outputs = node.op->name == "ConvPool"
                             ? convolved_outputs(node, values.shape(graph.value(node.inputs[0]).type), weight)
                             : elements(values.shape(graph.value(node.outputs[0]).type));
  if (weight.empty() || elements(weight) == 0) return 0;
  return outputs * (winograd ? kWinogradProducts * static_cast<double>(weight.back())
                             : elements(weight) / static_cast<double>(weight[0]));
}

Cost cost_of(const Graph& graph, const Node& node, const KernelCandidate& candidate,
             const SymbolValues& values) {
  Cost cost;
  cost.operations = 2 * multiplications(graph, node, values);
  const bool matmul = node.op->fusion == FusionKind::matmul;
  const Shape first = node.inputs.empty() ? Shape() : values.shape(graph.value(node.inputs[0]).type);
  const Shape chosen =
      matmul && node.inputs.size() > 2 ? values.shape(graph.value(node.inputs[2]).type) : Shape();
  for (std::size_t i = 0; i < node.inputs.size(); ++i) {
    const Value& value = graph.value(node.inputs[i]);
    const Shape shape = values.shape(value.type);
    if (matmul && value.kind == ValueKind::constant && shape.size() >= 2) {
      const double rows =
          shape.size() == 3 ? elements(chosen) : static_cast<double>(first.empty() ? 1 : first[0]);
      add_weight(candidate.layouts[i],
                 !is_packed_weight(graph, node, i) || candidate.layouts[i] >= Dtype::packed4, shape, rows,
                 cost);
    } else if (shape.size() == 5) {  // a cache
      const double positions = static_cast<double>(values.named("B") * kPageTokens);
      cost.operations +=
          first.empty() ? 0 : 4 * elements(first) * positions / static_cast<double>(values.named("Q"));
      cost.bytes += positions * 2 * static_cast<double>(shape[3] * shape[4]) / kPageTokens * 2;
    } else if (node.op->name != "Gather" || i != 0) {  // of a table few rows are read
      cost.bytes += static_cast<double>(dense_bytes(value.type.dtype, shape));
    }
  }
  for (const auto output : node.outputs) {
    const Shape shape = values.shape(graph.value(output).type);
    if (shape.size() == 5) continue;
    cost.bytes += static_cast<double>(dense_bytes(graph.value(output).type.dtype, shape));
    cost.operations += 10 * elements(shape);
  }
  return cost;
}

TensorArg argument(const ValueType& type, const SymbolValues& values) {
  TensorArg result{
      nullptr, {}, static_cast<std::int32_t>(type.dims.size()), static_cast<std::int32_t>(type.dtype)};
  for (std::size_t i = 0; i < type.dims.size(); ++i) result.dims[i] = values.of(type.dims[i]);
  return result;
}

int threads_used(const Graph& graph, const Node& node, const KernelCandidate& candidate,
                 const SymbolValues& values, int threads) {
  if (candidate.threads != 0) return std::min(candidate.threads, threads);
  if (candidate.kernel->serial == nullptr) return threads;
  const OperandTypes types(graph, node, candidate.layouts);
  std::vector<TensorArg> inputs;
  std::vector<TensorArg> outputs;
  for (const auto& type : types.inputs) inputs.push_back(argument(type, values));
  for (const auto& type : types.outputs) outputs.push_back(argument(type, values));
  const StepAttributes attributes(*node.op, node.attributes);
  const KernelCall call{inputs.data(),
                        outputs.data(),
                        attributes.values(),
                        nullptr,
                        static_cast<std::int32_t>(inputs.size()),
                        0,
                        1,
                        candidate.variant};
  return candidate.kernel->serial(call) ? 1 : threads;
}

}  // namespace

double modelled_seconds(const Graph& graph, const Node& node, const KernelCandidate& candidate,
                        const SymbolValues& values, int threads) {
  const Cost cost = cost_of(graph, node, candidate, values);
  const int used = threads_used(graph, node, candidate, values, threads);
  const Rates& rates = rates_of(*candidate.kernel);
  const bool multiplies = node.op->fusion == FusionKind::matmul || multiplications(graph, node, values) > 0;
  const auto arithmetic = multiplies ? candidate.kernel->arithmetic : std::string_view();
  const double rate = arithmetic.starts_with("int8")   ? rates.int8
                      : arithmetic.starts_with("bf16") ? rates.bf16
                                                       : rates.other;
  const double computing = cost.operations / rate + cost.packing * kPackingOperations / kPortable.other;
  const double reading = cost.bytes / std::min(kThreadBandwidth * used, kBandwidth);
  return std::max(computing / used, reading) + (used > 1 ? kSynchronization : 0);
}

}  // namespace lathe
