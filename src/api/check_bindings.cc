#include "api/check_bindings.h"

#include <map>

#include "api/model_implementation.h"
#include "backend/cache_layout.h"
#include "base/error.h"
#include "sample/sampler.h"

namespace lathe {
namespace {

using Types = std::map<std::string, ValueType, std::less<>>;

Types input_types(const ModelOptions& options, const ModelShape& shape) {
  Types types = {{"ids", {Dtype::i32, {"T"}}},
                 {"positions", {Dtype::i32, {"T"}}},
                 {"sequences", {Dtype::i32, {"Q", 4}}},
                 {"block_tables", {Dtype::i32, {"B"}}},
                 {"out_rows", {Dtype::i32, {"S"}}}};
  const GraphOptions graph = graph_options(options, shape);
  if (!graph.cache_off)
    types["cache"] = {graph.cache_dtype,
                      {shape.layers, "P", 2, shape.kv_heads, kPageTokens * shape.head_dim}};
  return types;
}

Types output_types(const ModelShape& shape) {
  if (shape.is_encoder()) return {};  // the encoder looks itself
  return {{"logits", {Dtype::f32, {"S", shape.vocabulary}}},
          {"arg_max", {Dtype::i32, {"S"}}},
          {"top_values", {Dtype::f32, {"S", kCandidates}}},
          {"top_ids", {Dtype::i32, {"S", kCandidates}}},
          {"log_sum_exp", {Dtype::f32, {"S"}}}};
}

}  // namespace

void check_bindings(const Plan& plan, const std::string& file, const ModelOptions& options,
                    const ModelShape& shape) {
  const auto require = [&](const PlanTensor& tensor, const std::string& name, const Types& types) {
    const auto expected = types.find(name);
    if (expected == types.end() || expected->second != tensor.type)
      throw Error(ErrorCode::invalid_model,
                  "the plan's " + printable(name) + " is " + to_string(tensor.type) + ", and the model " +
                      (expected == types.end() ? "has none" : "has " + to_string(expected->second)),
                  {file, std::nullopt, name});
  };
  const Types inputs = input_types(options, shape);
  for (const auto index : plan.bindings) {
    const PlanTensor& tensor = plan.tensors[static_cast<std::size_t>(index)];
    require(tensor, tensor.name, inputs);
  }
  const Types outputs = output_types(shape);
  for (const auto& output : plan.outputs)
    if (!shape.is_encoder())
      require(plan.tensors[static_cast<std::size_t>(output.tensor)], output.name, outputs);
}

}  // namespace lathe
