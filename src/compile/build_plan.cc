#include "compile/build_plan.h"

#include <algorithm>
#include <chrono>

#include "backend/host_context.h"
#include "backend/host_step.h"
#include "base/checked.h"
#include "base/error.h"
#include "base/require_bytes.h"
#include "compile/pack_weights.h"

namespace lathe {
namespace {

bool is_view(const Node& node) { return node.op->pure && node.op->aliases_input >= 0; }

class PlanBuilder {
 public:
  PlanBuilder(const Graph& graph, Backend& backend, const BuildOptions& options)
      : graph_(graph),
        backend_(backend),
        options_(options),
        plan_(std::make_shared<Plan>()),
        packer_(backend, *plan_, options.threads, options.packed) {
    plan_->name = graph.name;
    plan_->symbols = options.limits;
    plan_->dynamic = options.dynamic || is_dynamic(graph);
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
    require_room_for_each(graph_, options_);
    mark_needed_steps();
    add_profiles();
    require_memory({packer_.bytes_to_allocate(), state_bytes(), plan_->arena_bytes()}, options_.memory);
    packer_.pack();
    plan_->weight_report.seconds =
        std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    return plan_;
  }

 private:
  void add_node(const Node& node) {
    if (node.op->aliases_input >= 0 && !plan_->dynamic)
      roots_[static_cast<std::size_t>(node.outputs[0])] =
          roots_[static_cast<std::size_t>(node.inputs[static_cast<std::size_t>(node.op->aliases_input)])];
    if (is_view(node) && !plan_->dynamic) return;

    PlanStep step;
    step.name = node.name.empty() ? std::string(node.op->name) : node.name;
    step.op = node.op;
    for (std::size_t i = 0; i < node.inputs.size(); ++i)
      step.inputs.push_back(tensor_of(node.inputs[i], layout_of(node, i)));
    for (const auto output : node.outputs) step.outputs.push_back(tensor_of(output));
    step.attributes = StepAttributes(*node.op, node.attributes);
    if (!node.op->pure) step.outputs_mask = kEffectBit;
    for (const auto& body : node.bodies) step.bodies.push_back(build_body(*body));
    plan_->steps.push_back(std::move(step));
    nodes_.push_back(&node);
  }

  std::shared_ptr<const Plan> build_body(const Graph& body) const {
    BuildOptions options;
    options.limits = options_.limits;
    options.threads = options_.threads;
    options.memory = options_.memory;
    options.dynamic = true;
    return build_plan(body, backend_, options);
  }

  Dtype layout_of(const Node& node, std::size_t input) const {
    const auto chosen = options_.layouts.find(node.inputs[input]);
    const Dtype layout = weight_layout(graph_, node, input);
    const bool packs = layout != graph_.value(node.inputs[input]).type.dtype;
    return packs && chosen != options_.layouts.end() ? chosen->second : layout;
  }

  void add_profiles() {
    if (options_.profiles.empty()) {
      ProfileChoices whole;
      whole.name = "all";
      for (const auto& limit : plan_->symbols) whole.symbols.push_back({0, limit.maximum, limit.maximum});
      add_profile(whole);
    }
    for (const auto& profile : options_.profiles) add_profile(profile);
  }

  void add_profile(const ProfileChoices& choices) {
    PlanProfile profile;
    profile.name = choices.name;
    profile.symbols = choices.symbols;
    profile.threads = choices.threads;
    CHECK(profile.symbols.size() == plan_->symbols.size());
    for (std::size_t i = 0; i < plan_->steps.size(); ++i) {
      const auto node = static_cast<std::size_t>(nodes_[i] - graph_.nodes.data());
      const auto chosen = choices.nodes.find(node);
      const bool has_choice = chosen != choices.nodes.end() && chosen->second.choice.kernel != nullptr;
      profile.choices.push_back(has_choice ? chosen->second.choice : choice_by_rank(i));
      profile.measured.push_back(chosen == choices.nodes.end() ? std::vector<MeasuredKernel>{}
                                                               : chosen->second.measured);
    }
    if (plan_->dynamic) {
      profile.offsets.resize(plan_->tensors.size());
      profile.conflicts.assign(plan_->steps.size(), -1);
    } else {
      place_tensors(*plan_, tensor_roots_, options_.placement, profile);
    }
    plan_->profiles.push_back(std::move(profile));
  }

  StepChoice choice_by_rank(std::size_t index) const {
    const PlanStep& step = plan_->steps[index];
    std::vector<ValueType> inputs;
    std::vector<ValueType> outputs;
    for (const auto tensor : step.inputs)
      inputs.push_back(plan_->tensors[static_cast<std::size_t>(tensor)].type);
    for (const auto tensor : step.outputs)
      outputs.push_back(plan_->tensors[static_cast<std::size_t>(tensor)].type);
    StepChoice choice;
    if (is_view(*nodes_[index]) || is_host_step(*nodes_[index]->op)) return choice;
    choice.kernel = find_kernel(backend_.kernels(), {inputs, outputs, nodes_[index]});
    if (choice.kernel == nullptr) refuse(*nodes_[index], inputs);
    return choice;
  }

  [[noreturn]] void refuse(const Node& node, const std::vector<ValueType>& inputs) const {
    std::string types;
    for (const auto& type : inputs) types += (types.empty() ? "" : ", ") + to_string(type);
    throw Error(ErrorCode::unsupported,
                "no kernel of " + std::string(backend_.name()) + " accepts " + std::string(node.op->name) +
                    "(" + types + ")",
                {{}, std::nullopt, node.name});
  }

  std::uint64_t state_bytes() const {
    std::uint64_t sum = 0;
    for (const auto& value : graph_.values) {
      if (value.kind != ValueKind::state) continue;
      const auto next = checked_add(sum, bytes_at_limits(value.type));
      if (!next) throw Error(ErrorCode::resource_limit, "states need more memory than can be counted");
      sum = *next;
    }
    return sum;
  }

  /// 0 where only a run knows.
  std::uint64_t bytes_at_limits(const ValueType& type) const {
    if (!is_planned(type)) return 0;
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
    PlanTensor tensor{
        value.name, {dtype, value.type.dims, value.type.ranked, value.type.container}, Place::arena, 0, 0, 0};
    const ValueId root = roots_[static_cast<std::size_t>(id)];
    const Value& storage = graph_.value(root);
    std::int32_t root_tensor = -1;
    if (storage.kind == ValueKind::constant) {
      tensor.place = Place::weight;
      tensor.index = packer_.place(graph_, root, dtype);
      tensor.max_bytes = packer_.bytes(tensor.index);
    } else {
      if (root != id) root_tensor = tensor_of(root);
      if (storage.kind == ValueKind::computed) {
        tensor.max_bytes = bytes_at_limits(value.type);
      } else {
        tensor.place = Place::bound;
        if (root == id) {
          tensor.index = static_cast<std::int32_t>(plan_->bindings.size());
          plan_->bindings.push_back(static_cast<std::int32_t>(plan_->tensors.size()));
        } else {
          tensor.index = plan_->tensors[static_cast<std::size_t>(root_tensor)].index;
        }
        if (storage.kind == ValueKind::input) tensor.max_bytes = bytes_at_limits(value.type);
      }
    }
    const auto index = static_cast<std::int32_t>(plan_->tensors.size());
    tensor.storage = root_tensor;
    plan_->tensors.push_back(std::move(tensor));
    tensor_roots_.push_back(root_tensor < 0 ? index : root_tensor);
    tensors_.emplace(std::pair{id, dtype}, index);
    return index;
  }

  /// Which outputs need which steps, from the last step to the first.
  void mark_needed_steps() {
    std::vector<std::uint32_t> needed(plan_->tensors.size(), 0);  // by root
    CHECK(plan_->outputs.size() < 31);
    const auto needed_at = [&](std::int32_t tensor) -> std::uint32_t& {
      return needed[static_cast<std::size_t>(tensor_roots_[static_cast<std::size_t>(tensor)])];
    };
    for (std::size_t i = 0; i < plan_->outputs.size(); ++i) needed_at(plan_->outputs[i].tensor) |= 1u << i;
    for (auto step = plan_->steps.rbegin(); step != plan_->steps.rend(); ++step) {
      for (const auto tensor : step->outputs)
        if (plan_->tensors[static_cast<std::size_t>(tensor)].place == Place::arena)
          step->outputs_mask |= needed_at(tensor);
      for (const auto tensor : step->inputs) needed_at(tensor) |= step->outputs_mask;
    }
  }

  const Graph& graph_;
  Backend& backend_;
  const BuildOptions& options_;
  std::shared_ptr<Plan> plan_;
  WeightPacker packer_;
  std::vector<ValueId> roots_;              // per value: the value whose storage it uses
  std::vector<std::int32_t> tensor_roots_;  // per tensor of the plan: the tensor whose storage it uses
  std::vector<const Node*> nodes_;          // per step
  std::map<std::pair<ValueId, Dtype>, std::int32_t> tensors_;
};

}  // namespace

void require_room_for_each(const Graph& graph, const BuildOptions& options) {
  for (const auto& value : graph.values) {
    if (value.kind != ValueKind::computed || !is_planned(value.type)) continue;
    Shape shape;
    for (const auto& dim : value.type.dims) {
      const auto limit = std::ranges::find(options.limits, dim.symbol, &SymbolLimit::name);
      shape.push_back(dim.is_symbolic() && limit != options.limits.end() ? limit->maximum : dim.value);
    }
    require_bytes(dense_bytes(value.type.dtype, shape),
                  "the tensor " + printable(value.name) + " of " + to_string(value.type), options.memory,
                  value.name);
  }
}

bool is_dynamic(const Graph& graph) {
  const auto unplanned = [](const Value& value) {
    return !is_planned(value.type) || value.type.dtype == Dtype::string;  // texts lie in the run's table
  };
  return std::ranges::any_of(graph.values, unplanned) ||
         std::ranges::any_of(graph.nodes, [](const Node& node) { return is_host_step(*node.op); });
}

std::shared_ptr<Plan> build_plan(const Graph& graph, Backend& backend, const BuildOptions& options) {
  return PlanBuilder(graph, backend, options).build();
}

}  // namespace lathe
