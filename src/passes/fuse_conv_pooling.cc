// MaxPool, AveragePool or GlobalAveragePool of a Conv or FusedConv, and functions of what is pooled  ->
// ConvPool, which pools the convolution's outputs while they are in the cache:
//   Relu(MaxPool(Conv(x)))  ->  ConvPool(x) {pool = "max", pool_epilogue = "relu"}
//
// Relu stays behind the maximum: in front of it a window of NaN alone, or of zeros of both signs, would give
// something else. Bit-equal.
//
// Left alone are images whose sizes are not known, convolutions that others read or that go through
// Winograd's transforms, epilogues that add tensors in front of anything but the mean of a whole image, and
// what would be slower: the mean of large images, windows behind more than 256 products an output, and bands
// of lines that no second-level cache holds.
#include <algorithm>

#include "graph/conv_epilogue.h"
#include "graph/fused_program_text.h"
#include "graph/window.h"
#include "passes/linear_program.h"
#include "passes/pass.h"
#include "passes/program_function.h"
#include "passes/rewrite.h"
#include "passes/uses.h"

namespace lathe {
namespace {

constexpr std::int64_t kBandNumbers = 1 << 17;  // 512 KiB

std::string_view kind_of(const Node& pool) {
  if (pool.op->name == "MaxPool") return pool.outputs.size() == 1 ? "max" : "";
  if (pool.op->name == "AveragePool") return "average";
  return pool.op->name == "GlobalAveragePool" ? "mean" : "";
}

bool is_image(const ValueType& type) {
  return type.dtype == Dtype::f32 && type.ranked && type.dims.size() == 4 && !type.dims[1].is_symbolic() &&
         !type.dims[2].is_symbolic() && !type.dims[3].is_symbolic();
}

class Fusion {
 public:
  explicit Fusion(Graph& graph) : graph_(graph), uses_(graph), gone_(graph.nodes.size(), false) {}

  bool run() {
    bool changed = false;
    for (std::size_t i = 0; i < gone_.size(); ++i) changed |= !gone_[i] && fuse(i);
    if (changed) erase_nodes(graph_, gone_);
    return changed;
  }

 private:
  const ValueType& type(ValueId id) const { return graph_.value(id).type; }
  Node& node(std::ptrdiff_t index) { return graph_.nodes[static_cast<std::size_t>(index)]; }

  bool is_number(ValueId id) const {
    return std::ranges::all_of(type(id).dims, [](const Dim& dim) { return dim == Dim(1); });
  }

  bool has_tensor_operands(const Node& conv) const {
    if (conv.op->name != "FusedConv") return false;
    const auto first = conv.inputs.begin() + 3;
    const auto count = conv_epilogue(conv.text("epilogue").c_str()).operands;
    return !std::all_of(first, first + count, [this](ValueId id) { return is_number(id); });
  }

  bool pays(const Node& conv, const Node& pool, std::string_view kind) const {
    const Dims& between = type(conv.outputs[0]).dims;
    const Dims& weights = type(conv.inputs[1]).dims;
    const std::int64_t rows = weights[0].value / conv.integer("group");
    const std::int64_t pixels = between[2].value * between[3].value;
    if (pixels == 0 || rows == 0) return false;
    const bool is_depthwise = rows == 1 && weights[1] == Dim(1);
    if (is_depthwise) return pixels <= kBandNumbers;
    if (kind == "mean") return pixels <= rows;
    // Beside more products than these for each output, what pooling costs does not show.
    constexpr std::int64_t kMostDepth = 256;
    if (weights[1].value * weights[2].value * weights[3].value > kMostDepth) return false;
    if (pixels <= rows) return true;
    const WindowNumbers kernel = window_numbers(pool.text("kernel_shape").c_str());
    const WindowNumbers dilations = window_numbers(pool.text("dilations").c_str());
    const std::int64_t lines = (kernel.values[0] - 1) * number_at(dilations, 0, 1) + 1;
    return rows * lines * between[3].value <= kBandNumbers;
  }

  bool fuse(std::size_t index) {
    const Node pool = graph_.nodes[index];
    const auto kind = kind_of(pool);
    if (kind.empty() || uses_.producer(pool.inputs[0]) < 0 || uses_.only_reader(pool.inputs[0]) < 0)
      return false;
    const auto place = uses_.producer(pool.inputs[0]);
    const Node conv = node(place);
    if (conv.op->name != "Conv" && conv.op->name != "FusedConv") return false;
    if (type(conv.inputs[1]).dtype != Dtype::f32) return false;
    if (!is_image(type(conv.inputs[0])) || !is_image(type(conv.outputs[0])) ||
        !is_image(type(pool.outputs[0])))
      return false;
    if ((kind != "mean" && has_tensor_operands(conv)) || !pays(conv, pool, kind)) return false;
    std::string name = joined_names(conv.name, pool.name);
    const std::string epilogue = absorb_functions(index, name);
    Attributes attributes = conv.attributes;
    for (const auto& [attribute, value] : pool.attributes)
      if (attribute != "storage_order" && attribute != "outputs") attributes["pool_" + attribute] = value;
    attributes["pool"] = std::string(kind);
    attributes["pool_epilogue"] = epilogue;
    std::vector<ValueId> inputs = conv.inputs;
    if (inputs.size() < 3) inputs.push_back(absent(graph_));
    Node& result = graph_.nodes[index];
    result.op = find_op("ConvPool");
    result.name = std::move(name);
    result.inputs = std::move(inputs);
    result.attributes = complete_attributes(*result.op, std::move(attributes));
    gone_[static_cast<std::size_t>(place)] = true;
    return true;
  }

  /// The functions behind the pooling as an epilogue; their nodes go, and the last one's output is the
  /// pool's.
  std::string absorb_functions(std::size_t index, std::string& name) {
    std::string text;
    for (int count = 0; count < kMaxEpilogueSteps; ++count) {
      const auto reader = uses_.only_reader(graph_.nodes[index].outputs[0]);
      if (reader < 0) break;
      const Node next = node(reader);
      const auto function = program_function(graph_, next);
      if (!function || next.inputs[0] != graph_.nodes[index].outputs[0]) break;
      const std::string added(fused_function_name(function->function));
      const ConvEpilogue epilogue = conv_epilogue(added.c_str());
      if (epilogue.count != 1 || has_numbers(epilogue.steps[0])) break;
      text += (text.empty() ? "" : ", ") + added;
      name = joined_names(name, next.name);
      graph_.nodes[index].outputs = next.outputs;
      gone_[static_cast<std::size_t>(reader)] = true;
    }
    return text;
  }

  Graph& graph_;
  const Uses uses_;
  std::vector<bool> gone_;
};

}  // namespace

bool fuse_conv_pooling(Graph& graph, const PassContext&) { return Fusion(graph).run(); }

}  // namespace lathe
