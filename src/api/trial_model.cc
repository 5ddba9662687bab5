#include "api/trial_model.h"

#include <algorithm>
#include <cstring>

#include "api/model_implementation.h"
#include "api/request_check.h"
#include "backend/cache_layout.h"
#include "base/error.h"
#include "cpu/backend.h"
#include "models/architecture.h"
#include "models/weight_type.h"
#include "quant/block_format.h"
#include "quant/packed.h"

namespace lathe {
namespace {

constexpr std::string_view kEmbedding = "token_embd.weight";  // read where it lies, row by row

std::vector<SymbolLimit> limits(std::int64_t tokens) {
  const std::int64_t pages = (tokens + kPageTokens - 1) / kPageTokens;
  return {{"T", tokens}, {"Q", 1}, {"B", pages}, {"S", tokens}, {"P", pages}};
}

EngineOptions engine_options(const ModelShape& shape, std::int64_t tokens) {
  EngineOptions engine;
  engine.vocabulary = static_cast<std::int32_t>(shape.vocabulary);
  engine.context_tokens = engine.step_tokens = engine.out_rows = static_cast<std::int32_t>(tokens);
  engine.sequences = 1;
  engine.cache = {static_cast<std::int32_t>(shape.layers), static_cast<std::int32_t>(shape.kv_heads),
                  static_cast<std::int32_t>(shape.head_dim), Dtype::f32, false};
  return engine;
}

}  // namespace

TrialModel::TrialModel(std::shared_ptr<const Checkpoint> checkpoint, int threads, std::int64_t tokens)
    : checkpoint_(std::move(checkpoint)), floats_(std::make_shared<Checkpoint>(*checkpoint_)) {
  const Architecture& architecture = find_architecture(checkpoint_->architecture);
  const ModelShape shape = architecture.shape(*checkpoint_);
  if (shape.is_encoder())
    throw Error(ErrorCode::unsupported, "an encoder has no logits to measure a divergence of",
                {checkpoint_->file, std::nullopt, {}});
  for (auto& [name, tensor] : floats_->tensors) {
    if (!is_computed_matrix(name, tensor.shape) || (tensor.dtype == Dtype::f32 && name != kEmbedding))
      continue;
    const auto values = std::make_shared<std::vector<float>>(own_values(name));
    tensor.dtype = Dtype::f32;
    tensor.data = reinterpret_cast<const std::byte*>(values->data());
    owned_.emplace(name, values);
  }
  backend_ = make_cpu_backend(threads);
  CompileOptions options;
  options.math = "f32";
  options.limits = limits(tokens);
  options.threads = threads;
  Graph graph = architecture.build(floats_, {Dtype::f32, false, tokens});
  add_sampling_outputs(graph, kCandidates);
  compiled_ = compile(std::move(graph), *backend_, options);
  find_parts();
  engine_ = std::make_unique<Engine>(engine_options(shape, tokens), compiled_.plan, backend_);
}

void TrialModel::find_parts() {
  const Plan& plan = *compiled_.plan;
  for (std::size_t i = 0; i < plan.weights.size(); ++i) {
    const WeightSource& source = plan.weight_sources[i];
    const auto value = std::ranges::find_if(compiled_.graph.values, [&](const Value& candidate) {
      return candidate.kind == ValueKind::constant && candidate.name == source.name;
    });
    if (value == compiled_.graph.values.end() || value->data.data == nullptr) continue;
    for (const auto& [name, tensor] : floats_->tensors) {
      if (value->data.data < tensor.data || value->data.data >= tensor.data + tensor.bytes()) continue;
      const auto columns = static_cast<std::uint64_t>(tensor.columns()) * sizeof(float);
      Part part;
      part.first_row =
          static_cast<std::int64_t>(static_cast<std::uint64_t>(value->data.data - tensor.data) / columns);
      part.matrices = source.shape.size() > 2 ? source.shape[0] : 1;
      part.rows = value->data.rows() / part.matrices;
      part.layout = source.layout;
      part.bytes = static_cast<std::byte*>(plan.weights[i].data());
      const bool exchanged = part.layout == Dtype::packed_f32 || owned_.contains(name);
      if (exchanged) parts_[name].push_back(part);
    }
  }
}

std::vector<float> TrialModel::own_values(const std::string& name) const {
  const TensorView& tensor = checkpoint_->tensors.at(name);
  std::vector<float> values(static_cast<std::size_t>(element_count(tensor.shape)));
  decode_rows(tensor.dtype, tensor.data, values.data(), tensor.rows(), tensor.columns());
  return values;
}

void TrialModel::put(const std::string& name, std::span<const float> values) {
  const auto found = parts_.find(name);
  CHECK(found != parts_.end());
  const std::int64_t columns = checkpoint_->tensors.at(name).columns();
  for (const Part& part : found->second) {
    const float* first = values.data() + part.first_row * columns;
    if (part.layout == Dtype::f32) {
      std::memcpy(part.bytes, first,
                  static_cast<std::size_t>(part.rows * part.matrices * columns) * sizeof(float));
      continue;
    }
    CHECK(part.layout == Dtype::packed_f32);
    const std::uint64_t matrix_bytes = packed_bytes(Dtype::packed_f32, part.rows, columns);
    for (std::int64_t matrix = 0; matrix < part.matrices; ++matrix)
      pack_groups(Dtype::f32, reinterpret_cast<const std::byte*>(first + matrix * part.rows * columns),
                  part.rows, columns, 0, (part.rows + kPackedRows - 1) / kPackedRows,
                  part.bytes + static_cast<std::uint64_t>(matrix) * matrix_bytes);
  }
}

void TrialModel::restore(const std::string& name) { put(name, own_values(name)); }

}  // namespace lathe
