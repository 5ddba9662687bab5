#include "apps/error_text.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <string_view>
#include <utility>

namespace lathe::apps {
namespace {

constexpr std::array<std::pair<std::string_view, std::string_view>, 26> kFlags = {
    {{"threads", "--threads"},
     {"context_tokens", "--ctx"},
     {"kv", "--kv"},
     {"math", "--math"},
     {"activations", "--activations"},
     {"activation_limit", "--activation-limit"},
     {"weight_type", "--weights"},
     {"device", "--device"},
     {"disabled_passes", "--disable-pass"},
     {"temperature", "--temp"},
     {"top_k", "--top-k"},
     {"top_p", "--top-p"},
     {"min_p", "--min-p"},
     {"repetition_penalty", "--repeat-penalty"},
     {"presence_penalty", "--presence-penalty"},
     {"frequency_penalty", "--frequency-penalty"},
     {"max_tokens", "-n"},
     {"stop", "--stop"},
     {"chunk", "--chunk"},
     {"context", "--ctx"},
     {"chunks", "--chunks"},
     {"past", "--past"},
     {"type", "--type"},
     {"budget", "--budget"},
     {"smooth", "--smooth"},
     {"group", "--group"}}};

bool in_word(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '-'; }

}  // namespace

std::string error_text(const Error& error) {
  std::string text = error.what();
  const std::string& field = error.place().field;
  const auto flag =
      std::find_if(kFlags.begin(), kFlags.end(), [&](const auto& pair) { return pair.first == field; });
  // With a file the field is one of the file's, and the file's name may hold the same word.
  if (flag == kFlags.end() || !error.place().file.empty()) return text;
  for (auto at = text.find(field); at != std::string::npos; at = text.find(field, at + 1)) {
    const auto end = at + field.size();
    if ((at > 0 && in_word(text[at - 1])) || (end < text.size() && in_word(text[end]))) continue;
    return text.replace(at, field.size(), flag->second);
  }
  return text;
}

std::string context_full_text(const Model& model) {
  return "the context of " + std::to_string(model.info().context_tokens) + " tokens is full";
}

}  // namespace lathe::apps
