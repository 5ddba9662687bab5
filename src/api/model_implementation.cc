#include "api/model_implementation.h"
#include "api/activation_codes.h"
#include "api/activation_section.h"

#include <algorithm>
#include <chrono>
#include <future>

#include "api/cache_type.h"
#include "api/check_bindings.h"
#include "api/engine_version.h"
#include "api/load_checkpoint.h"
#include "api/plan_package.h"
#include "api/plan_profiles.h"
#include "api/request_check.h"
#include "backend/cache_layout.h"
#include "base/error.h"
#include "compile/refit.h"
#include "cpu/backend.h"
#include "formats/checkpoint_section.h"
#include "formats/gguf.h"
#include "models/folder_embedding.h"
#include "text/tokenizer_section.h"

namespace lathe {
namespace {

using Clock = std::chrono::steady_clock;

EngineOptions engine_options(const ModelOptions& options, const ModelShape& shape) {
  EngineOptions engine;
  engine.vocabulary = static_cast<std::int32_t>(shape.vocabulary);
  engine.context_tokens = options.context_tokens;
  engine.step_tokens = is_cache_off(options.kv) ? options.context_tokens : options.step_tokens;
  engine.sequences = options.sequences;
  engine.cache_tokens = options.cache_tokens;
  const auto graph = graph_options(options, shape);
  engine.cache = {static_cast<std::int32_t>(shape.layers), static_cast<std::int32_t>(shape.kv_heads),
                  static_cast<std::int32_t>(shape.head_dim), graph.cache_dtype, graph.cache_off};
  return engine;
}

/// With a cache every sequence may have a whole context's pages in its table; without one the engine runs
/// one sequence at a time, on pages that live as long as its step.
std::int64_t pages_for(std::int64_t tokens) { return (tokens + kPageTokens - 1) / kPageTokens; }

std::vector<SymbolLimit> symbol_limits(const EngineOptions& options) {
  const std::int64_t pages = pages_for(options.context_tokens);
  const std::int64_t sequences = options.cache.off ? 1 : options.sequences;
  return {{"T", options.step_tokens},
          {"Q", sequences},
          {"B", pages * sequences},
          {"S", options.out_rows},
          {"P", options.cache.off ? pages : std::max(pages, pages_for(options.cache_tokens))}};
}

EncoderOptions encoder_options(const ModelOptions& options, const ModelShape& shape) {
  EncoderOptions encoder;
  encoder.vocabulary = static_cast<std::int32_t>(shape.vocabulary);
  encoder.dimensions = static_cast<std::int32_t>(shape.embedding);
  encoder.text_tokens = options.context_tokens;
  encoder.step_tokens = options.step_tokens;
  return encoder;
}

ModelInfo describe(const Checkpoint& checkpoint, const ModelShape& shape) {
  ModelInfo info;
  info.name = printable(checkpoint.optional_text("general.name").value_or(""));
  info.warnings = checkpoint.warnings;
  info.file = checkpoint.file;
  info.architecture = checkpoint.architecture;
  for (const auto& [name, tensor] : checkpoint.tensors) {
    info.parameters += element_count(tensor.shape);
    info.tensor_bytes += tensor.bytes();
  }
  info.vocabulary = static_cast<int>(shape.vocabulary);
  info.trained_context = static_cast<int>(shape.context_tokens);
  info.embedding_dimensions = static_cast<int>(shape.embedding);
  return info;
}

}  // namespace

GraphOptions graph_options(const ModelOptions& options, const ModelShape& shape) {
  const Dtype of_math = shape.is_encoder() || options.math == "f32" ? Dtype::f32 : Dtype::bf16;
  return {cache_dtype(options.kv, of_math), is_cache_off(options.kv), options.context_tokens};
}

ModelImplementation::ModelImplementation(const std::string& path, const ModelOptions& chosen) : path_(path) {
  const auto start = Clock::now();
  if (is_plan_file(path)) {
    plan_file = PlanFile::open(path);
    load_plan(chosen, path);
  } else {
    checkpoint = load_checkpoint(path, chosen);
    load_model(chosen);
  }
  load_seconds = std::chrono::duration<double>(Clock::now() - start).count();
}

ModelImplementation::ModelImplementation(const std::string& path, const ModelOptions& chosen,
                                         std::shared_ptr<const PlanFile> cached)
    : plan_file(std::move(cached)), cached_(true) {
  const auto start = Clock::now();
  const auto name_end = path.find_last_not_of('/');  // as folders are named without the cache
  load_plan(chosen, name_end == std::string::npos ? path : path.substr(0, name_end + 1));
  load_seconds = std::chrono::duration<double>(Clock::now() - start).count();
}

void ModelImplementation::load_plan(const ModelOptions& chosen, const std::string& file) {
  plan_file->require_runnable(engine_version(), chosen_isa());
  checkpoint = read_checkpoint_section(plan_file->section("metadata"), file);
  load_model(run_options(chosen, *plan_file));
}

ModelImplementation::ModelImplementation(const std::string& path, const ModelOptions& chosen,
                                         const PlanFile& refitted)
    : path_(path) {
  checkpoint = load_checkpoint(path, chosen);
  describe_model(chosen);
  backend_ = make_cpu_backend(options.threads);
  load_text();
  refit_weights(refitted);
}

void ModelImplementation::describe_model(const ModelOptions& chosen) {
  architecture_ = &find_architecture(checkpoint->architecture);
  shape_ = architecture_->shape(*checkpoint);
  options = complete(chosen, shape_);
  threads_chosen_ = chosen.threads != 0;
  info = describe(*checkpoint, shape_);
  info.context_tokens = options.context_tokens;
}

void ModelImplementation::load_model(const ModelOptions& chosen) {
  describe_model(chosen);
  // Tokenizer and weights need nothing of each other, and each takes a good part of the start.
  auto text = std::async(std::launch::async, [this] { load_text(); });
  if (options.weights) {
    backend_ = make_cpu_backend(options.threads);
    if (plan_file == nullptr)
      compile_weights();
    else
      map_weights();
    if (plan_file == nullptr || !plan_file->stripped()) start_engine();
  }
  text.get();
}

std::optional<TokenizerData> ModelImplementation::read_text() const {
  if (plan_file != nullptr) {
    const auto section = plan_file->section("tokenizer");
    if (section.empty()) return std::nullopt;
    return read_tokenizer_section(section, plan_file, plan_file->path());
  }
  if (checkpoint->optional_text("tokenizer.ggml.model") == kNoVocabulary) return std::nullopt;
  auto data = load_tokenizer(*checkpoint);
  if (data && checkpoint->boolean_or(checkpoint->architecture + "." + std::string(kLowerCaseKey), false)) {
    auto& steps = data->pipeline.normalizers;
    steps.emplace_back(normalize::Lowercase());
    std::rotate(steps.begin(), steps.end() - 1, steps.end());
  }
  return data;
}

void ModelImplementation::load_text() {
  auto data = read_text();
  if (!data) return;
  tokenizer = make_tokenizer(*std::move(data));
  if (tokenizer->vocabulary_size() > static_cast<std::size_t>(shape_.vocabulary))
    checkpoint->fail("the tokenizer has " + std::to_string(tokenizer->vocabulary_size()) +
                         " tokens, the model " + std::to_string(shape_.vocabulary),
                     "tokenizer.ggml.tokens");
  info.warnings.insert(info.warnings.end(), tokenizer->warnings().begin(), tokenizer->warnings().end());
  info.has_chat_template = !tokenizer->data().chat_template.empty();
  if (!info.has_chat_template) return;
  try {
    chat_.emplace(*tokenizer);
  } catch (const Error&) {
    chat_error_ = std::current_exception();  // completion works all the same
  }
}

std::vector<SymbolLimit> ModelImplementation::limits(const ModelOptions& of) const {
  return shape_.is_encoder() ? symbol_limits(encoder_options(of, shape_))
                             : symbol_limits(engine_options(of, shape_));
}

CompileOptions ModelImplementation::compile_options() const {
  CompileOptions result;
  result.math = options.math;
  result.disabled_passes = options.disabled_passes;
  result.limits = limits(options);
  result.profiles = shape_.is_encoder() ? encoder_profiles(result.limits) : decoder_profiles(result.limits);
  result.threads = options.threads;
  result.reuse_memory = options.reuse_memory;
  result.pack_weights = options.pack_weights;
  result.tuning.level = options.tuning;
  return result;
}

ActivationCodes ModelImplementation::choose_activations(const std::vector<ActivationInspection>* built) {
  auto chosen = lathe::choose_activations(path_, options, built);
  activations = std::move(chosen.inputs);
  return std::move(chosen.codes);
}

Graph ModelImplementation::model_graph() const {
  Graph graph = build_graph();
  if (!shape_.is_encoder()) add_sampling_outputs(graph, kCandidates);
  return graph;
}

void ModelImplementation::compile_weights() {
  CompileOptions how = compile_options();
  how.activations = choose_activations();
  TimingCache cache;
  if (!options.timing_cache.empty()) cache = TimingCache::load_or_empty(options.timing_cache);
  how.tuning.cache = &cache;
  how.tuning.fail_on_miss = options.fail_on_timing_miss;
  const auto before = cache.entries();
  compiled_ = compile(model_graph(), *backend_, how);
  if (!options.timing_cache.empty() && cache.entries() != before) cache.save(options.timing_cache);
}

void ModelImplementation::refit_weights(const PlanFile& refitted) {
  compiled_.emplace();
  compiled_->graph = model_graph();
  const auto built = read_activation_section(refitted.section("activations"), refitted.path());
  CompileOptions how = compile_options();
  how.activations = choose_activations(&built);
  compiled_->passes = run_passes(compiled_->graph, *backend_, how);
  if (print(compiled_->graph) != refitted.text("graph.after"))
    throw Error(ErrorCode::invalid_argument,
                "the plan is of another model: architecture, shapes or types differ",
                {info.file, std::nullopt, "model"});
  const auto plan = refitted.plan(*backend_);
  pack_weights(*plan, compiled_->graph, *backend_, options.threads);
  compiled_->plan = plan;
}

void ModelImplementation::map_weights() {
  compiled_.emplace();
  const auto plan = plan_file->plan(*backend_);
  if (threads_chosen_ && !cached_)  // it counts more than what was measured
    for (auto& profile : plan->profiles) profile.threads = 0;
  compiled_->plan = plan;
  compiled_->passes = plan_passes(*plan_file);
  activations = read_activation_section(plan_file->section("activations"), plan_file->path());
}

/// The engine makes room for what a plan's symbols allow, so that they must be those of its options, which
/// are in range.
void ModelImplementation::check_plan() const {
  const Plan& plan = *compiled_->plan;
  const auto expected = limits(complete(plan_options(*plan_file), shape_));
  const bool same = std::equal(
      plan.symbols.begin(), plan.symbols.end(), expected.begin(), expected.end(),
      [](const SymbolLimit& a, const SymbolLimit& b) { return a.name == b.name && a.maximum == b.maximum; });
  if (!same)
    throw Error(ErrorCode::invalid_model, "the plan's symbols are not those of its options",
                {plan_file->path(), std::nullopt, "symbols"});
  check_bindings(plan, plan_file->path(), options, shape_);
}

/// Chunks of the size that was measured to be the fastest, where the caller left it open.
EngineOptions ModelImplementation::measured_step(EngineOptions engine) const {
  const int measured = compiled_->plan->step_tokens;
  const bool open = !is_cache_off(options.kv) && options.step_tokens == ModelOptions().step_tokens;
  if (measured > 0 && open)
    engine.step_tokens = std::min(engine.step_tokens, std::max(measured, engine.sequences));
  return engine;
}

void ModelImplementation::start_engine() {
  if (plan_file != nullptr) check_plan();
  if (shape_.is_encoder())
    encoder_ = std::make_unique<Encoder>(encoder_options(options, shape_), compiled_->plan, backend_);
  else
    engine_ =
        std::make_unique<Engine>(measured_step(engine_options(options, shape_)), compiled_->plan, backend_);
}

Graph ModelImplementation::build_graph() const {
  if (plan_file != nullptr) return parse_graph(plan_file->text("graph.before"));
  return architecture_->build(checkpoint, graph_options(options, shape_));
}

std::string ModelImplementation::graph_text(bool before) const {
  if (plan_file == nullptr) return print(before ? build_graph() : compiled().graph);
  if (!before) require_weights();
  return std::string(plan_file->text(before ? "graph.before" : "graph.after"));
}

Backend& ModelImplementation::backend() const {
  require_weights();
  return *backend_;
}

void ModelImplementation::require_weights() const {
  if (!options.weights)
    throw Error(ErrorCode::invalid_argument, "the model was loaded without its weights",
                {info.file, {}, "weights"});
}

void ModelImplementation::require_whole() const {
  if (plan_file != nullptr && plan_file->stripped())
    throw Error(ErrorCode::invalid_argument,
                "the plan was built without its weights; lathe refit puts them in",
                {info.file, {}, "weights"});
}

const Tokenizer& ModelImplementation::text() const {
  if (tokenizer == nullptr)
    throw Error(ErrorCode::unsupported, "the model has no tokenizer: it takes and gives token ids alone",
                {info.file, {}, {}});
  return *tokenizer;
}

const ChatPrompt& ModelImplementation::chat() const {
  text();
  if (chat_error_) std::rethrow_exception(chat_error_);
  if (!chat_)
    throw Error(ErrorCode::unsupported,
                (info.name.empty() ? "the model" : info.name) + " has no chat template",
                {info.file, {}, "messages"});
  return *chat_;
}

void ModelImplementation::require_decoder() const {
  if (shape_.is_encoder())
    throw Error(ErrorCode::unsupported,
                (info.name.empty() ? "the model" : info.name) +
                    " is an encoder: it gives embeddings of texts (lathe embed), and no text",
                {info.file, {}, {}});
}

Engine& ModelImplementation::engine() {
  require_decoder();
  require_weights();
  require_whole();
  return *engine_;
}

Encoder& ModelImplementation::encoder() {
  if (!shape_.is_encoder())
    throw Error(
        ErrorCode::unsupported,
        (info.name.empty() ? "the model" : info.name) + " is a decoder: it gives text, and no embeddings",
        {info.file, {}, {}});
  require_weights();
  require_whole();
  return *encoder_;
}

const CompileResult& ModelImplementation::compiled() const {
  require_weights();
  if (plan_file != nullptr)
    std::call_once(graph_read_, [this] { compiled_->graph = parse_graph(plan_file->text("graph.after")); });
  return *compiled_;
}

const Plan& ModelImplementation::plan() const {
  require_weights();
  return *compiled_->plan;
}

std::uint64_t ModelImplementation::cache_bytes() const {
  require_weights();
  if (engine_ == nullptr) return 0;
  const CacheGeometry& geometry = engine_->options().cache;
  if (geometry.off) return 0;
  return geometry.page_bytes() * static_cast<std::uint64_t>(engine_->cache_statistics().pages);
}

void ModelImplementation::keep_plan(const PlanCacheEntry& entry) {
  plan_store_ = std::make_unique<PlanStore>(entry, *this);
}

void ModelImplementation::was_used() {
  if (plan_store_ != nullptr) plan_store_->start();
}

std::vector<TokenId> ModelImplementation::encode(const Request& request) const {
  if (!request.messages.empty()) return chat().encode(request.messages);
  if (!request.ids.empty()) return request.ids;
  return with_one_bos(text().data(), text().encode(request.prompt, {false, request.parse_special}));
}

}  // namespace lathe
