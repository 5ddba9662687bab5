// Bytes and operations of a step, counted on the plan's weights and the graph's attentions.
#include <algorithm>
#include <string>

#include "api/model_implementation.h"
#include "base/error.h"

namespace lathe {
namespace {

std::uint64_t unsigned_product(std::int64_t a, std::int64_t b) {
  return static_cast<std::uint64_t>(a) * static_cast<std::uint64_t>(b);
}

/// Pairs of a token of the step and a token that it sees; `window` 0: it sees all before it and itself.
std::uint64_t visible_pairs(std::int64_t tokens, std::int64_t depth, std::int64_t window, bool causal) {
  if (!causal) return unsigned_product(tokens, depth + tokens);
  std::uint64_t pairs = 0;
  for (std::int64_t i = 0; i < tokens; ++i)
    pairs += static_cast<std::uint64_t>(window == 0 ? depth + i + 1 : std::min(depth + i + 1, window));
  return pairs;
}

/// Of a matmul by experts, whose weight is [experts, rows, columns] and whose output [tokens, k, rows]: a
/// token reads its k experts; those of several tokens may be the same, so this is the most that they read.
void count_experts(const PlanTensor& weight, const ValueType& output, std::int64_t tokens, Work& work) {
  const std::int64_t slots = output.dims[1].value * tokens;
  const std::int64_t experts = weight.type.dims[0].value;
  const std::int64_t read = std::min(experts, slots);
  work.weight_bytes +=
      weight.max_bytes / static_cast<std::uint64_t>(experts) * static_cast<std::uint64_t>(read);
  work.matmul_operations += 2 * unsigned_product(weight.type.dims[1].value, weight.type.dims[2].value) *
                            static_cast<std::uint64_t>(slots);
}

void count_weights(const Plan& plan, std::int64_t tokens, Work& work) {
  for (const auto& step : plan.steps) {
    if (step.op->name == "Gather") continue;  // reads a few rows alone
    const auto& output = plan.tensors[static_cast<std::size_t>(step.outputs.front())].type;
    const bool is_last_row = !output.dims.empty() && output.dims.front().symbol == "S";
    const std::int64_t rows = is_last_row ? 1 : tokens;
    for (const auto input : step.inputs) {
      const auto& tensor = plan.tensors[static_cast<std::size_t>(input)];
      if (tensor.place != Place::weight) continue;
      if (tensor.type.dims.size() == 3) {
        count_experts(tensor, output, rows, work);
        continue;
      }
      work.weight_bytes += tensor.max_bytes;
      if (tensor.type.dims.size() != 2) continue;
      const auto elements = unsigned_product(tensor.type.dims[0].value, tensor.type.dims[1].value);
      work.matmul_operations += 2 * elements * static_cast<std::uint64_t>(rows);
    }
  }
}

void count_attention(const Graph& graph, std::int64_t tokens, std::int64_t depth, Work& work) {
  for (const auto& node : graph.nodes) {
    const auto window = node.attributes.find("window");
    if (window == node.attributes.end()) continue;
    const auto& heads = graph.value(node.inputs.at(0)).type.dims;  // [T, heads, head_dim]
    const auto& cache =
        graph.value(node.inputs.at(1)).type;  // [layers, pages, 2, kv_heads, page tokens * head_dim]
    if (heads.size() != 3 || cache.dims.size() != 5) continue;
    const std::int64_t visible = std::get<std::int64_t>(window->second);
    const auto width = unsigned_product(heads[1].value, heads[2].value);
    work.attention_operations +=
        4 * width * visible_pairs(tokens, depth, visible, node.integer("causal") != 0);
    const std::int64_t past = visible == 0 ? depth : std::min(depth, visible);
    const auto token_bytes =
        2 * unsigned_product(cache.dims[3].value, heads[2].value) * info(cache.dtype).block_bytes;
    work.cache_bytes += token_bytes * static_cast<std::uint64_t>(past);
  }
}

}  // namespace

Work count_work(const ModelImplementation& model, int tokens, int depth) {
  if (tokens < 1 || depth < 0)
    throw Error(ErrorCode::invalid_argument, "work is of one token or more, behind none or more");
  const CompileResult& compiled = model.compiled();
  Work work;
  count_weights(*compiled.plan, tokens, work);
  count_attention(compiled.graph, tokens, depth, work);
  return work;
}

}  // namespace lathe
