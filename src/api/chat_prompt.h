// Messages to ids by the model's chat template: the template's words give control tokens, what users wrote
// stays text.
#pragma once

#include <string>
#include <vector>

#include "api/control_texts.h"
#include "lathe/options.h"
#include "text/chat_template.h"
#include "text/tokenizer.h"

namespace lathe {

class ChatPrompt {
 public:
  /// `tokenizer` must outlive this; its data holds the template. Throws Error(template_failed).
  explicit ChatPrompt(const Tokenizer& tokenizer);

  /// As jinja2 renders it. Throws Error(template_failed, resource_limit), and invalid_argument for no message
  /// or role.
  std::string render(const std::vector<Message>& messages, bool add_generation_prompt) const;

  /// Ids of the rendered text, with exactly one BOS where the tokenizer asks for one.
  std::vector<TokenId> encode(const std::vector<Message>& messages) const;

 private:
  std::vector<Message> disguised(const std::vector<Message>& messages, TextDisguise& disguise) const;
  bool knows_role(const std::string& role) const;

  const Tokenizer& tokenizer_;
  ControlTexts controls_;
  ChatTemplate template_;
};

/// `ids` with the BOS in front that the tokenizer asks for, unless they begin with it.
std::vector<TokenId> with_one_bos(const TokenizerData& data, std::vector<TokenId> ids);

}  // namespace lathe
