#include "api/chat_prompt.h"

#include <algorithm>
#include <array>

#include "base/error.h"
#include "text/added_tokens.h"

namespace lathe {
namespace {

std::string special_text(const Tokenizer& tokenizer, const std::optional<TokenId>& id) {
  return id ? tokenizer.piece(*id, true) : std::string();
}

void validate(const std::vector<Message>& messages) {
  if (messages.empty()) throw Error(ErrorCode::invalid_argument, "there is no message", {{}, {}, "messages"});
  for (std::size_t i = 0; i < messages.size(); ++i)
    if (messages[i].role.empty())
      throw Error(ErrorCode::invalid_argument, "a message has no role",
                  {{}, {}, "messages[" + std::to_string(i) + "].role"});
}

}  // namespace

ChatPrompt::ChatPrompt(const Tokenizer& tokenizer)
    : tokenizer_(tokenizer), controls_(tokenizer.data()), template_(tokenizer.data().chat_template) {}

std::string ChatPrompt::render(const std::vector<Message>& messages, bool add_generation_prompt) const {
  validate(messages);
  const TokenizerData& data = tokenizer_.data();
  Json list = Json::array();
  for (const auto& message : messages) list.push_back({{"role", message.role}, {"content", message.content}});
  return template_.render({{"messages", std::move(list)},
                           {"add_generation_prompt", add_generation_prompt},
                           {"tools", nullptr},
                           {"bos_token", special_text(tokenizer_, data.bos)},
                           {"eos_token", special_text(tokenizer_, data.eos)},
                           {"unk_token", special_text(tokenizer_, data.unknown)},
                           {"pad_token", special_text(tokenizer_, data.padding)}});
}

/// A role that the template may build a control token from, such as <|user|>: a usual one or one it names
/// itself.
bool ChatPrompt::knows_role(const std::string& role) const {
  static constexpr std::array<std::string_view, 7> kUsual = {"system", "user",      "assistant", "tool",
                                                             "model",  "developer", "function"};
  if (std::find(kUsual.begin(), kUsual.end(), role) != kUsual.end()) return true;
  const std::string& source = tokenizer_.data().chat_template;
  return source.find("'" + role + "'") != std::string::npos ||
         source.find("\"" + role + "\"") != std::string::npos;
}

std::vector<Message> ChatPrompt::disguised(const std::vector<Message>& messages,
                                           TextDisguise& disguise) const {
  std::vector<Message> hidden;
  for (const auto& message : messages)
    hidden.push_back(
        {knows_role(message.role) ? disguise.hide(message.role) : disguise.hide_word(message.role),
         disguise.hide(message.content)});
  return hidden;
}

std::vector<TokenId> ChatPrompt::encode(const std::vector<Message>& messages) const {
  std::string text = render(messages, true);
  std::vector<std::string_view> strings = {text, tokenizer_.data().chat_template};
  for (const auto& message : messages) {
    strings.emplace_back(message.role);
    strings.emplace_back(message.content);
  }
  TextDisguise disguise(controls_, strings);
  const auto hidden = disguised(messages, disguise);
  if (disguise.used()) {
    std::string hidden_text = render(hidden, true);
    if (disguise.restore(hidden_text) != text)
      throw Error(ErrorCode::template_failed,
                  "a message holds text of control tokens, and the chat template does not leave it as it is",
                  {{}, {}, "messages"});
    text = std::move(hidden_text);
  }

  std::vector<TokenId> ids;
  std::size_t begin = 0;  // of the stretch without control tokens
  const TokenizerPipeline& pipeline = tokenizer_.data().pipeline;
  std::optional<TokenId> before;
  const auto encode_until = [&](std::size_t end, std::optional<TokenId> behind) {
    const std::string_view stretch =
        trim_beside(pipeline, before, std::string_view(text).substr(begin, end - begin), behind);
    if (stretch.empty()) return;
    const auto some =
        tokenizer_.encode(disguise.restore(stretch), {.add_special = false, .continues = !ids.empty()});
    ids.insert(ids.end(), some.begin(), some.end());
  };
  for (auto control = controls_.find(text, 0); control; control = controls_.find(text, begin)) {
    encode_until(control->begin, control->id);
    ids.push_back(control->id);
    before = control->id;
    begin = control->begin + control->length;
  }
  encode_until(text.size(), std::nullopt);
  return with_one_bos(tokenizer_.data(), std::move(ids));
}

std::vector<TokenId> with_one_bos(const TokenizerData& data, std::vector<TokenId> ids) {
  const std::vector<TokenId> before = data.ids_before();
  if (ids.size() < before.size() || !std::equal(before.begin(), before.end(), ids.begin()))
    ids.insert(ids.begin(), before.begin(), before.end());
  return ids;
}

}  // namespace lathe
