#include "apps/named_word.h"

#include "apps/whole_number.h"

namespace lathe::apps {

std::pair<std::string, std::string> split_word(const std::string& word, const char* option) {
  std::size_t at = word.find('=');
  if (at == std::string::npos) at = word.find(':');
  if (at == std::string::npos || at == 0 || at + 1 == word.size())
    throw Error(ErrorCode::invalid_argument,
                std::string(option) + " takes NAME=VALUE, not " + json_string(word));
  return {word.substr(0, at), word.substr(at + 1)};
}

NamedSizes named_sizes(const std::vector<std::string>& words, const char* option) {
  NamedSizes sizes;
  for (const auto& word : words) {
    auto [name, text] = split_word(word, option);
    const std::string problem = whole_number<std::int64_t>()(text);
    if (!problem.empty()) throw Error(ErrorCode::invalid_argument, std::string(option) + ": " + problem);
    sizes.emplace_back(name, std::stoll(text));
  }
  return sizes;
}

}  // namespace lathe::apps
