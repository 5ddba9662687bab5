#define PCRE2_CODE_UNIT_WIDTH 8
#include "text/regex.h"

#include <pcre2.h>

#include "base/error.h"
#include "text/regex_translation.h"
#include "text/utf8.h"

namespace lathe {
namespace {

// Of one match. A megabyte of anything that a sane pattern repeats stays far below.
constexpr std::uint32_t kMostSteps = 100'000'000;
constexpr std::uint32_t kMostHeapKilobytes = 256 * 1024;
constexpr std::size_t kFirstStackBytes = 32 * 1024;
constexpr std::size_t kMostStackBytes = 64u << 20;

struct Free {
  void operator()(pcre2_code* code) const { pcre2_code_free(code); }
  void operator()(pcre2_match_context* context) const { pcre2_match_context_free(context); }
  void operator()(pcre2_match_data* data) const { pcre2_match_data_free(data); }
  void operator()(pcre2_jit_stack* stack) const { pcre2_jit_stack_free(stack); }
};
template <class T>
using Owned = std::unique_ptr<T, Free>;

std::string message_of(int error) {
  PCRE2_UCHAR text[256] = {};
  pcre2_get_error_message(error, text, sizeof text);
  return reinterpret_cast<const char*>(text);
}

}  // namespace

struct Regex::Code {
  Owned<pcre2_code> code;
};

Regex::Regex(const std::string& pattern) : pattern_(pattern) {
  const std::string translated = translate_regex(pattern);
  int error = 0;
  PCRE2_SIZE offset = 0;
  auto code = std::make_unique<Code>();
  // Lines end at \n alone, and ^ and $ stand at each, as Oniguruma has it.
  const std::unique_ptr<pcre2_compile_context, decltype(&pcre2_compile_context_free)> context(
      pcre2_compile_context_create(nullptr), pcre2_compile_context_free);
  pcre2_set_newline(context.get(), PCRE2_NEWLINE_LF);
  code->code.reset(pcre2_compile(reinterpret_cast<PCRE2_SPTR>(translated.data()), translated.size(),
                                 PCRE2_UTF | PCRE2_UCP | PCRE2_MULTILINE, &error, &offset, context.get()));
  if (!code->code)
    throw Error(ErrorCode::unsupported,
                "the pattern '" + printable(pattern) + "' cannot be compiled: " + message_of(error));
  pcre2_jit_compile(code->code.get(), PCRE2_JIT_COMPLETE);  // where it cannot, matching is slower
  code_ = std::move(code);
}

Regex::~Regex() = default;

void Regex::find(std::string_view text, std::vector<TextRange>& pieces) const {
  const Owned<pcre2_match_context> context(pcre2_match_context_create(nullptr));
  const Owned<pcre2_jit_stack> stack(pcre2_jit_stack_create(kFirstStackBytes, kMostStackBytes, nullptr));
  const Owned<pcre2_match_data> data(pcre2_match_data_create(1, nullptr));
  if (!context || !data) throw std::bad_alloc();
  pcre2_set_match_limit(context.get(), kMostSteps);
  pcre2_set_heap_limit(context.get(), kMostHeapKilobytes);
  if (stack) pcre2_jit_stack_assign(context.get(), nullptr, stack.get());

  const auto* subject = reinterpret_cast<PCRE2_SPTR>(text.data());
  std::size_t done = 0;  // of the pieces
  for (std::size_t at = 0; at <= text.size();) {
    const int count = pcre2_match(code_->code.get(), subject, text.size(), at, PCRE2_NO_UTF_CHECK, data.get(),
                                  context.get());
    if (count == PCRE2_ERROR_NOMATCH) break;
    if (count < 0)
      throw Error(ErrorCode::resource_limit, "the pattern '" + printable(pattern_) +
                                                 "' takes too much on this text: " + message_of(count));
    const PCRE2_SIZE* range = pcre2_get_ovector_pointer(data.get());
    const bool empty = range[0] == range[1];
    // No empty match right behind another.
    if (empty && !pieces.empty() && pieces.back().match && done == range[1]) {
      if (at == text.size()) break;
      at += rune_at(text, at).length;
      continue;
    }
    if (done < range[0]) pieces.push_back({range[0], false});
    pieces.push_back({range[1], true});
    done = at = range[1];
  }
  if (done < text.size()) pieces.push_back({text.size(), false});
}

}  // namespace lathe
