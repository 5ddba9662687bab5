// Texts to embeddings: ids cut to what the encoder takes, and steps of several texts.
#include <algorithm>
#include <chrono>

#include "api/model_implementation.h"
#include "base/error.h"

namespace lathe {
namespace {

/// With the tokens that stand around every text; a long text loses its end, not those.
std::vector<TokenId> text_ids(const Tokenizer& tokenizer, std::string_view text, std::size_t limit) {
  std::vector<TokenId> ids = tokenizer.data().ids_before();
  const std::vector<TokenId> after = tokenizer.data().ids_after();
  if (ids.size() + after.size() >= limit)
    throw Error(ErrorCode::invalid_argument,
                "a text of " + std::to_string(limit) + " tokens has no room beside its " +
                    std::to_string(ids.size() + after.size()) + " special ones",
                {{}, {}, "context_tokens"});
  std::vector<TokenId> content = tokenizer.encode(text, {false, false});
  content.resize(std::min(content.size(), limit - ids.size() - after.size()));
  ids.insert(ids.end(), content.begin(), content.end());
  ids.insert(ids.end(), after.begin(), after.end());
  return ids;
}

}  // namespace

std::vector<std::vector<float>> embed(ModelImplementation& model, std::span<const std::string> texts) {
  Encoder& encoder = model.encoder();
  const auto limit = static_cast<std::size_t>(encoder.options().text_tokens);
  std::vector<std::vector<TokenId>> ids;
  ids.reserve(texts.size());
  for (const auto& text : texts) ids.push_back(text_ids(model.text(), text, limit));
  const std::vector<float> all = encoder.run(ids);
  model.was_used();
  const auto width = encoder.options().dimensions;
  std::vector<std::vector<float>> embeddings;
  embeddings.reserve(texts.size());
  for (auto row = all.begin(); row != all.end(); row += width) embeddings.emplace_back(row, row + width);
  return embeddings;
}

Measurement measure_embedding(ModelImplementation& model, int tokens, int texts) {
  if (tokens < 1 || texts < 1)
    throw Error(ErrorCode::invalid_argument, "measure_embedding takes at least one text of one token");
  Encoder& encoder = model.encoder();
  std::vector<std::vector<TokenId>> ids;
  ids.reserve(static_cast<std::size_t>(texts));
  for (int i = 0; i < texts; ++i) ids.push_back(some_ids(model.info.vocabulary, tokens, i));
  const auto start = std::chrono::steady_clock::now();
  encoder.run(ids);
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
  return {seconds.count(), tokens * texts};
}

}  // namespace lathe
