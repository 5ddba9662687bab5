// lathe embed: texts to vectors.
#include <array>
#include <charconv>
#include <memory>

#include "apps/command.h"
#include "apps/options.h"
#include "apps/output.h"

namespace lathe::apps {
namespace {

struct EmbedWords {
  ModelWords model;
  std::vector<std::string> texts;
};

/// Shortest digits that read back as the same floats.
std::string vector_json(const std::vector<float>& values) {
  std::string text = "[";
  std::array<char, 32> digits;
  for (std::size_t i = 0; i < values.size(); ++i) {
    const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), values[i]).ptr;
    text += i == 0 ? "" : ", ";
    text.append(digits.data(), end);
  }
  return text + "]";
}

int run(const EmbedWords& words) {
  Model model = words.model.load();
  std::vector<std::string> texts;
  for (const auto& text : words.texts) texts.push_back(text_or_stdin(text));
  const auto embeddings = model.embed(texts);
  if (embeddings.size() == 1) {
    write_out(vector_json(embeddings.front()) + "\n");
    return 0;
  }
  std::string all = "[";
  for (std::size_t i = 0; i < embeddings.size(); ++i)
    all += (i == 0 ? "" : ",\n ") + vector_json(embeddings[i]);
  write_out(all + "]\n");
  return 0;
}

}  // namespace

void add_embed(CLI::App& program, Context& context) {
  auto words = std::make_shared<EmbedWords>();
  words->model.model = "minilm";
  CLI::App* command = program.add_subcommand("embed", "print the embedding of a text, or of several");
  command->add_option("TEXT", words->texts, "the texts; -: read from stdin")->required();
  words->model.add_computing(*command);
  words->model.add_plan_cache(*command);
  command->callback([words, &context] { context.chosen = [words] { return run(*words); }; });
}

}  // namespace lathe::apps
