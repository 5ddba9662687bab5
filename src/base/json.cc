#include "base/json.h"

#include <cstdint>
#include <string>
#include <vector>

#include "base/error.h"

namespace lathe {
namespace {

[[noreturn]] void refuse(std::string_view what, const std::string& problem, std::uint64_t at) {
  throw Error(ErrorCode::invalid_argument, std::string(what) + problem, {{}, at, {}});
}

/// Nesting is bounded before the library recurses on it, and members before it searches all earlier ones for
/// each.
void require_bounds(std::string_view text, std::string_view what, int max_depth, int max_members) {
  std::vector<int> commas;  // of each open bracket; -1 where that is an array, which has no bound
  bool in_string = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (in_string) {
      if (c == '\\') ++i;
      in_string = c != '"';
    } else if (c == '"') {
      in_string = true;
    } else if (c == '{' || c == '[') {
      if (commas.size() >= static_cast<std::size_t>(max_depth))
        refuse(what, ": nested deeper than " + std::to_string(max_depth), i);
      commas.push_back(c == '{' ? 0 : -1);
    } else if ((c == '}' || c == ']') && !commas.empty()) {
      commas.pop_back();
    } else if (c == ',' && !commas.empty() && commas.back() >= 0 && ++commas.back() >= max_members) {
      refuse(what, ": an object has more than " + std::to_string(max_members) + " members", i);
    }
  }
}

}  // namespace

Json parse_json(std::string_view text, std::string_view what, int max_depth, int max_members) {
  require_bounds(text, what, max_depth, max_members);
  try {
    return Json::parse(text);
  } catch (const Json::parse_error& error) {
    refuse(what, " is not valid JSON", error.byte == 0 ? 0 : error.byte - 1);  // the library counts from 1
  } catch (const Json::exception&) {
    throw Error(ErrorCode::invalid_argument, std::string(what) + " has a number that no float64 holds");
  }
}

std::string dump_json(const Json& value, int indent) {
  return value.dump(indent, ' ', false, Json::error_handler_t::replace);
}

}  // namespace lathe
