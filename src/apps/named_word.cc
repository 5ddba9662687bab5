#include "apps/named_word.h"

#include <map>

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

namespace {

std::int64_t size_in(std::string text, const std::string& option) {
  const std::string problem = whole_number<std::int64_t>()(text);
  if (!problem.empty()) throw Error(ErrorCode::invalid_argument, option + ": " + problem);
  return std::stoll(text);
}

std::vector<std::string> split_at(const std::string& text, char separator) {
  std::vector<std::string> parts;
  std::size_t start = 0;
  for (std::size_t end = text.find(separator); end != std::string::npos; end = text.find(separator, start)) {
    parts.push_back(text.substr(start, end - start));
    start = end + 1;
  }
  parts.push_back(text.substr(start));
  return parts;
}

std::map<std::string, std::vector<std::int64_t>> named_shapes(const std::vector<std::string>& words,
                                                              const char* option) {
  std::map<std::string, std::vector<std::int64_t>> shapes;
  for (const auto& word : words) {
    const auto colon = word.rfind(':');  // names of tensors may have some
    if (colon == std::string::npos || colon == 0)
      throw Error(ErrorCode::invalid_argument,
                  std::string(option) + " takes NAME:1x3x224x224, not " + json_string(word));
    auto& shape = shapes[word.substr(0, colon)];
    if (!shape.empty())
      throw Error(ErrorCode::invalid_argument,
                  std::string(option) + " has " + json_string(word.substr(0, colon)) + " twice");
    for (const auto& part : split_at(word.substr(colon + 1), 'x')) shape.push_back(size_in(part, option));
  }
  return shapes;
}

}  // namespace

SizeProfile size_profile(const std::string& word, const char* option) {
  SizeProfile profile;
  for (const auto& part : split_at(word, ',')) {
    const auto [name, text] = split_word(part, option);
    std::vector<std::int64_t> numbers;
    for (const auto& number : split_at(text, ':')) numbers.push_back(size_in(number, option));
    if (numbers.size() != 1 && numbers.size() != 3)
      throw Error(ErrorCode::invalid_argument,
                  std::string(option) + " takes NAME=LEAST:TYPICAL:MOST, not " + json_string(part));
    profile.sizes.push_back(
        {name, numbers.front(), numbers.size() == 3 ? numbers[1] : numbers[0], numbers.back()});
  }
  return profile;
}

SizeProfile shape_profile(const std::vector<std::string>& least, const std::vector<std::string>& typical,
                          const std::vector<std::string>& greatest) {
  const auto low = named_shapes(least, "--min-shapes");
  const auto middle = named_shapes(typical, "--opt-shapes");
  const auto high = named_shapes(greatest, "--max-shapes");
  SizeProfile profile;
  for (const auto& [name, shape] : high) {
    if (!low.contains(name) || !middle.contains(name)) break;
    profile.shapes.push_back({name, low.at(name), middle.at(name), shape});
  }
  if (profile.shapes.size() != high.size() || low.size() != high.size() || middle.size() != high.size())
    throw Error(ErrorCode::invalid_argument,
                "--min-shapes, --opt-shapes and --max-shapes must name the same inputs");
  return profile;
}

}  // namespace lathe::apps
