// lathe run: one answer.
#include <memory>

#include "apps/command.h"
#include "apps/error_text.h"
#include "apps/options.h"
#include "apps/output.h"
#include "apps/trace.h"
#include "apps/whole_number.h"

namespace lathe::apps {
namespace {

struct RunWords {
  ModelWords model;
  Request request;
  std::string prompt;
  std::string system;
  bool raw = false;
  bool print_ids = false;
  bool trace = false;
  bool json = false;
};

Request make_request(const RunWords& words, const Model& model) {
  Request request = words.request;
  std::string prompt = text_or_stdin(words.prompt);
  if (words.raw || !model.info().has_chat_template) {
    if (!words.system.empty())
      throw Error(ErrorCode::invalid_argument,
                  words.raw ? "--system has no place in a prompt that is given --raw"
                            : "--system needs a chat template, which this model lacks");
    if (prompt.empty()) throw Error(ErrorCode::invalid_argument, "the prompt is empty");
    request.prompt = std::move(prompt);
    return request;
  }
  if (request.parse_special)
    throw Error(ErrorCode::invalid_argument, "--special is for prompts that are given --raw");
  if (!words.system.empty()) request.messages.push_back({"system", words.system});
  request.messages.push_back({"user", std::move(prompt)});
  return request;
}

int run(const RunWords& words, Interrupt& interrupt) {
  Model model = words.model.load();
  Answer answer = model.answer(make_request(words, model));
  const Interrupt::Guard guard(interrupt, answer);
  const bool stream = !words.json && !words.print_ids;
  std::string text;
  std::vector<std::int32_t> ids;
  for (Piece piece; answer.next(piece);) {
    if (stream && !piece.text.empty()) write_out(piece.text);
    text += piece.text;
    ids.insert(ids.end(), piece.ids.begin(), piece.ids.end());
  }
  if (words.json) {
    write_out("{\"text\": " + json_string(text) + ", \"ids\": " + ids_json(ids) + ", " +
              trace_json(answer.trace()) + "}\n");
  } else if (words.print_ids) {
    write_out(ids_json(ids) + "\n");
  } else {
    write_out("\n");
  }
  if (words.trace) write_error(format_trace(model, answer.trace()));
  if (answer.end() == EndReason::context_full) write_error("lathe: " + context_full_text(model) + "\n");
  return guard.interrupted() ? kInterruptedStatus : 0;
}

}  // namespace

void add_run(CLI::App& program, Context& context) {
  auto words = std::make_shared<RunWords>();
  CLI::App* command = program.add_subcommand("run", "answer one prompt");
  command->add_option("PROMPT", words->prompt, "what to answer; -: read from stdin")->required();
  words->model.add_computing(*command);
  words->model.add_plan_cache(*command);
  command
      ->add_option("-n,--max-tokens", words->request.max_tokens, "longest answer in tokens; 0: until it ends")
      ->transform(whole_number<int>())
      ->capture_default_str();
  add_sampling(*command, words->request.sampling);
  command->add_option("--system", words->system, "the system message of the chat template");
  command->add_flag("--raw", words->raw, "continue the prompt as plain text, without the chat template");
  command->add_flag("--special", words->request.parse_special,
                    "with --raw: control tokens written in the prompt become their ids");
  command
      ->add_option("--stop", words->request.stop, "end the answer where this text appears (again for more)")
      ->allow_extra_args(false);
  command->add_flag("--ignore-eos", words->request.ignore_end, "go on behind the model's end tokens");
  CLI::Option* print_ids = command->add_flag(
      "--print-ids", words->print_ids, "print the answer's token ids as a JSON array instead of its text");
  command->add_flag("--trace", words->trace, "show the five steps with bytes moved and times on stderr");
  command->add_flag("--json", words->json, "print text, ids and measured figures as one JSON object")
      ->excludes(print_ids);
  command->callback(
      [words, &context] { context.chosen = [words, &context] { return run(*words, context.interrupt); }; });
}

}  // namespace lathe::apps
