// lathe eval: perplexity of models on a text, and how far they are from a reference.
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>

#include "apps/command.h"
#include "apps/eval_report.h"
#include "apps/options.h"
#include "apps/output.h"
#include "apps/status_line.h"
#include "apps/whole_number.h"

namespace lathe::apps {
namespace {

struct EvalWords {
  ModelWords computing;  // of the models that are measured
  std::vector<std::string> models = {"smollm2"};
  std::string reference, reference_math, reference_kv, reference_weights;
  std::string text;
  EvaluationOptions options;
  bool json = false;
  std::string html;

  bool has_reference() const {
    return !(reference.empty() && reference_math.empty() && reference_kv.empty() &&
             reference_weights.empty());
  }
};

std::string read_text(const std::string& path) {
  if (path == "-") return text_or_stdin(path);
  std::error_code error;
  if (!std::filesystem::exists(path, error))
    throw Error(ErrorCode::not_found, "there is no such text", {path, {}, {}});
  if (std::filesystem::is_directory(path, error))
    throw Error(ErrorCode::io, "a folder, and no text", {path, {}, {}});
  std::ifstream file(path, std::ios::binary);
  std::string text{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  if (!file.is_open() || file.bad()) throw Error(ErrorCode::io, "the text cannot be read", {path, {}, {}});
  return text;
}

EvaluatedModel model_of(const EvalWords& words, const std::string& name) {
  EvaluatedModel model{name, words.computing.options};
  model.options.show_fetch = true;
  return model;
}

/// Float32 throughout where nothing else is said; what else was said of the models holds for it, too.
EvaluatedModel reference_of(const EvalWords& words) {
  EvaluatedModel reference =
      model_of(words, words.reference.empty() ? words.models.front() : words.reference);
  reference.options.math = words.reference_math.empty() ? "f32" : words.reference_math;
  reference.options.kv = words.reference_kv;
  reference.options.weight_type = words.reference_weights;
  reference.options.disabled_passes.clear();
  return reference;
}

/// Tensor by tensor, on the first tokens of the text.
std::vector<Comparison> compare_tensors(const EvalWords& words, const std::vector<Evaluation>& evaluations,
                                        StatusLine& status) {
  constexpr std::size_t kTokens = 64;  // that are enough to see where the error comes from
  const EvaluatedModel reference = reference_of(words);
  std::vector<Comparison> comparisons;
  for (std::size_t i = 0; i < evaluations.size(); ++i) {
    status.show("tensors of " + evaluations[i].model.file);
    auto ids = evaluations[i].first_chunk;
    ids.resize(std::min(ids.size(), kTokens));
    const EvaluatedModel model = model_of(words, words.models[i]);
    comparisons.push_back(
        compare({reference.model, reference.options, 0}, {model.model, model.options, 0}, ids, "", {}));
  }
  return comparisons;
}

void write_page(const EvalWords& words, const std::vector<Evaluation>& evaluations, Interrupt& interrupt,
                StatusLine& status) {
  OutputFile file(words.html);
  const Interrupt::Cleanup cleanup(interrupt, [&file] { file.discard(); });
  const auto comparisons = compare_tensors(words, evaluations, status);
  std::vector<EvaluationPart> parts;
  for (std::size_t i = 0; i < evaluations.size(); ++i)
    parts.push_back({label(evaluations[i]), evaluations[i], comparisons[i]});
  const EvaluatedModel reference = reference_of(words);
  const auto name_of = [](const std::string& path) {
    return std::filesystem::path(path).filename().string();
  };
  const std::string page =
      to_html(name_of(words.text), name_of(reference.model) + ", math " + reference.options.math, parts);
  file.write(page.data(), page.size());
  file.flush();
  const auto delay = interrupt.delay();
  file.finish();
}

void show(const EvaluationProgress& progress, int context, StatusLine& status) {
  std::string text;
  if (progress.models > 1)
    text = "model " + std::to_string(progress.model + 1) + " of " + std::to_string(progress.models) + ", ";
  status.show(text + "chunk " + std::to_string(progress.chunk + 1) + " of " +
              std::to_string(progress.chunks) + ", " + std::to_string(progress.position) + " of " +
              std::to_string(context) + " tokens");
}

int run(EvalWords& words, Interrupt& interrupt) {
  if (!words.html.empty() && !words.has_reference())
    throw Error(ErrorCode::invalid_argument,
                "--html shows how far models are from a reference: give --reference or --reference-math");
  words.options.text = read_text(words.text);
  StatusLine status;
  words.options.progress = [&](const EvaluationProgress& progress) {
    show(progress, words.options.context, status);
  };
  std::vector<EvaluatedModel> models;
  for (const auto& name : words.models) models.push_back(model_of(words, name));
  std::optional<EvaluatedModel> reference;
  if (words.has_reference()) reference = reference_of(words);
  const auto evaluations = evaluate(models, reference, words.options);
  if (!words.html.empty()) write_page(words, evaluations, interrupt, status);
  status.clear();
  for (const auto& evaluation : evaluations)
    for (const auto& warning : evaluation.model.warnings) write_error("lathe: warning: " + warning + "\n");
  write_out(words.json ? to_json(evaluations) : to_text(evaluations));
  return 0;
}

void add_reference(CLI::App& command, EvalWords& words) {
  command.add_option("--reference", words.reference,
                     "the model that others are held against (default: each itself, where another "
                     "--reference-... is given)");
  command.add_option("--reference-math", words.reference_math, "int8 or f32 (default f32)");
  command.add_option("--reference-kv", words.reference_kv,
                     "f32, f16, bf16 or off (default f32 with math f32)");
  command.add_option("--reference-weights", words.reference_weights,
                     "matrices become q8, q4, bf16 or f32 (default: as stored)");
}

}  // namespace

void add_eval(CLI::App& program, Context& context) {
  auto words = std::make_shared<EvalWords>();
  CLI::App* command = program.add_subcommand(
      "eval", "measure perplexity on a text, and divergence from a reference that runs beside the model");
  words->computing.add_computing(*command);
  // These two mean something else here: several models, and the length of what the text is cut into.
  command->remove_option(command->get_option("--model"));
  command->remove_option(command->get_option("--ctx"));
  command
      ->add_option("-m,--model", words->models,
                   "a .gguf or .plan file, a Hugging Face folder or a known name (again for more)")
      ->allow_extra_args(false)
      ->capture_default_str();
  command->add_option("--text", words->text, "a file of plain text; - reads stdin")->required();
  command->add_option("--ctx", words->options.context, "tokens of each chunk that the text is cut into")
      ->transform(whole_number<int>())
      ->capture_default_str();
  command->add_option("--chunks", words->options.chunks, "at most so many chunks; 0: all")
      ->transform(whole_number<int>())
      ->capture_default_str();
  command->add_flag("--all", words->options.all_positions,
                    "score every position, and not the second half of each chunk alone");
  add_reference(*command, *words);
  command->add_flag("--json", words->json, "print one JSON object; of several models an array of them");
  command->add_option("--html", words->html, "write a page with plots");
  command->callback(
      [words, &context] { context.chosen = [words, &context] { return run(*words, context.interrupt); }; });
}

}  // namespace lathe::apps
