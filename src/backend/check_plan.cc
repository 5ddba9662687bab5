#include "backend/check_plan.h"

#include <algorithm>
#include <set>

#include "backend/host_step.h"
#include "base/checked.h"
#include "base/error.h"
#include "graph/dim_expression.h"
#include "graph/infer.h"
#include "quant/block_format.h"
#include "tensor/tensor_view.h"

namespace lathe {
namespace {

constexpr std::size_t kMostSymbols = 64;
constexpr std::size_t kMostOutputs = 30;
constexpr std::int32_t kMostThreads = 1024;
constexpr std::uint64_t kArenaAlignment = 64;

class PlanCheck {
 public:
  PlanCheck(const Plan& plan, const std::string& file) : plan_(plan), file_(file) {}

  void run() {
    check_symbols();
    for (const auto& source : plan_.weight_sources)
      guarded(source.name, [&] { weights_.push_back(weight_bytes(source)); });
    check_bindings();
    for (std::size_t i = 0; i < plan_.tensors.size(); ++i) {
      field_ = plan_.tensors[i].name;
      guarded(field_, [&] { check_tensor(plan_.tensors[i]); });
    }
    check_outputs();
    for (const auto& step : plan_.steps)
      if (step.op->name == "Sizes") size_tensors_.insert(step.outputs.begin(), step.outputs.end());
    for (const auto& step : plan_.steps) guarded(step.name, [&] { check_step(step); });
    if (plan_.profiles.empty()) fail("the plan has no profile", "plan");
    for (const auto& profile : plan_.profiles) check_profile(profile);
  }

 private:
  [[noreturn]] void fail(const std::string& message, const std::string& field) const {
    throw Error(ErrorCode::invalid_file, message, {file_, std::nullopt, field});
  }
  void require(bool holds, const std::string& message) const {
    if (!holds) fail(message, field_);
  }
  /// What shapes and ops throw about their arguments is about this file.
  template <class Check>
  void guarded(const std::string& field, const Check& check) {
    field_ = field;
    try {
      check();
    } catch (const Error& error) {
      if (error.code() == ErrorCode::invalid_file || error.code() == ErrorCode::internal) throw;
      fail(error.what(), field);
    }
  }

  const PlanTensor& tensor(std::int32_t index) const {
    require(index >= 0 && static_cast<std::size_t>(index) < plan_.tensors.size(),
            "there is no tensor " + std::to_string(index));
    return plan_.tensors[static_cast<std::size_t>(index)];
  }

  void check_symbols() {
    std::set<std::string_view> names;
    field_ = "symbols";
    require(plan_.symbols.size() <= kMostSymbols, "the plan has too many symbols");
    for (const auto& symbol : plan_.symbols) {
      require(!symbol.name.empty() && names.insert(symbol.name).second, "a symbol's name is empty or taken");
      require(symbol.maximum >= 0 && symbol.maximum <= kMaxDim, "a symbol's limit is outside of 0 to 2^48");
    }
    for (const auto& symbol : plan_.symbols) {
      if (!is_expression(symbol.name)) continue;
      require(expression_problem(symbol.name).empty(), printable(symbol.name) + " is no expression");
      for (const auto& part : symbols_of(symbol.name))
        require(names.contains(part), printable(symbol.name) + " is of a symbol that the plan does not have");
    }
  }

  template <class Maximum>
  std::uint64_t bytes_at(const ValueType& type, const Maximum& maximum) const {
    Shape shape;
    if (!is_planned(type)) {
      require(plan_.dynamic, "the size is not known ahead, and the plan says that all are");
      return 0;
    }
    for (const auto& dim : type.dims)
      shape.push_back(dim.is_symbolic() ? maximum(static_cast<std::size_t>(plan_.symbol(dim.symbol)))
                                        : dim.value);
    return dense_bytes(type.dtype, shape);
  }
  std::uint64_t bytes_at_limits(const ValueType& type) const {
    return bytes_at(type, [this](std::size_t symbol) { return plan_.symbols[symbol].maximum; });
  }

  void check_bindings() {
    for (std::size_t i = 0; i < plan_.bindings.size(); ++i) {
      field_ = "bindings";
      const PlanTensor& bound = tensor(plan_.bindings[i]);
      require(bound.place == Place::bound && bound.index == static_cast<std::int32_t>(i) && bound.offset == 0,
              "binding " + std::to_string(i) + " is no tensor that is bound");
    }
  }

  void check_tensor(const PlanTensor& tensor) const {
    const std::string problem = type_problem(tensor.type);
    require(problem.empty(), problem);
    require(tensor.offset % kArenaAlignment == 0, "the offset is no multiple of 64");
    if (tensor.type.dtype == Dtype::string)
      require(plan_.dynamic && tensor.place != Place::weight,
              "texts are no weight, and known to a run alone");
    if (tensor.place == Place::weight) {
      require(tensor.index >= 0 && static_cast<std::size_t>(tensor.index) < weights_.size(),
              "there is no weight " + std::to_string(tensor.index));
      const auto weight = static_cast<std::size_t>(tensor.index);
      const WeightSource& source = plan_.weight_sources[weight];
      require(source.layout == tensor.type.dtype, "the weight has another type");
      const auto end = checked_add(tensor.offset, bytes_of_weight(tensor.type, source));
      require(end && *end <= weights_[weight] && tensor.max_bytes == weights_[weight],
              "the tensor is not within its weight");
      return;
    }
    require(!is_packed(tensor.type.dtype), "packed bytes are no weight");
    const std::uint64_t most = bytes_at_limits(tensor.type);
    if (tensor.place == Place::arena) {
      require(tensor.offset == 0, "the offset is the profiles' to give");
      require(tensor.max_bytes == most, "the size is not that of the type");
      return;
    }
    require(tensor.index >= 0 && static_cast<std::size_t>(tensor.index) < plan_.bindings.size(),
            "there is no binding " + std::to_string(tensor.index));
    const auto& root =
        plan_.tensors[static_cast<std::size_t>(plan_.bindings[static_cast<std::size_t>(tensor.index)])];
    const auto end = checked_add(tensor.offset, most);
    require(end && *end <= bytes_at_limits(root.type), "the tensor is not within what is bound");
    // A state's bytes follow its symbols, so that a view of one is a view of all.
    require(tensor.type == root.type || root.max_bytes == bytes_at_limits(root.type),
            "the tensor is another than the state that it is part of");
    require(tensor.max_bytes == 0 || tensor.max_bytes == most, "the size is not that of the type");
  }

  std::uint64_t bytes_of_weight(const ValueType& type, const WeightSource& source) const {
    WeightSource view = source;
    view.shape.clear();
    for (const auto& dim : type.dims) {
      require(!dim.is_symbolic(), "a weight has numbers for dimensions");
      view.shape.push_back(dim.value);
    }
    return weight_bytes(view);
  }

  void check_outputs() {
    field_ = "outputs";
    require(plan_.outputs.size() <= kMostOutputs, "the plan has too many outputs");
    for (const auto& output : plan_.outputs)
      require(plan_.dynamic || tensor(output.tensor).place == Place::arena,
              "an output does not lie in the arena");
  }

  /// As the graph has it: of weights the type that was packed.
  ValueType graph_type(const PlanTensor& tensor) const {
    ValueType type = tensor.type;
    if (tensor.place == Place::weight && is_packed(type.dtype))
      type.dtype = plan_.weight_sources[static_cast<std::size_t>(tensor.index)].stored;
    return type;
  }

  Node node_of(const PlanStep& step) const {
    Node node;
    node.op = step.op;
    node.name = step.name;
    node.inputs = step.inputs;
    node.outputs = step.outputs;
    node.attributes = step.attributes.named();
    for (const auto& body : step.bodies) node.bodies.push_back(interface_of(*body));
    return node;
  }

  void check_step(const PlanStep& step) const {
    const auto inputs = static_cast<int>(step.inputs.size());
    require(inputs >= step.op->min_inputs && inputs <= step.op->max_inputs, "the op takes other inputs");
    std::vector<ValueType> types;
    for (const auto input : step.inputs) types.push_back(graph_type(tensor(input)));
    for (const auto& body : step.bodies) {
      require(body->dynamic, "a body's sizes are not left to the run");
      check_plan(*body, file_);
    }
    const std::vector<TensorView> unknown(types.size());  // weights are not looked at
    const auto made = infer_types(node_of(step), {types, unknown});
    require(made.size() == step.outputs.size(), "the op has other outputs");
    for (std::size_t i = 0; i < made.size(); ++i) {
      const PlanTensor& output = tensor(step.outputs[i]);
      const bool fits = is_compatible(output.type, made[i]);  // and each context asks again with the weights
      if (!plan_.dynamic && !is_planned(made[i])) require_known_values(step);
      require(plan_.dynamic ? fits : fits && is_planned(output.type),
              "output " + std::to_string(i) + " is " + to_string(output.type) + ", and " +
                  to_string(made[i]) + " is computed");
      require(output.place != Place::weight, "an output lies in a weight");
      const bool in_place = step.op->aliases_input >= 0 && i == 0;
      require(output.place == Place::arena || in_place, "an output lies in an input of the plan");
      if (!in_place || plan_.dynamic) continue;
      const PlanTensor& source = tensor(step.inputs[static_cast<std::size_t>(step.op->aliases_input)]);
      require(source.place == output.place && (source.place == Place::arena || source.index == output.index),
              "the step is to change its input in place, and writes elsewhere");
    }
  }

  /// Sizes come from weights, or from a step that contexts can ask ahead.
  void require_known_values(const PlanStep& step) const {
    for (std::size_t i = 0; i < step.inputs.size() && i < 32; ++i) {
      if ((step.op->value_inputs >> i & 1) == 0) continue;
      const bool is_weight = tensor(step.inputs[i]).place == Place::weight;
      require(is_weight || size_tensors_.contains(step.inputs[i]),
              "a size depends on elements that only the run computes, and the plan says that none does");
    }
  }

  void check_profile(const PlanProfile& profile) {
    field_ = profile.name;
    require(profile.symbols.size() == plan_.symbols.size() && profile.choices.size() == plan_.steps.size() &&
                (profile.measured.empty() || profile.measured.size() == plan_.steps.size()) &&
                profile.offsets.size() == plan_.tensors.size() &&
                profile.conflicts.size() == plan_.steps.size(),
            "the profile's lists do not have the plan's lengths");
    require(profile.threads >= 0 && profile.threads <= kMostThreads, "the number of threads is out of range");
    for (std::size_t i = 0; i < profile.symbols.size(); ++i) {
      const SymbolRange& range = profile.symbols[i];
      require(range.minimum >= 0 && range.minimum <= range.optimum && range.optimum <= range.maximum &&
                  range.maximum <= plan_.symbols[i].maximum,
              "the range of " + printable(plan_.symbols[i].name) + " is not within its limit");
    }
    if (!plan_.dynamic) check_arena(profile);
    for (std::size_t i = 0; i < plan_.steps.size(); ++i)
      guarded(plan_.steps[i].name, [&] { check_choice(plan_.steps[i], profile, i); });
  }

  void check_arena(const PlanProfile& profile) {
    std::uint64_t sum = 0;
    for (std::size_t i = 0; i < plan_.tensors.size(); ++i) {
      const PlanTensor& tensor = plan_.tensors[i];
      if (tensor.place != Place::arena) continue;
      guarded(tensor.name, [&] {
        const auto bytes =
            bytes_at(tensor.type, [&](std::size_t symbol) { return profile.symbols[symbol].maximum; });
        const auto end = checked_add(profile.offsets[i], bytes);
        require(profile.offsets[i] % kArenaAlignment == 0, "the offset is no multiple of 64");
        require(end && *end <= profile.arena_bytes, "the tensor is not within the arena");
        const auto padded = checked_align(std::max<std::uint64_t>(bytes, 1), kArenaAlignment);
        const auto total = padded ? checked_add(sum, *padded) : std::nullopt;
        require(total.has_value(), "the tensors need more memory than can be counted");
        sum = *total;
      });
    }
    field_ = profile.name;
    require(profile.arena_bytes <= sum && profile.arena_lower_bound <= sum,
            "the arena is larger than all of its tensors");
  }

  void check_choice(const PlanStep& step, const PlanProfile& profile, std::size_t index) const {
    const StepChoice& choice = profile.choices[index];
    if (choice.kernel == nullptr) {
      require(plan_.dynamic && (is_host_step(*step.op) || (step.op->pure && step.op->aliases_input >= 0)),
              "the step has no kernel");
      return;
    }
    const Kernel& kernel = *choice.kernel;
    std::vector<ValueType> inputs;
    std::vector<ValueType> outputs;
    for (const auto input : step.inputs) inputs.push_back(tensor(input).type);
    for (const auto output : step.outputs) outputs.push_back(tensor(output).type);
    const Node node = node_of(step);
    require(
        kernel.op == step.op->name && (kernel.accepts == nullptr || kernel.accepts({inputs, outputs, &node})),
        "the kernel " + kernel.name + " does not take this step");
    const auto variants = std::max<std::size_t>(kernel.variants.size(), 1);
    require(choice.variant >= 0 && static_cast<std::size_t>(choice.variant) < variants,
            "the kernel " + kernel.name + " has no variant " + std::to_string(choice.variant));
    require(choice.first_thread >= 0 && choice.first_thread <= kMostThreads && choice.threads >= 0 &&
                choice.threads <= kMostThreads,
            "the threads are out of range");
    require(profile.conflicts[index] >= -1 && profile.conflicts[index] < static_cast<std::int32_t>(index),
            "the step waits for one that does not come before it");
  }

  const Plan& plan_;
  const std::string& file_;
  std::vector<std::uint64_t> weights_;   // bytes of each
  std::set<std::int32_t> size_tensors_;  // that steps "Sizes" give
  std::string field_;
};

}  // namespace

std::uint64_t weight_bytes(const WeightSource& source) {
  if (!is_packed(source.layout)) return dense_bytes(source.layout, source.shape);
  if (source.shape.size() < 2 || source.shape.size() > 3)
    throw Error(ErrorCode::invalid_argument, "only matrices are packed");
  const bool experts = source.shape.size() == 3;
  const auto matrix =
      packed_bytes(source.layout, source.shape[experts ? 1 : 0], source.shape[experts ? 2 : 1]);
  element_count(source.shape);  // no dimension is negative
  const auto bytes = checked_multiply(matrix, experts ? static_cast<std::uint64_t>(source.shape[0]) : 1);
  if (!bytes) throw Error(ErrorCode::invalid_argument, "a weight has more bytes than 64 bits can count");
  return *bytes;
}

void check_plan(const Plan& plan, const std::string& file) { PlanCheck(plan, file).run(); }

}  // namespace lathe
