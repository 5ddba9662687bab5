// Chat templates: a bounded interpreter of the part of Jinja that templates use.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"

namespace lathe {

struct TemplateLimits {
  std::size_t steps = 1'000'000;  // evaluated expressions and statements
  std::size_t output_bytes = 4u << 20;
  std::size_t depth = 256;  // nesting of syntax and of calls
};

class ChatTemplate {
 public:
  /// Parses; throws Error(template_failed) with line.
  explicit ChatTemplate(std::string_view source, TemplateLimits limits = {});
  ~ChatTemplate();
  ChatTemplate(ChatTemplate&&) noexcept;
  ChatTemplate& operator=(ChatTemplate&&) noexcept;

  /// Renders with the variables of `context`, a JSON object: messages, add_generation_prompt, bos_token,
  /// tools, ... trim_blocks and lstrip_blocks are on, as transformers has them. Throws
  /// Error(template_failed), also when the template calls raise_exception, and Error(resource_limit) over a
  /// limit.
  std::string render(const Json& context) const;

 private:
  struct Program;
  std::unique_ptr<const Program> program_;
  TemplateLimits limits_;
};

}  // namespace lathe
