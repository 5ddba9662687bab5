// lathe tokens: text to ids and back.
#include <memory>

#include "apps/command.h"
#include "apps/options.h"
#include "apps/output.h"

namespace lathe::apps {
namespace {

struct TokensWords {
  ModelWords model;
  std::string text;
  bool decode = false;
  bool special = false;
  bool no_bos = false;
};

int run(TokensWords& words) {
  words.model.options.weights = false;
  const Model model = words.model.load();
  const std::string text = text_or_stdin(words.text);
  if (words.decode) {
    write_out(model.detokenize(parse_ids(text), words.special) + "\n");
  } else {
    write_out(ids_json(model.tokenize(text, !words.no_bos, words.special)) + "\n");
  }
  return 0;
}

}  // namespace

void add_tokens(CLI::App& program, Context& context) {
  auto words = std::make_shared<TokensWords>();
  CLI::App* command = program.add_subcommand("tokens", "print the token ids of a text, or the text of ids");
  command->add_option("TEXT", words->text, "the text, or with --decode the ids; -: read from stdin")
      ->required();
  words->model.add_model(*command);
  command->add_flag("--decode", words->decode, "TEXT is ids, [1, 2, 3] or 1,2,3; print their text");
  command->add_flag("--special", words->special, "read or write control tokens such as <|im_end|>");
  command->add_flag("--no-bos", words->no_bos, "add neither BOS nor EOS");
  command->callback([words, &context] { context.chosen = [words] { return run(*words); }; });
}

}  // namespace lathe::apps
