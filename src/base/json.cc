#include "base/json.h"

#include <string>

#include "base/error.h"

namespace lathe {
namespace {

/// Nesting is bounded before the library recurses on it.
void require_depth(std::string_view text, std::string_view what, int max_depth) {
  int depth = 0;
  bool in_string = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (in_string) {
      if (c == '\\') ++i;
      in_string = c != '"';
    } else if (c == '"') {
      in_string = true;
    } else if (c == '{' || c == '[') {
      if (++depth > max_depth)
        throw Error(ErrorCode::invalid_argument,
                    std::string(what) + ": nested deeper than " + std::to_string(max_depth), {{}, i, {}});
    } else if (c == '}' || c == ']') {
      --depth;
    }
  }
}

}  // namespace

Json parse_json(std::string_view text, std::string_view what, int max_depth) {
  require_depth(text, what, max_depth);
  try {
    return Json::parse(text);
  } catch (const Json::parse_error& error) {
    throw Error(ErrorCode::invalid_argument, std::string(what) + " is not valid JSON", {{}, error.byte, {}});
  }
}

std::string dump_json(const Json& value, int indent) {
  return value.dump(indent, ' ', false, Json::error_handler_t::replace);
}

}  // namespace lathe
