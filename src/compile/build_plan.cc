#include "compile/build_plan.h"

#include <algorithm>
#include <chrono>

#include "backend/host_context.h"
#include "base/error.h"
#include "compile/pack_weights.h"
#include "compile/plan_memory.h"

namespace lathe {
namespace {

bool is_view(const Node& node) { return node.op->pure && node.op->aliases_input >= 0; }

class PlanBuilder {
 public:
  PlanBuilder(const Graph& graph, Backend& backend, const std::vector<SymbolLimit>& limits, int threads)
      : graph_(graph), backend_(backend), plan_(std::make_shared<Plan>()), packer_(backend, *plan_, threads) {
    plan_->name = graph.name;
    plan_->symbols = limits;
    roots_.resize(graph.values.size());
    for (std::size_t i = 0; i < roots_.size(); ++i) roots_[i] = static_cast<ValueId>(i);
  }

  std::shared_ptr<Plan> build() {
    const auto start = std::chrono::steady_clock::now();
    for (std::size_t i = 0; i < graph_.values.size(); ++i) {
      const auto kind = graph_.values[i].kind;
      if (kind == ValueKind::input || kind == ValueKind::state) tensor_of(static_cast<ValueId>(i));
    }
    for (const auto& node : graph_.nodes) add_node(node);
    for (std::size_t i = 0; i < graph_.outputs.size(); ++i)
      plan_->outputs.push_back({graph_.output_names[i], tensor_of(graph_.outputs[i])});
    place_arena();
    mark_needed_steps();
    order_steps();
    plan_->weight_report.seconds =
        std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    return plan_;
  }

 private:
  void add_node(const Node& node) {
    if (node.op->aliases_input >= 0)
      roots_[static_cast<std::size_t>(node.outputs[0])] =
          roots_[static_cast<std::size_t>(node.inputs[static_cast<std::size_t>(node.op->aliases_input)])];
    if (is_view(node)) return;

    PlanStep step;
    step.name = node.name.empty() ? std::string(node.op->name) : node.name;
    std::vector<ValueType> inputs;
    std::vector<ValueType> outputs;
    for (std::size_t i = 0; i < node.inputs.size(); ++i) {
      const Dtype layout = weight_layout(graph_, node, i);
      step.inputs.push_back(tensor_of(node.inputs[i], layout));
      inputs.push_back(plan_->tensors[static_cast<std::size_t>(step.inputs.back())].type);
    }
    for (const auto output : node.outputs) {
      step.outputs.push_back(tensor_of(output));
      outputs.push_back(graph_.value(output).type);
    }
    step.kernel = find_kernel(backend_.kernels(), {inputs, outputs, &node});
    if (step.kernel == nullptr) refuse(node, inputs);
    for (const auto& attribute : node.op->attributes) {
      AttributeValue value{};
      if (attribute.kind == AttributeKind::integer) value.integer = node.integer(attribute.name);
      if (attribute.kind == AttributeKind::real) value.real = node.real(attribute.name);
      step.attributes.push_back(value);
    }
    if (!node.op->pure) step.outputs_mask = kEffectBit;
    plan_->steps.push_back(std::move(step));
  }

  [[noreturn]] void refuse(const Node& node, const std::vector<ValueType>& inputs) const {
    std::string types;
    for (const auto& type : inputs) types += (types.empty() ? "" : ", ") + to_string(type);
    throw Error(ErrorCode::unsupported,
                "no kernel of " + std::string(backend_.name()) + " accepts " + std::string(node.op->name) +
                    "(" + types + ")",
                {{}, std::nullopt, node.name});
  }

  std::uint64_t bytes_at_limits(const ValueType& type) const {
    Shape shape;
    for (const auto& dim : type.dims)
      shape.push_back(dim.is_symbolic()
                          ? plan_->symbols[static_cast<std::size_t>(plan_->symbol(dim.symbol))].maximum
                          : dim.value);
    return dense_bytes(type.dtype, shape);
  }

  /// The plan's tensor for a value; views get one of their own over the same bytes.
  std::int32_t tensor_of(ValueId id, std::optional<Dtype> layout = std::nullopt) {
    const Value& value = graph_.value(id);
    const Dtype dtype = layout.value_or(value.type.dtype);
    const auto known = tensors_.find({id, dtype});
    if (known != tensors_.end()) return known->second;
    PlanTensor tensor{value.name, {dtype, value.type.dims}, Place::arena, 0, 0, 0};
    const ValueId root = roots_[static_cast<std::size_t>(id)];
    const Value& storage = graph_.value(root);
    const auto index = static_cast<std::int32_t>(plan_->tensors.size());
    if (storage.kind == ValueKind::constant) {
      tensor.place = Place::weight;
      tensor.index = packer_.place(graph_, root, dtype);
      tensor.max_bytes = plan_->weights[static_cast<std::size_t>(tensor.index)].bytes();
    } else if (storage.kind == ValueKind::computed) {
      tensor.max_bytes = bytes_at_limits(value.type);
    } else {
      tensor.place = Place::bound;
      if (root == id) {
        tensor.index = static_cast<std::int32_t>(plan_->bindings.size());
        plan_->bindings.push_back(index);
      } else {
        tensor.index = plan_->tensors[static_cast<std::size_t>(tensor_of(root))].index;
      }
      if (storage.kind == ValueKind::input) tensor.max_bytes = bytes_at_limits(value.type);
    }
    plan_->tensors.push_back(std::move(tensor));
    roots_of_tensors_.push_back(root);
    tensors_.emplace(std::pair{id, dtype}, index);
    return index;
  }

  void place_arena() {
    std::map<ValueId, Lifetime> lifetimes;
    const auto touch = [&](std::int32_t tensor, std::int32_t step) {
      const auto& plan_tensor = plan_->tensors[static_cast<std::size_t>(tensor)];
      if (plan_tensor.place != Place::arena) return;
      const ValueId root = roots_of_tensors_[static_cast<std::size_t>(tensor)];
      auto& lifetime = lifetimes.try_emplace(root, Lifetime{0, step, step}).first->second;
      lifetime.bytes = std::max(lifetime.bytes, plan_tensor.max_bytes);
      lifetime.last_step = std::max(lifetime.last_step, step);
    };
    const auto steps = static_cast<std::int32_t>(plan_->steps.size());
    for (std::int32_t i = 0; i < steps; ++i) {
      for (const auto tensor : plan_->steps[static_cast<std::size_t>(i)].inputs) touch(tensor, i);
      for (const auto tensor : plan_->steps[static_cast<std::size_t>(i)].outputs) touch(tensor, i);
    }
    for (const auto& output : plan_->outputs) touch(output.tensor, steps);

    std::vector<Lifetime> list;
    list.reserve(lifetimes.size());
    for (const auto& [root, lifetime] : lifetimes) list.push_back(lifetime);
    const MemoryPlan memory = plan_memory(list);
    std::map<ValueId, std::uint64_t> offsets;
    std::size_t next = 0;
    for (const auto& [root, lifetime] : lifetimes) offsets[root] = memory.offsets[next++];
    for (std::size_t i = 0; i < plan_->tensors.size(); ++i)
      if (plan_->tensors[i].place == Place::arena && offsets.contains(roots_of_tensors_[i]))
        plan_->tensors[i].offset = offsets[roots_of_tensors_[i]];
    plan_->arena_bytes = memory.bytes;
    plan_->arena_lower_bound = memory.lower_bound;
  }

  /// Which outputs need which steps, from the last step to the first.
  void mark_needed_steps() {
    std::map<ValueId, std::uint32_t> needed;  // by storage
    CHECK(plan_->outputs.size() < 31);
    const auto root_of = [&](std::int32_t tensor) {
      return roots_of_tensors_[static_cast<std::size_t>(tensor)];
    };
    for (std::size_t i = 0; i < plan_->outputs.size(); ++i)
      needed[root_of(plan_->outputs[i].tensor)] |= 1u << i;
    for (auto step = plan_->steps.rbegin(); step != plan_->steps.rend(); ++step) {
      for (const auto tensor : step->outputs)
        if (plan_->tensors[static_cast<std::size_t>(tensor)].place == Place::arena)
          step->outputs_mask |= needed[root_of(tensor)];
      for (const auto tensor : step->inputs) needed[root_of(tensor)] |= step->outputs_mask;
    }
  }

  bool share_bytes(std::int32_t a, std::int32_t b) const {
    const auto& first = plan_->tensors[static_cast<std::size_t>(a)];
    const auto& second = plan_->tensors[static_cast<std::size_t>(b)];
    if (first.place != second.place || first.place == Place::weight) return false;
    if (first.place == Place::bound) return first.index == second.index;
    return first.offset < second.offset + second.max_bytes && second.offset < first.offset + first.max_bytes;
  }

  bool conflict(const PlanStep& earlier, const PlanStep& later) const {
    const auto any = [&](const std::vector<std::int32_t>& a, const std::vector<std::int32_t>& b) {
      return std::any_of(a.begin(), a.end(), [&](std::int32_t x) {
        return std::any_of(b.begin(), b.end(), [&](std::int32_t y) { return share_bytes(x, y); });
      });
    };
    return any(earlier.outputs, later.inputs) || any(earlier.outputs, later.outputs) ||
           any(earlier.inputs, later.outputs);
  }

  void order_steps() {
    for (std::size_t i = 0; i < plan_->steps.size(); ++i)
      for (std::size_t j = i; j-- > 0 && plan_->steps[i].conflict < 0;)
        if (conflict(plan_->steps[j], plan_->steps[i]))
          plan_->steps[i].conflict = static_cast<std::int32_t>(j);
  }

  const Graph& graph_;
  Backend& backend_;
  std::shared_ptr<Plan> plan_;
  WeightPacker packer_;
  std::vector<ValueId> roots_;             // per value: the value whose storage it uses
  std::vector<ValueId> roots_of_tensors_;  // per tensor of the plan
  std::map<std::pair<ValueId, Dtype>, std::int32_t> tensors_;
};

}  // namespace

std::shared_ptr<Plan> build_plan(const Graph& graph, Backend& backend, const std::vector<SymbolLimit>& limits,
                                 int threads) {
  return PlanBuilder(graph, backend, limits, threads).build();
}

}  // namespace lathe
