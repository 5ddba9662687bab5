// The public Model: calls go to the parts that do them.
#include "lathe/model.h"

#include "api/answer.h"
#include "api/known_models.h"
#include "api/load_model.h"
#include "api/model_implementation.h"
#include "backend/cache_layout.h"
#include "base/json.h"
#include "lathe/inspection.h"

namespace lathe {

Model::Model(std::shared_ptr<ModelImplementation> implementation)
    : implementation_(std::move(implementation)) {}
Model::~Model() = default;
Model::Model(Model&&) noexcept = default;
Model& Model::operator=(Model&&) noexcept = default;

Model Model::load(const std::string& name_or_path, const ModelOptions& options) {
  return Model(load_model(resolve_model(name_or_path, options), options));
}

const ModelInfo& Model::info() const { return implementation_->info; }
const ModelOptions& Model::options() const { return implementation_->options; }

Answer Model::answer(const Request& request) {
  implementation_->require_decoder();
  return Answer(std::make_unique<AnswerImplementation>(implementation_, request));
}

std::vector<std::int32_t> Model::tokenize(std::string_view text, bool add_special, bool parse_special) const {
  return implementation_->text().encode(text, {add_special, parse_special});
}

std::string Model::detokenize(std::span<const std::int32_t> ids, bool special) const {
  return implementation_->text().decode(ids, special);
}

std::string Model::render(const std::vector<Message>& messages, bool add_generation_prompt) const {
  return implementation_->chat().render(messages, add_generation_prompt);
}

void Model::logits(std::span<const std::int32_t> ids, int chunk,
                   const std::function<void(int position, std::span<const float> logits)>& row) {
  implementation_->engine().evaluate(ids, chunk, row);
}

std::string Model::graph_text(bool before) const {
  return implementation_->graph_text(before);
}

std::vector<std::vector<float>> Model::embed(std::span<const std::string> texts) {
  return lathe::embed(*implementation_, texts);
}

Measurement Model::measure_embedding(int tokens, int texts) {
  return lathe::measure_embedding(*implementation_, tokens, texts);
}

Inspection Model::inspect() const { return lathe::inspect(*implementation_); }
std::string Model::inspect_json(InspectionDetail detail) const { return to_json(info(), inspect(), detail); }

Measurement Model::measure(int prompt, int generate, int depth, int sequences) {
  return lathe::measure(*implementation_, prompt, generate, depth, sequences);
}

StepProfile Model::profile(int prompt, int generate, int depth, int sequences, int repeats) {
  return lathe::profile(*implementation_, prompt, generate, depth, sequences, repeats);
}

StepProfile Model::profile_embedding(int tokens, int texts, int repeats) {
  return lathe::profile_embedding(*implementation_, tokens, texts, repeats);
}

Work Model::work(int tokens, int depth) const { return count_work(*implementation_, tokens, depth); }

CacheUse Model::cache_use() const {
  const Engine& engine = implementation_->engine();
  const CacheStatistics statistics = engine.cache_statistics();
  const CacheGeometry& geometry = engine.options().cache;
  CacheUse use;
  use.pages = statistics.pages;
  use.pages_in_use = statistics.pages_in_use;
  use.most_pages_used = statistics.pages_ever_used;
  use.page_tokens = kPageTokens;
  use.page_bytes = geometry.off ? 0 : geometry.page_bytes();
  return use;
}

std::string json_string(std::string_view text) { return dump_json(Json(std::string(text))); }

}  // namespace lathe
