// Two models, or one with two settings, run side by side on the same tokens: every tensor that both have
// under one name is compared while its rows come. Both sides take steps of their own length; what is compared
// at once are the rows of the longer of the two.
#include <algorithm>
#include <map>
#include <set>

#include "api/execution.h"
#include "api/known_models.h"
#include "api/model_implementation.h"
#include "api/sequence_inputs.h"
#include "api/tensor_difference.h"
#include "backend/cache_layout.h"
#include "base/error.h"
#include "lathe/execute.h"

namespace lathe {
namespace {

constexpr std::string_view kText =
    "The sky is blue because air scatters short waves of light more than long ones.";
constexpr std::int32_t kIdsWithoutTokenizer = 16;

/// One side: a program, and the rows that its tensors have by now.
class Side {
 public:
  Side(const ComparedSide& words, std::span<const std::int32_t> ids, const char* name)
      : ids_(ids), chunk_(words.chunk > 0 ? words.chunk : std::ssize(ids)) {
    chunk_ = std::min<std::int64_t>(chunk_, std::ssize(ids));
    const std::int64_t pages = (std::ssize(ids) + kPageTokens - 1) / kPageTokens;
    ProgramOptions options;
    options.model = words.model;
    options.model_options = words.options;
    options.keep_tensors = true;
    options.sizes = {{"T", chunk_}, {"Q", 1}, {"S", chunk_}, {"B", pages}, {"P", pages}};
    program_ = std::make_shared<const ProgramImplementation>(options);
    if (std::ssize(ids) > chunk_ && program_->states.empty())
      throw Error(ErrorCode::invalid_argument,
                  std::string("side ") + name +
                      " keeps nothing from one step to the next: it takes all tokens "
                      "in one",
                  {{}, std::nullopt, "chunk"});
    execution_ = std::make_unique<ExecutionImplementation>(program_, 0);
  }

  const ProgramImplementation& program() const { return *program_; }
  std::int64_t chunk() const { return chunk_; }

  /// Runs the tokens [done, end); tensors() are then theirs.
  void advance(std::int64_t end, const std::set<std::string>& names) {
    rows_.clear();
    while (done_ < end) {
      const std::int64_t count = std::min(chunk_, end - done_);
      for (auto& [name, tensor] : sequence_inputs(ids_, done_, count))
        execution_->set_input(name, std::move(tensor));
      execution_->run(true);
      done_ += count;
      for (const auto& name : names) append(name, execution_->tensor(name));
    }
  }

  const Tensor& rows(const std::string& name) const { return rows_.at(name); }

  /// Whether the tensor has a row for each token of the step, or for each whose logits are asked for.
  static bool has_token_rows(const TensorInfo& tensor) {
    return !tensor.dims.empty() && (tensor.dims.front() == "T" || tensor.dims.front() == "S");
  }

 private:
  void append(const std::string& name, Tensor tensor) {
    const auto [known, fresh] = rows_.try_emplace(name, std::move(tensor));
    if (fresh) return;
    known->second.shape.at(0) += tensor.shape.at(0);
    known->second.bytes.insert(known->second.bytes.end(), tensor.bytes.begin(), tensor.bytes.end());
  }

  std::span<const std::int32_t> ids_;
  std::int64_t chunk_;
  std::int64_t done_ = 0;
  std::shared_ptr<const ProgramImplementation> program_;
  std::unique_ptr<ExecutionImplementation> execution_;
  std::map<std::string, Tensor> rows_;
};

std::map<std::string, const TensorInfo*> by_name(const ProgramImplementation& program) {
  std::map<std::string, const TensorInfo*> result;
  for (const auto& tensor : program.tensor_infos) result.emplace(tensor.name, &tensor);
  return result;
}

/// The op that writes each tensor.
std::map<std::string, std::string> writers(const ProgramImplementation& program) {
  std::map<std::string, std::string> ops;
  for (const auto& step : program.plan->steps)
    for (const auto tensor : step.outputs)
      ops.emplace(program.plan->tensors[static_cast<std::size_t>(tensor)].name, step.op->name);
  return ops;
}

bool same_rows(const TensorInfo& a, const TensorInfo& b) {
  return a.shape.size() == b.shape.size() &&
         std::equal(a.shape.begin() + (a.shape.empty() ? 0 : 1), a.shape.end(),
                    b.shape.begin() + (b.shape.empty() ? 0 : 1));
}

std::vector<std::int32_t> ids_of(const ComparedSide& side, const std::string& text) {
  ModelOptions options = side.options;
  options.weights = false;
  const ModelImplementation model(resolve_model(side.model, options), options);
  if (model.tokenizer != nullptr) return model.text().encode(text.empty() ? kText : text, {true, false});
  if (!text.empty()) model.text();  // says that there is none
  return some_ids(model.info.vocabulary, kIdsWithoutTokenizer, 0);
}

void require_ids(std::span<const std::int32_t> ids) {
  if (ids.empty())
    throw Error(ErrorCode::invalid_argument, "there are no tokens to compute", {{}, std::nullopt, "ids"});
}

}  // namespace

Comparison compare(const ComparedSide& a, const ComparedSide& b, std::vector<std::int32_t> ids,
                   const std::string& text, const Tolerance& tolerance) {
  if (ids.empty()) ids = ids_of(a, text);
  require_ids(ids);
  Side side_a(a, ids, "A");
  Side side_b(b, ids, "B");
  const auto of_a = by_name(side_a.program());
  const auto of_b = by_name(side_b.program());
  const std::int64_t window = std::max(side_a.chunk(), side_b.chunk());
  const bool in_parts = side_a.chunk() != std::ssize(ids) || side_b.chunk() != std::ssize(ids);

  Comparison result;
  bool same_shapes = true;
  std::set<std::string> names;
  std::map<std::string, DifferenceMeter> meters;
  for (const auto& tensor : side_a.program().tensor_infos) {
    const auto other = of_b.find(tensor.name);
    if (other == of_b.end()) {
      result.only_a.push_back(tensor.name);
      continue;
    }
    const bool token_rows = Side::has_token_rows(tensor) && Side::has_token_rows(*other->second);
    if (in_parts && !token_rows) {
      result.notes.push_back(tensor.name + " has no row for each token, which are computed in parts");
      continue;
    }
    if (!same_rows(tensor, *other->second) || (!token_rows && tensor.shape != other->second->shape)) {
      result.notes.push_back(tensor.name + " has another shape in B");
      same_shapes = false;
      continue;
    }
    if (names.insert(tensor.name).second) meters.emplace(tensor.name, DifferenceMeter(tolerance));
  }
  for (const auto& tensor : side_b.program().tensor_infos)
    if (!of_a.contains(tensor.name)) result.only_b.push_back(tensor.name);

  for (std::int64_t end = 0; end < std::ssize(ids);) {
    end = std::min(end + window, std::ssize(ids));
    side_a.advance(end, names);
    side_b.advance(end, names);
    for (auto& [name, meter] : meters) meter.add(side_a.rows(name), side_b.rows(name));
  }

  const auto ops = writers(side_a.program());
  std::set<std::string> listed;
  for (const auto& tensor : side_a.program().tensor_infos) {
    const auto meter = meters.find(tensor.name);
    if (meter == meters.end() || !listed.insert(tensor.name).second) continue;
    auto difference = meter->second.result();
    difference.name = tensor.name;
    difference.op = ops.at(tensor.name);
    difference.dtype_a = tensor.dtype;
    difference.dtype_b = of_b.at(tensor.name)->dtype;
    result.tensors.push_back(std::move(difference));
  }
  result.within = same_shapes && !result.tensors.empty() &&
                  std::ranges::all_of(result.tensors, [](const auto& tensor) { return tensor.outside == 0; });
  return result;
}

Comparison compare(const NamedTensors& a, const NamedTensors& b, const Tolerance& tolerance) {
  ComparisonMaker maker(tolerance);
  const auto find = [](const NamedTensors& tensors, const std::string& name) {
    return std::ranges::find(tensors, name, [](const auto& item) { return item.first; });
  };
  for (const auto& [name, tensor] : a) {
    const auto other = find(b, name);
    if (other == b.end())
      maker.only_a(name);
    else
      maker.add(name, "", tensor, other->second);
  }
  for (const auto& item : b)
    if (find(a, item.first) == a.end()) maker.only_b(item.first);
  return maker.result();
}

}  // namespace lathe
