#include "api/text_chunks.h"

#include <algorithm>

#include "base/error.h"

namespace lathe {
namespace {

constexpr std::string_view kField = "text";

[[noreturn]] void refuse(const std::string& message) {
  throw Error(ErrorCode::invalid_argument, message, {{}, {}, std::string(kField)});
}

}  // namespace

std::vector<std::vector<TokenId>> id_chunks(std::span<const TokenId> ids, std::span<const TokenId> first,
                                            int context, int most, const std::string& purpose) {
  CHECK(context > 0 && static_cast<std::size_t>(context) >= first.size());
  const auto length = static_cast<std::size_t>(context);
  std::size_t count = ids.size() / length;
  if (count == 0)
    refuse(purpose + " has " + std::to_string(ids.size()) + " tokens, and at least " +
           std::to_string(context) + " are needed: one context");
  if (most > 0) count = std::min(count, static_cast<std::size_t>(most));
  std::vector<std::vector<TokenId>> chunks;
  for (std::size_t i = 0; i < count; ++i) {
    const auto part = ids.subspan(i * length, length);
    chunks.emplace_back(part.begin(), part.end());
    std::ranges::copy(first, chunks.back().begin());
  }
  return chunks;
}

std::vector<std::vector<TokenId>> text_chunks(const Tokenizer& tokenizer, std::string_view text, int context,
                                              int most, const std::string& purpose) {
  if (text.empty()) refuse(purpose + " is empty");
  const auto before = tokenizer.data().ids_before();
  if (before.size() >= static_cast<std::size_t>(context))
    refuse("a context of " + std::to_string(context) + " tokens has no room for text");
  return id_chunks(tokenizer.encode(text), before, context, most, purpose);
}

}  // namespace lathe
