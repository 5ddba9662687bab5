#include "text/pre_tokenizer.h"

#include <string>
#include <utility>

#include "text/splitters.h"
#include "text/unicode_edition.h"

namespace lathe {
namespace {

constexpr Splitter kDigits = [](std::string_view text, Pieces& pieces) {
  split_runs(text, pieces, kNumber, 1);
};
constexpr Splitter kThreeNumbers = [](std::string_view text, Pieces& pieces) {
  split_runs(text, pieces, kNumber, 3);
};
constexpr Splitter kNumbers = [](std::string_view text, Pieces& pieces) {
  split_runs(text, pieces, kNumber);
};
constexpr Splitter kLineBreaks = [](std::string_view text, Pieces& pieces) {
  split_runs(text, pieces, kLineBreak, 1);
};
constexpr Splitter kSpacedLetters = [](std::string_view text, Pieces& pieces) {
  split_spaced_runs(text, pieces, kLetter);
};
constexpr Splitter kSpacedPunctuation = [](std::string_view text, Pieces& pieces) {
  split_spaced_runs(text, pieces, kPunctuation);
};
constexpr Splitter kLlama3 = [](std::string_view text, Pieces& pieces) {
  split_words(text, pieces, {.digits = 3});
};
constexpr Splitter kQwen2 = [](std::string_view text, Pieces& pieces) { split_words(text, pieces, {}); };
constexpr Splitter kQwen35 = [](std::string_view text, Pieces& pieces) {
  split_words(text, pieces, {.letters = kLetter | kMark});
};
constexpr Splitter kUfakZeka = [](std::string_view text, Pieces& pieces) {
  split_words(text, pieces, {.contractions = Contractions::none});
};
constexpr Splitter kSeedCoder = [](std::string_view text, Pieces& pieces) {
  split_words(text, pieces, {.tail = 0});
};
constexpr Splitter kGpt4o = [](std::string_view text, Pieces& pieces) {
  split_cased_words(text, pieces, {});
};
constexpr Splitter kTekken = [](std::string_view text, Pieces& pieces) {
  split_cased_words(text, pieces, {.contractions = Contractions::none, .digits = 1});
};

// GGUF names a pre-tokenizer after the first model that had it, so several names have one rule.
constexpr PreTokenizer kPreTokenizers[] = {
    {"gpt-2", {split_gpt2}},
    {"phi-2", {split_gpt2}},
    {"mpt", {split_gpt2}},
    {"olmo", {split_gpt2}},
    {"jais", {split_gpt2}},
    {"trillion", {split_gpt2}},
    {"granite-docling", {split_gpt2}},
    {"exaone4", {split_gpt2}},
    {"gigachat", {split_gpt2}},
    {"a.x-4.0", {split_gpt2}},
    {"mellum", {split_gpt2}},
    {"modern-bert", {split_gpt2}},
    {"jina-es", {split_gpt2}},
    {"jina-de", {split_gpt2}},
    {"jina-v1-en", {split_gpt2}},
    {"jina-v2-es", {split_gpt2}},
    {"jina-v2-de", {split_gpt2}},
    {"jina-v2-code", {split_gpt2}},
    {"roberta-bpe", {split_gpt2}},
    {"smollm", {kDigits, split_gpt2}},
    {"starcoder", {kDigits, split_gpt2}},
    {"refact", {kDigits, split_gpt2}},
    {"codeshell", {kDigits, split_gpt2}},
    {"command-r", {kDigits, split_gpt2}},
    {"exaone", {kDigits, split_gpt2}},
    {"minerva-7b", {kDigits, split_gpt2}},
    {"mellum2", {kDigits, split_gpt2}},
    {"falcon", {split_falcon_punctuation, split_gpt2, split_three_digits}},
    {.name = "llama-bpe", .steps = {kLlama3}, .whole_words = true, .add_bos = true},
    {.name = "llama3", .steps = {kLlama3}, .whole_words = true, .add_bos = true},
    {.name = "llama-v3", .steps = {kLlama3}, .whole_words = true, .add_bos = true},
    {.name = "falcon3", .steps = {kLlama3}, .whole_words = true, .add_bos = true},
    {.name = "falcon-h1", .steps = {kLlama3}, .whole_words = true, .add_bos = true},
    {.name = "pixtral", .steps = {kLlama3}, .whole_words = true, .add_bos = true},
    {.name = "midm-2.0", .steps = {kLlama3}, .whole_words = true, .add_bos = true},
    {.name = "lfm2", .steps = {kLlama3}, .whole_words = true, .add_bos = true},
    {.name = "jina-v5-nano", .steps = {kLlama3}, .whole_words = true, .add_bos = true},
    {.name = "glm4", .steps = {kLlama3}, .whole_words = true},
    {.name = "glm5", .steps = {kLlama3}, .whole_words = true},
    {.name = "minicpm5", .steps = {kThreeNumbers, kLlama3}, .whole_words = true},
    {"chatglm-bpe", {kLlama3}},
    {"dbrx", {kLlama3}},
    {"smaug-bpe", {kLlama3}},
    {"qwen2", {kQwen2}},
    {"deepseek-r1-qwen", {kQwen2}},
    {"stablelm2", {kQwen2}},
    {"megrez", {kQwen2}},
    {"hunyuan", {kQwen2}},
    {"solar-open", {kQwen2}},
    {"grok-2", {kQwen2}},
    {"kormo", {kQwen2}},
    {"f2llmv2", {kQwen2}},
    {"bailingmoe", {kQwen2}},
    {"bailingmoe2", {kQwen2}},
    {"llada-moe", {kQwen2}},
    {"laguna", {split_lines, kQwen2}},
    {"ufakzeka", {kUfakZeka}},
    {"seed-coder", {kSeedCoder}},
    {"qwen35", {kQwen35}},
    {"gpt-4o", {kGpt4o}},
    {"llama4", {kGpt4o}},
    {"kanana2", {kGpt4o}},
    {"talkie", {kGpt4o}},
    {"minimax-m2", {kGpt4o}},
    {.name = "granite-embed-multi-97m", .steps = {kGpt4o}, .whole_words = true},
    {.name = "tekken", .steps = {kTekken}, .whole_words = true, .add_bos = true},
    {"deepseek-llm",
     {kLineBreaks, split_deepseek_letters, split_deepseek_punctuation, split_last_space, split_deepseek_cjk,
      kNumbers}},
    {"deepseek-coder", {kLineBreaks, kSpacedLetters, kSpacedPunctuation, split_deepseek_cjk, kDigits}},
    {"deepseek-v3", {kThreeNumbers, split_deepseek_v3_cjk, split_deepseek_v3}},
    {"hunyuan-dense", {kThreeNumbers, split_deepseek_v3_cjk, split_deepseek_v3}},
    {"hy_v4", {kThreeNumbers, split_deepseek_v3_cjk, split_deepseek_v3}},
    {"joyai-llm", {kThreeNumbers, split_deepseek_v3_cjk, split_deepseek_v3}},
    {"bloom", {split_bloom}},
    {"poro-chat", {split_bloom}},
    {"gpt3-finnish", {split_bloom}},
    {"viking", {split_bloom, kDigits}},
};

}  // namespace

void PreTokenizer::split(std::string_view input, std::vector<std::size_t>& ends) const {
  const std::string older = unicode::as_15_1(input);
  const std::string_view text = older.empty() ? input : older;
  Pieces pieces;
  if (!text.empty()) pieces.push_back({text.size()});
  Pieces finer;
  for (const Splitter step : steps) {
    if (!step) break;
    finer.clear();
    std::size_t begin = 0;
    for (const TextRange& piece : pieces) {
      const std::size_t from = finer.size();
      step(text.substr(begin, piece.end - begin), finer);
      for (std::size_t i = from; i < finer.size(); ++i) finer[i].end += begin;
      begin = piece.end;
    }
    std::swap(pieces, finer);
  }
  ends.reserve(ends.size() + pieces.size());
  for (const TextRange& piece : pieces) ends.push_back(piece.end);
}

const PreTokenizer* find_pre_tokenizer(std::string_view name) {
  for (const PreTokenizer& row : kPreTokenizers) {
    if (row.name == name) return &row;
  }
  return nullptr;
}

}  // namespace lathe
