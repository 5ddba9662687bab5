#include "api/linear_inputs.h"

#include <algorithm>
#include <cstring>
#include <memory>
#include <optional>
#include <set>
#include <vector>

#include "api/execution.h"
#include "api/sequence_inputs.h"
#include "backend/cache_layout.h"
#include "base/error.h"
#include "graph/op.h"
#include "passes/pipeline.h"
#include "quant/block_format.h"

namespace lathe {
namespace {

/// A product whose left side is seen.
struct Product {
  std::string weight;
  std::string constant;
  std::string input;
  bool in_blocks = false;
  std::size_t rows = 0;                // index in Plan::tensors
  std::optional<std::size_t> experts;  // of a stack: the slots' matrices
  std::int64_t columns = 0;
};

/// Passes that would join a matrix's input with what makes it, or the matrix with others.
std::vector<std::string> joining_passes() {
  std::vector<std::string> names;
  for (const auto& pass : all_passes())
    if (pass.name.starts_with("fuse_")) names.emplace_back(pass.name);
  return names;
}

/// The tensor that codes are of; -1 for what no step makes of floats.
std::int32_t rounded_tensor(const Plan& plan, std::int32_t codes) {
  for (const auto& step : plan.steps)
    if (step.op == find_op("QuantizeActivation") && step.outputs[0] == codes) return step.inputs[0];
  return -1;
}

std::string tensor_name(const std::string& constant) {
  constexpr std::string_view kEnd = ".weight";
  const auto end = constant.rfind(kEnd);
  return end == std::string::npos ? constant : constant.substr(0, end + kEnd.size());
}

std::vector<Product> products_of(const Plan& plan) {
  std::vector<Product> products;
  const auto tensor = [&plan](std::int32_t index) -> const PlanTensor& {
    return plan.tensors[static_cast<std::size_t>(index)];
  };
  for (const auto& step : plan.steps) {
    const bool codes = step.op == find_op("QuantizedLinear") || step.op == find_op("QuantizedExpertLinear");
    const bool stacked = step.op == find_op("ExpertLinear") || step.op == find_op("QuantizedExpertLinear");
    if (step.op != find_op("Linear") && !codes && !stacked) continue;
    const std::int32_t rows = codes ? rounded_tensor(plan, step.inputs[0]) : step.inputs[0];
    if (rows < 0) continue;
    const auto& input = tensor(rows);
    const auto& weight = tensor(step.inputs[1]);
    if (weight.place != Place::weight || input.place != Place::arena || input.type.dtype != Dtype::f32)
      continue;
    const Dtype stored = plan.weight_sources.at(static_cast<std::size_t>(weight.index)).stored;
    Product product{tensor_name(weight.name),
                    weight.name,
                    input.name,
                    is_block_quantized(stored),
                    static_cast<std::size_t>(rows),
                    std::nullopt,
                    input.type.dims.back().value};
    if (stacked) product.experts = static_cast<std::size_t>(step.inputs[2]);
    products.push_back(std::move(product));
  }
  return products;
}

std::vector<float> floats(const Tensor& tensor) {
  std::vector<float> values(tensor.bytes.size() / sizeof(float));
  std::memcpy(values.data(), tensor.bytes.data(), tensor.bytes.size());
  return values;
}

std::vector<std::int32_t> whole_numbers(const Tensor& tensor) {
  std::vector<std::int32_t> values(tensor.bytes.size() / sizeof(std::int32_t));
  std::memcpy(values.data(), tensor.bytes.data(), tensor.bytes.size());
  return values;
}

bool is_product(const Node& node) {
  return node.op == find_op("Linear") || node.op == find_op("ExpertLinear");
}

/// For each value whether an input of a product or of an effect comes from it.
std::vector<bool> feeding_values(const Graph& graph) {
  std::vector<bool> feeding(graph.values.size(), false);
  for (auto node = graph.nodes.rbegin(); node != graph.nodes.rend(); ++node) {
    const bool ends_here = is_product(*node) || !node->op->pure;
    const bool feeds =
        std::ranges::any_of(node->outputs, [&](ValueId id) { return feeding[static_cast<std::size_t>(id)]; });
    if (!ends_here && !feeds) continue;
    for (const auto id : node->inputs) feeding[static_cast<std::size_t>(id)] = true;
  }
  return feeding;
}

/// A product that none comes after, such as the output head's: its rows are seen without computing it.
struct LastProduct {
  std::string constant;
  std::string input;
  bool in_blocks = false;
};

/// The graph then ends in the rows of its last products, which leave it: a head's logits take more time and
/// memory than all else.
std::vector<LastProduct> end_before_last_products(Graph& graph) {
  const auto feeding = feeding_values(graph);
  std::vector<LastProduct> last;
  std::vector<ValueId> rows;
  for (const auto& node : graph.nodes) {
    const auto constant = is_product(node) ? node.inputs[1] : -1;
    const bool plain = node.op == find_op("Linear") && graph.value(constant).kind == ValueKind::constant &&
                       graph.value(node.inputs[0]).kind == ValueKind::computed;
    if (!plain || feeding[static_cast<std::size_t>(node.outputs[0])]) continue;
    last.push_back({graph.value(constant).name, graph.value(node.inputs[0]).name,
                    is_block_quantized(graph.value(constant).type.dtype)});
    if (std::ranges::find(rows, node.inputs[0]) == rows.end()) rows.push_back(node.inputs[0]);
  }
  if (rows.empty()) return last;
  graph.outputs = rows;
  graph.output_names.clear();
  for (const auto id : rows) graph.output_names.push_back(graph.value(id).name);
  return last;
}

class Observer {
 public:
  Observer(const std::string& model, const ModelOptions& options, std::int64_t tokens, ObservedMath math) {
    ProgramOptions words;
    words.model = model;
    words.model_options = options;
    words.model_options.math = math == ObservedMath::f32 ? "f32" : "int8";
    words.model_options.activations = "32";  // what needs no calibration itself
    words.model_options.activation_limit = 0;
    words.model_options.kv = "";
    words.model_options.disabled_passes = joining_passes();
    words.keep_tensors = true;
    const std::int64_t pages = (tokens + kPageTokens - 1) / kPageTokens;
    words.sizes = {{"T", tokens}, {"Q", 1}, {"S", tokens}, {"B", pages}, {"P", pages}};
    std::vector<LastProduct> last;
    program_ = std::make_shared<const ProgramImplementation>(
        words, [&last](Graph& graph) { last = end_before_last_products(graph); });
    execution_ = std::make_unique<ExecutionImplementation>(program_, 0);
    products_ = products_of(*program_->plan);
    for (const auto& product : last) add_last(product);
  }

  void run(std::span<const std::int32_t> ids, const std::function<void(const LinearInput&)>& take) {
    for (auto& [name, tensor] : sequence_inputs(ids, 0, std::ssize(ids)))
      if (has_input(name)) execution_->set_input(name, std::move(tensor));
    execution_->run(true);
    std::optional<std::size_t> known;  // matrices that share an input follow each other
    std::vector<float> rows;
    for (const auto& product : products_) {
      if (known != product.rows) rows = floats(execution_->arena_tensor(product.rows));
      known = product.rows;
      if (!product.experts)
        take({product.weight, product.constant, product.input, product.in_blocks, -1, product.columns, rows});
      else
        take_experts(product, rows, take);
    }
  }

 private:
  void add_last(const LastProduct& product) {
    const Plan& plan = *program_->plan;
    const auto& output = plan.outputs[static_cast<std::size_t>(plan.output(product.input))];
    const auto& rows = plan.tensors[static_cast<std::size_t>(output.tensor)];
    if (rows.place != Place::arena || rows.type.dtype != Dtype::f32) return;
    products_.push_back({tensor_name(product.constant), product.constant, product.input, product.in_blocks,
                         static_cast<std::size_t>(output.tensor), std::nullopt, rows.type.dims.back().value});
  }

  bool has_input(const std::string& name) const {
    return std::ranges::find(program_->inputs, name, &InputSpec::name) != program_->inputs.end();
  }

  /// Rows [tokens, columns], or [tokens, slots, columns] where each slot has its own.
  void take_experts(const Product& product, std::span<const float> rows,
                    const std::function<void(const LinearInput&)>& take) const {
    const Tensor chosen = execution_->arena_tensor(*product.experts);  // [tokens, slots]
    const auto experts = whole_numbers(chosen);
    const auto columns = static_cast<std::size_t>(product.columns);
    const std::size_t slots = experts.size() / static_cast<std::size_t>(chosen.shape.at(0));
    const bool own_rows = rows.size() == experts.size() * columns;
    const std::set<std::int32_t> used(experts.begin(), experts.end());
    for (const auto expert : used) {
      std::vector<float> taken;
      for (std::size_t i = 0; i < experts.size(); ++i) {
        if (experts[i] != expert) continue;
        const auto row = rows.subspan((own_rows ? i : i / slots) * columns, columns);
        taken.insert(taken.end(), row.begin(), row.end());
      }
      take({product.weight, product.constant, product.input, product.in_blocks, expert, product.columns,
            taken});
    }
  }

  std::shared_ptr<const ProgramImplementation> program_;
  std::unique_ptr<ExecutionImplementation> execution_;
  std::vector<Product> products_;
};

}  // namespace

void observe_linear_inputs(const std::string& name_or_path, const ModelOptions& options,
                           std::span<const std::vector<std::int32_t>> sequences,
                           const std::function<void(const LinearInput&)>& take, ObservedMath math) {
  std::size_t longest = 0;
  for (const auto& sequence : sequences) longest = std::max(longest, sequence.size());
  if (longest == 0)
    throw Error(ErrorCode::invalid_argument, "there are no tokens to observe", {{}, std::nullopt, "ids"});
  Observer observer(name_or_path, options, static_cast<std::int64_t>(longest), math);
  for (const auto& sequence : sequences)
    if (!sequence.empty()) observer.run(sequence, take);
}

void observe_linear_inputs(const std::string& name_or_path, const ModelOptions& options,
                           std::span<const std::int32_t> ids, std::int64_t chunk,
                           const std::function<void(const LinearInput&)>& take) {
  std::vector<std::vector<std::int32_t>> sequences;
  while (!ids.empty() && chunk > 0) {
    const auto count = std::min(static_cast<std::size_t>(chunk), ids.size());
    sequences.emplace_back(ids.begin(), ids.begin() + static_cast<std::ptrdiff_t>(count));
    ids = ids.subspan(count);
  }
  observe_linear_inputs(name_or_path, options, sequences, take);
}

}  // namespace lathe
