#include "base/json.h"

#include <algorithm>
#include <cstdint>
#include <limits>
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

[[noreturn]] void refuse_number(std::string_view what) {
  throw Error(ErrorCode::invalid_argument, std::string(what) + " has a number that no float64 holds");
}

[[noreturn]] void refuse_syntax(std::string_view what, std::size_t byte) {
  refuse(what, " is not valid JSON", byte == 0 ? 0 : byte - 1);  // the library counts from 1
}

/// Passes everything on and turns the library's errors into ours.
class Checked final : public JsonEvents {
 public:
  Checked(JsonEvents& events, std::string_view what) : events_(events), what_(what) {}
  bool null() override { return events_.null(); }
  bool boolean(bool value) override { return events_.boolean(value); }
  bool number_integer(number_integer_t value) override { return events_.number_integer(value); }
  bool number_unsigned(number_unsigned_t value) override { return events_.number_unsigned(value); }
  bool number_float(number_float_t value, const string_t& digits) override {
    return events_.number_float(value, digits);
  }
  bool string(string_t& value) override { return events_.string(value); }
  bool binary(binary_t& value) override { return events_.binary(value); }
  bool start_object(std::size_t) override { return events_.start_object(0); }
  bool key(string_t& name) override { return events_.key(name); }
  bool end_object() override { return events_.end_object(); }
  bool start_array(std::size_t) override { return events_.start_array(0); }
  bool end_array() override { return events_.end_array(); }
  bool parse_error(std::size_t byte, const std::string&, const Json::exception& error) override {
    if (dynamic_cast<const Json::parse_error*>(&error) == nullptr) refuse_number(what_);
    refuse_syntax(what_, byte);
  }

 private:
  JsonEvents& events_;
  std::string_view what_;
};

/// Builds a document. Members are appended without the search for an earlier one that the library makes each
/// time; equal keys are found once an object is whole.
class Builder final : public JsonEvents {
 public:
  explicit Builder(std::string_view what) : what_(what) {}
  Json take() { return std::move(root_); }

  bool null() override { return add(nullptr); }
  bool boolean(bool value) override { return add(value); }
  bool number_integer(number_integer_t value) override { return add(value); }
  bool number_unsigned(number_unsigned_t value) override { return add(value); }
  bool number_float(number_float_t value, const string_t&) override { return add(value); }
  bool string(string_t& value) override { return add(std::move(value)); }
  bool binary(binary_t&) override { return false; }
  bool start_object(std::size_t) override { return open(Json::object()); }
  bool start_array(std::size_t) override { return open(Json::array()); }
  bool end_object() override {
    require_unique(*open_.back().get_ptr<Json::object_t*>());
    return close();
  }
  bool end_array() override { return close(); }
  bool key(string_t& name) override {
    keys_.back() = std::move(name);
    return true;
  }
  bool parse_error(std::size_t, const std::string&, const Json::exception&) override { return false; }

 private:
  using Members = std::vector<Json::object_t::value_type>;

  bool add(Json value) {
    if (open_.empty())
      root_ = std::move(value);
    else if (open_.back().is_array())
      open_.back().get_ptr<Json::array_t*>()->push_back(std::move(value));
    else
      static_cast<Members&>(*open_.back().get_ptr<Json::object_t*>())
          .emplace_back(std::move(keys_.back()), std::move(value));
    return true;
  }

  bool open(Json container) {
    open_.push_back(std::move(container));
    keys_.emplace_back();
    return true;
  }

  bool close() {
    Json whole = std::move(open_.back());
    open_.pop_back();
    keys_.pop_back();
    return add(std::move(whole));
  }

  void require_unique(const Json::object_t& object) const {
    std::vector<std::string_view> names;
    names.reserve(object.size());
    for (const auto& [name, value] : object) names.push_back(name);
    std::sort(names.begin(), names.end());
    const auto twice = std::adjacent_find(names.begin(), names.end());
    if (twice == names.end()) return;
    throw Error(ErrorCode::invalid_argument, std::string(what_) + " has a key twice in one object",
                {{}, {}, std::string(*twice)});
  }

  std::string_view what_;
  Json root_;
  std::vector<Json> open_;
  std::vector<std::string> keys_;  // of the member that comes next, for each open container
};

constexpr int kAnyMembers = std::numeric_limits<int>::max();

}  // namespace

Json parse_json(std::string_view text, std::string_view what, int max_depth, int max_members) {
  require_bounds(text, what, max_depth, max_members);
  try {
    return Json::parse(text);
  } catch (const Json::parse_error& error) {
    refuse_syntax(what, error.byte);
  } catch (const Json::exception&) {
    refuse_number(what);
  }
}

Json parse_large_json(std::string_view text, std::string_view what, int max_depth) {
  Builder builder(what);
  read_json(text, what, builder, max_depth);
  return builder.take();
}

void read_json(std::string_view text, std::string_view what, JsonEvents& events, int max_depth) {
  require_bounds(text, what, max_depth, kAnyMembers);
  Checked checked(events, what);
  Json::sax_parse(text, &checked);
}

Error json_file_error(const Error& error, const std::string& file, std::uint64_t start) {
  std::string message = error.what();
  auto place = error.place();
  if (place.offset) {
    const std::string at = " at byte " + std::to_string(*place.offset);  // the file's own takes its place
    if (message.ends_with(at)) message.resize(message.size() - at.size());
    *place.offset += start;
  }
  place.file = file;
  return Error(ErrorCode::invalid_file, message, std::move(place));
}

std::string dump_json(const Json& value, int indent) {
  return value.dump(indent, ' ', false, Json::error_handler_t::replace);
}

}  // namespace lathe
