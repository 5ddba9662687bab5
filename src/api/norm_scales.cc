#include "api/norm_scales.h"

#include <algorithm>
#include <atomic>
#include <optional>

#include "api/row_sample.h"
#include "models/architecture.h"
#include "quant/awq.h"

namespace lathe {
namespace {

/// The tensor that a constant is, or is rows of; empty for others.
std::string tensor_of(const Graph& graph, ValueId id, const Checkpoint& checkpoint) {
  const Value& value = graph.value(id);
  if (value.kind != ValueKind::constant || value.data.data == nullptr) return {};
  for (const auto& [name, tensor] : checkpoint.tensors)
    if (value.data.data >= tensor.data && value.data.data < tensor.data + tensor.bytes()) return name;
  return {};
}

bool is_product(const Node& node) { return node.op->name == "Linear" || node.op->name == "ExpertLinear"; }

bool is_norm(const Node& node) {
  return node.op->name == "RMSNormalization" || node.op->name == "LayerNormalization";
}

/// What one group is scaled by; empty where that gains nothing.
std::vector<float> group_scales(const ScaledGroup& group, const Checkpoint& checkpoint,
                                const std::map<std::string, Dtype>& type_of, const Importance& importance) {
  // Of experts, each has an importance of its own; the first matrix that has one alone speaks for all.
  std::span<const float> inputs;
  std::optional<Dtype> coarsest;
  std::vector<float> rows;
  std::int64_t columns = 0;
  const auto bits = [](Dtype dtype) { return 8.0 * info(dtype).block_bytes / info(dtype).block_elements; };
  for (const std::string& name : group.matrices) {
    const TensorView& tensor = checkpoint.tensors.at(name);
    const Dtype dtype = type_of.at(name);
    columns = tensor.columns();
    const auto known = importance.of(name);
    if (std::ssize(known) == columns && inputs.empty()) inputs = known;
    if (!is_block_quantized(dtype)) continue;
    if (!coarsest || bits(dtype) < bits(*coarsest)) coarsest = dtype;
    const RowSample sample(tensor, {});
    rows.insert(rows.end(), sample.values().begin(), sample.values().end());
  }
  if (inputs.empty() || !coarsest) return {};
  auto found = find_column_scales(*coarsest, rows.data(), inputs.data(), std::ssize(rows) / columns, columns);
  return found.exponent > 0 ? std::move(found.scales) : std::vector<float>();
}

}  // namespace

std::vector<ScaledGroup> scaled_groups(const std::shared_ptr<const Checkpoint>& checkpoint) {
  const Graph graph = find_architecture(checkpoint->architecture).build(checkpoint, {});
  std::vector<std::vector<const Node*>> readers(graph.values.size());
  std::map<std::string, int> uses;  // of each tensor, by any node
  for (const Node& node : graph.nodes)
    for (const ValueId input : node.inputs) {
      readers[static_cast<std::size_t>(input)].push_back(&node);
      if (const std::string name = tensor_of(graph, input, *checkpoint); !name.empty()) ++uses[name];
    }
  std::vector<ScaledGroup> groups;
  for (const Node& node : graph.nodes) {
    if (!is_norm(node)) continue;
    const ValueId output = node.outputs[0];
    const auto& reading = readers[static_cast<std::size_t>(output)];
    const bool products = !reading.empty() && std::ranges::all_of(reading, [&](const Node* reader) {
      return is_product(*reader) && reader->inputs[0] == output &&
             !tensor_of(graph, reader->inputs[1], *checkpoint).empty();
    });
    if (!products || std::ranges::find(graph.outputs, output) != graph.outputs.end()) continue;
    ScaledGroup group;
    bool alone = true;  // nothing else reads the norm's numbers
    for (std::size_t i = 1; i < node.inputs.size(); ++i) {
      group.norm.push_back(tensor_of(graph, node.inputs[i], *checkpoint));
      alone = alone && uses[group.norm.back()] == 1;
    }
    std::map<std::string, int> here;
    for (const Node* reader : reading) ++here[tensor_of(graph, reader->inputs[1], *checkpoint)];
    for (const auto& [name, count] : here) {
      group.matrices.push_back(name);
      alone = alone && uses[name] == count;
    }
    if (alone) groups.push_back(std::move(group));
  }
  return groups;
}

NormScales::NormScales(const std::shared_ptr<const Checkpoint>& checkpoint,
                       const std::vector<TensorType>& types, const Importance& importance, ThreadPool& pool,
                       const ShowShare& show) {
  std::map<std::string, Dtype> type_of;
  for (std::size_t i = 0; i < types.size(); ++i) type_of[checkpoint->tensor_names[i]] = types[i].dtype;
  const auto groups = scaled_groups(checkpoint);
  std::vector<std::vector<float>> found(groups.size());
  std::atomic<std::size_t> next{0};
  pool.run([&](int thread) {
    for (std::size_t i = next.fetch_add(1); i < groups.size(); i = next.fetch_add(1)) {
      if (thread == 0) show(static_cast<double>(i) / static_cast<double>(groups.size()));
      found[i] = group_scales(groups[i], *checkpoint, type_of, importance);
    }
  });
  for (std::size_t i = 0; i < groups.size(); ++i) {
    if (found[i].empty()) continue;
    ++groups_;
    std::vector<float> inverse;
    for (const float scale : found[i]) inverse.push_back(1.0f / scale);
    for (const std::string& name : groups[i].matrices) factors_[name] = found[i];
    for (const std::string& name : groups[i].norm) factors_[name] = inverse;
  }
  show(1);
}

std::span<const float> NormScales::of(const std::string& name) const {
  const auto found = factors_.find(name);
  return found == factors_.end() ? std::span<const float>() : std::span<const float>(found->second);
}

std::vector<float> NormScales::importance(const std::string& name, std::span<const float> importance) const {
  std::vector<float> result(importance.begin(), importance.end());
  const auto scales = of(name);
  for (std::size_t i = 0; i < result.size() && !scales.empty(); ++i) {
    const float scale = scales[i % scales.size()];
    result[i] /= scale * scale;
  }
  return result;
}

}  // namespace lathe
