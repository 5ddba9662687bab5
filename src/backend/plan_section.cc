#include "backend/plan_section.h"

#include <algorithm>
#include <cstring>
#include <new>
#include <string_view>
#include <unordered_map>

#include "backend/check_plan.h"
#include "base/byte_archive.h"
#include "tensor/dtype.h"

namespace lathe {
namespace {

constexpr std::string_view kPlan = "plan";
constexpr std::string_view kWeights = "weights";

/// Kernels and ops by name, for reading.
class Names {
 public:
  explicit Names(std::span<const Kernel> kernels) {
    for (const auto& kernel : kernels) kernels_.emplace(kernel.name, &kernel);
  }
  const Kernel* kernel(const std::string& name, const std::string& file) const {
    const auto found = kernels_.find(name);
    if (found != kernels_.end()) return found->second;
    throw Error(ErrorCode::unsupported, "this machine has no kernel \"" + printable(name) + "\"",
                {file, std::nullopt, std::string(kPlan)});
  }

 private:
  std::unordered_map<std::string_view, const Kernel*> kernels_;
};

template <class Archive>
void describe_dtype(Archive& archive, auto& dtype) {
  if constexpr (Archive::kReads) {
    const std::string_view name = archive.view("a type");
    const auto found = dtype_named(name);
    if (!found) archive.fail("there is no type \"" + printable(name) + "\"");
    dtype = *found;
  } else {
    archive.text(info(dtype).name, "a type");
  }
}

template <class Archive>
void describe_type(Archive& archive, auto& type) {
  describe_dtype(archive, type.dtype);
  archive.flag(type.ranked, "whether the rank is known");
  archive.choice(type.container, 4, "a container");
  archive.list(type.dims, 12, "dimensions", [&](auto& dim) {
    archive.number(dim.value, "a dimension");
    archive.text(dim.symbol, "a dimension's name");
  });
}

template <class Archive>
void describe_attributes(Archive& archive, auto& attributes) {
  if constexpr (Archive::kReads) {
    std::vector<std::pair<std::string, Attribute>> items;
    archive.list(items, 6, "attributes", [&](auto& item) {
      archive.text(item.first, "an attribute's name");
      std::uint8_t kind = 0;
      archive.choice(kind, 3, "an attribute's kind");
      if (kind == 0) archive.number(item.second.template emplace<std::int64_t>(), "an attribute");
      if (kind == 1) archive.number(item.second.template emplace<double>(), "an attribute");
      if (kind == 2) archive.text(item.second.template emplace<std::string>(), "an attribute");
    });
    attributes = Attributes(items.begin(), items.end());
    if (attributes.size() != items.size()) archive.fail("an attribute is given twice");
  } else {
    archive.list(attributes, 6, "attributes", [&](const auto& item) {
      archive.text(item.first, "an attribute's name");
      archive.choice(item.second.index(), 3, "an attribute's kind");
      if (const auto* whole = std::get_if<std::int64_t>(&item.second))
        archive.number(*whole, "an attribute");
      else if (const auto* real = std::get_if<double>(&item.second))
        archive.number(*real, "an attribute");
      else
        archive.text(std::get<std::string>(item.second), "an attribute");
    });
  }
}

template <class Archive>
void describe_tensor(Archive& archive, auto& tensor) {
  archive.text(tensor.name, "a tensor's name");
  describe_type(archive, tensor.type);
  archive.choice(tensor.place, 3, "a tensor's place");
  archive.number(tensor.index, "a tensor's index");
  archive.number(tensor.offset, "a tensor's offset");
  archive.number(tensor.max_bytes, "a tensor's size");
}

template <class Archive>
void describe_source(Archive& archive, auto& source) {
  archive.text(source.name, "a weight's name");
  describe_dtype(archive, source.stored);
  describe_dtype(archive, source.layout);
  archive.numbers(source.shape, "a weight's dimensions");
  archive.flag(source.refittable, "a weight's flag");
}

constexpr int kMostBodies = 16;  // inside each other

/// Where bodies are read: what they need of the file, and how deep they are.
struct BodyPlace {
  const std::string& file;
  std::span<const Kernel> kernels;
  int depth = 0;
};

Plan read_plan(std::span<const std::byte> bytes, const BodyPlace& place);

/// A body's plan with its weights behind it.
std::string write_body(const Plan& plan) {
  ArchiveWriter archive;
  archive.text(write_plan_section(plan), "a body's plan");
  std::size_t next = 0;
  archive.list(plan.weight_sources, 17, "a body's weights", [&](const auto& source) {
    describe_source(archive, source);
    const Buffer& buffer = plan.weights[next++];
    archive.text({static_cast<const char*>(buffer.data()), buffer.bytes()}, "a weight's bytes");
  });
  return archive.take();
}

Buffer copied(std::string_view bytes) {
  constexpr std::size_t kAlignment = 64;
  const std::size_t size =
      (std::max<std::size_t>(bytes.size(), 1) + kAlignment - 1) / kAlignment * kAlignment;
  void* const data = ::operator new (size, std::align_val_t{kAlignment});
  Buffer buffer(data, bytes.size(), true, [](void* address, std::size_t) {
    ::operator delete (address, std::align_val_t{kAlignment});
  });
  std::memcpy(data, bytes.data(), bytes.size());
  return buffer;
}

std::shared_ptr<const Plan> read_body(std::string_view bytes, const BodyPlace& place) {
  ArchiveReader archive(std::as_bytes(std::span(bytes)), place.file, kPlan);
  if (place.depth >= kMostBodies) archive.fail("bodies nest deeper than " + std::to_string(kMostBodies));
  const std::string_view section = archive.view("a body's plan");
  auto plan = std::make_shared<Plan>(
      read_plan(std::as_bytes(std::span(section)), {place.file, place.kernels, place.depth + 1}));
  archive.list(plan->weight_sources, 17, "a body's weights", [&](WeightSource& source) {
    describe_source(archive, source);
    const std::string_view weight = archive.view("a weight's bytes");
    if (weight.size() != weight_bytes(source)) archive.fail("a weight has another size than its type");
    plan->weights.push_back(copied(weight));
  });
  archive.end();
  return plan;
}

/// Attributes of the reader are made ready in read_plan_section, once the op is known.
template <class Archive>
void describe_step(Archive& archive, auto& step, auto& attributes, const BodyPlace& place) {
  archive.text(step.name, "a step's name");
  if constexpr (Archive::kReads) {
    const std::string_view name = archive.view("an op");
    step.op = find_op(name);
    if (step.op == nullptr) archive.fail("there is no op \"" + printable(name) + "\"");
  } else {
    archive.text(step.op->name, "an op");
  }
  archive.numbers(step.inputs, "a step's inputs");
  archive.numbers(step.outputs, "a step's outputs");
  describe_attributes(archive, attributes);
  archive.number(step.outputs_mask, "a step's outputs");
  archive.list(step.bodies, 4, "a step's bodies", [&](auto& body) {
    if constexpr (Archive::kReads)
      body = read_body(archive.view("a body"), place);
    else
      archive.text(write_body(*body), "a body");
  });
}

template <class Archive>
void describe_measured(Archive& archive, auto& measured) {
  archive.text(measured.kernel, "a kernel's name");
  archive.text(measured.variant, "a variant's name");
  archive.number(measured.threads, "a number of threads");
  archive.number(measured.seconds, "a time");
}

template <class Archive>
void describe_choice(Archive& archive, auto& choice, const Names& names, const std::string& file) {
  if constexpr (Archive::kReads) {
    std::string name;
    archive.text(name, "a kernel's name");
    if (!name.empty()) choice.kernel = names.kernel(name, file);
  } else {
    archive.text(choice.kernel == nullptr ? std::string() : choice.kernel->name, "a kernel's name");
  }
  archive.number(choice.variant, "a variant");
  archive.number(choice.first_thread, "a thread");
  archive.number(choice.threads, "a number of threads");
}

template <class Archive>
void describe_profile(Archive& archive, auto& profile, const Names& names, const std::string& file) {
  archive.text(profile.name, "a profile's name");
  archive.list(profile.symbols, 24, "ranges", [&](auto& range) {
    archive.number(range.minimum, "a minimum");
    archive.number(range.optimum, "an optimum");
    archive.number(range.maximum, "a maximum");
  });
  archive.list(profile.choices, 16, "kernels",
               [&](auto& choice) { describe_choice(archive, choice, names, file); });
  archive.list(profile.measured, 4, "measured steps", [&](auto& step) {
    archive.list(step, 20, "measured kernels", [&](auto& measured) { describe_measured(archive, measured); });
  });
  archive.numbers(profile.offsets, "offsets");
  archive.numbers(profile.conflicts, "conflicts");
  archive.number(profile.arena_bytes, "the arena's size");
  archive.number(profile.arena_lower_bound, "the arena's lower bound");
  archive.number(profile.threads, "a number of threads");
}

template <class Archive>
void describe_plan(Archive& archive, auto& plan, auto& attributes, const Names& names,
                   const BodyPlace& place) {
  archive.text(plan.name, "the plan's name");
  archive.flag(plan.dynamic, "whether sizes depend on what tensors hold");
  archive.list(plan.symbols, 12, "symbols", [&](auto& symbol) {
    archive.text(symbol.name, "a symbol's name");
    archive.number(symbol.maximum, "a symbol's limit");
  });
  archive.list(plan.tensors, 33, "tensors", [&](auto& tensor) { describe_tensor(archive, tensor); });
  archive.list(plan.steps, 24, "steps", [&](auto& step) {
    if constexpr (Archive::kReads)
      describe_step(archive, step, attributes.emplace_back(), place);
    else
      describe_step(archive, step, step.attributes.named(), place);
  });
  archive.list(plan.outputs, 8, "outputs", [&](auto& output) {
    archive.text(output.name, "an output's name");
    archive.number(output.tensor, "an output's tensor");
  });
  archive.numbers(plan.bindings, "bindings");
  archive.list(plan.profiles, 44, "profiles",
               [&](auto& profile) { describe_profile(archive, profile, names, place.file); });
  archive.number(plan.step_tokens, "a chunk's tokens");
}

template <class Archive>
void describe_weight(Archive& archive, auto& weight) {
  describe_source(archive, weight.source);
  archive.number(weight.offset, "a weight's offset");
  archive.number(weight.bytes, "a weight's size");
  archive.number(weight.checksum, "a weight's checksum");
}

}  // namespace

std::string write_plan_section(const Plan& plan) {
  ArchiveWriter archive;
  const Names none({});
  describe_plan(archive, plan, plan.steps, none, {std::string(), {}});
  return archive.take();
}

std::string write_weight_section(const std::vector<WeightRecord>& weights) {
  ArchiveWriter archive;
  archive.list(weights, 41, "weights", [&](const auto& weight) { describe_weight(archive, weight); });
  return archive.take();
}

Plan read_plan_section(std::span<const std::byte> bytes, const std::string& file,
                       std::span<const Kernel> kernels) {
  return read_plan(bytes, {file, kernels});
}

namespace {

Plan read_plan(std::span<const std::byte> bytes, const BodyPlace& place) {
  ArchiveReader archive(bytes, place.file, kPlan);
  const Names names(place.kernels);
  Plan plan;
  std::vector<Attributes> attributes;
  describe_plan(archive, plan, attributes, names, place);
  archive.end();
  for (std::size_t i = 0; i < plan.steps.size(); ++i) {
    PlanStep& step = plan.steps[i];
    try {
      step.attributes = StepAttributes(*step.op, complete_attributes(*step.op, std::move(attributes[i])));
    } catch (const Error& error) {
      archive.fail("step " + printable(step.name) + ": " + error.what());
    }
  }
  return plan;
}

}  // namespace

std::vector<WeightRecord> read_weight_section(std::span<const std::byte> bytes, const std::string& file) {
  ArchiveReader archive(bytes, file, kWeights);
  std::vector<WeightRecord> weights;
  archive.list(weights, 41, "weights", [&](auto& weight) { describe_weight(archive, weight); });
  archive.end();
  return weights;
}

}  // namespace lathe
