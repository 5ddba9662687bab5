#include "api/norm_scales.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <optional>

#include "api/row_sample.h"
#include "models/architecture.h"
#include "quant/awq.h"
#include "quant/block_format.h"

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

/// The mean squares of what all of the group multiply; of experts, each of which has its own, those of the
/// first matrix that has one alone.
std::span<const float> inputs_of(const ScaledGroup& group, const Checkpoint& checkpoint,
                                 const Importance& importance) {
  for (const std::string& name : group.matrices)
    if (const auto known = importance.of(name); std::ssize(known) == checkpoint.tensors.at(name).columns())
      return known;
  return {};
}

/// Empty where that gains nothing.
std::vector<float> least_error_scales(const ScaledGroup& group, const Checkpoint& checkpoint,
                                      const std::map<std::string, Dtype>& type_of,
                                      const Importance& importance) {
  const auto inputs = inputs_of(group, checkpoint, importance);
  std::optional<Dtype> coarsest;
  std::vector<float> rows;
  const auto bits = [](Dtype dtype) { return 8.0 * info(dtype).block_bytes / info(dtype).block_elements; };
  for (const std::string& name : group.matrices) {
    const Dtype dtype = type_of.at(name);
    if (!is_block_quantized(dtype)) continue;
    if (!coarsest || bits(dtype) < bits(*coarsest)) coarsest = dtype;
    const RowSample sample(checkpoint.tensors.at(name), {});
    rows.insert(rows.end(), sample.values().begin(), sample.values().end());
  }
  if (inputs.empty() || !coarsest) return {};
  const auto columns = std::ssize(inputs);
  auto found = find_column_scales(*coarsest, rows.data(), inputs.data(), std::ssize(rows) / columns, columns);
  return found.exponent > 0 ? std::move(found.scales) : std::vector<float>();
}

std::vector<float> smooth_scales(const ScaledGroup& group, const Checkpoint& checkpoint, double alpha,
                                 const Importance& importance) {
  const auto inputs = inputs_of(group, checkpoint, importance);
  if (inputs.empty()) return {};
  std::vector<float> largest(inputs.size());
  std::vector<float> row(inputs.size());
  for (const std::string& name : group.matrices) {
    const TensorView& tensor = checkpoint.tensors.at(name);
    for (std::int64_t i = 0; i < tensor.rows(); ++i) {
      decode_rows(tensor.dtype,
                  tensor.data + static_cast<std::uint64_t>(i) * row_bytes(tensor.dtype, tensor.columns()),
                  row.data(), 1, tensor.columns());
      for (std::size_t k = 0; k < row.size(); ++k) largest[k] = std::max(largest[k], std::abs(row[k]));
    }
  }
  return smoothing_scales(inputs, largest, alpha);
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

NormScales NormScales::activation_aware(const std::shared_ptr<const Checkpoint>& checkpoint,
                                        const std::vector<TensorType>& types, const Importance& importance,
                                        ThreadPool& pool, const ShowShare& show) {
  std::map<std::string, Dtype> type_of;
  for (std::size_t i = 0; i < types.size(); ++i) type_of[checkpoint->tensor_names[i]] = types[i].dtype;
  const auto find = [&](const ScaledGroup& group) {
    return least_error_scales(group, *checkpoint, type_of, importance);
  };
  return {checkpoint, find, pool, show};
}

NormScales NormScales::smooth(const std::shared_ptr<const Checkpoint>& checkpoint, double alpha,
                              const Importance& importance, ThreadPool& pool, const ShowShare& show) {
  const auto find = [&](const ScaledGroup& group) {
    return smooth_scales(group, *checkpoint, alpha, importance);
  };
  return {checkpoint, find, pool, show};
}

NormScales::NormScales(const std::shared_ptr<const Checkpoint>& checkpoint, const FindScales& find,
                       ThreadPool& pool, const ShowShare& show) {
  const auto groups = scaled_groups(checkpoint);
  std::vector<std::vector<float>> found(groups.size());
  std::atomic<std::size_t> next{0};
  pool.run([&](int thread) {
    for (std::size_t i = next.fetch_add(1); i < groups.size(); i = next.fetch_add(1)) {
      if (thread == 0) show(static_cast<double>(i) / static_cast<double>(groups.size()));
      found[i] = find(groups[i]);
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
