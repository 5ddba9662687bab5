// Chat templates: a bounded interpreter of the part of Jinja that templates use. It renders what Python's
// jinja2 does with the settings of transformers: immutable sandbox, trim_blocks, lstrip_blocks, loop
// controls. Left out: inheritance, include and import, autoescape, format specifications of str.format.
#pragma once

#include <ctime>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/json.h"

namespace lathe {

struct TemplateLimits {
  std::size_t steps = 1'000'000;        // evaluated expressions and statements; 256 copied bytes are one, too
  std::size_t output_bytes = 4u << 20;  // also of any text on the way
  std::size_t depth = 256;              // nesting of syntax, of calls, of values
};

class ChatTemplate {
 public:
  /// Parses; throws Error(template_failed) with the line, Error(resource_limit) over the depth.
  explicit ChatTemplate(std::string_view source, TemplateLimits limits = {});
  ~ChatTemplate();
  ChatTemplate(ChatTemplate&&) noexcept;
  ChatTemplate& operator=(ChatTemplate&&) noexcept;

  /// Renders with the variables of `context`, a JSON object: messages, add_generation_prompt, bos_token,
  /// tools, ... `now` is what strftime_now tells, in local time; the clock by default. Throws
  /// Error(template_failed), also when the template calls raise_exception, and Error(resource_limit).
  std::string render(const Json& context, std::optional<std::time_t> now = {}) const;

 private:
  struct Program;
  std::unique_ptr<const Program> program_;
  TemplateLimits limits_;
};

}  // namespace lathe
