#include "text/chat_template.h"

#include "base/error.h"
#include "text/template_library.h"
#include "text/template_nodes.h"
#include "text/template_parser.h"
#include "text/utf8.h"

namespace lathe {
namespace {

using jinja::Machine;
using jinja::Value;

Value value_of(Machine& machine, const Json& json, std::size_t depth) {
  machine.check_depth(depth);
  switch (json.type()) {
    case Json::value_t::boolean:
      return Value(json.get<bool>());
    case Json::value_t::number_integer:
      return Value(json.get<std::int64_t>());
    case Json::value_t::number_unsigned:
      if (json.get<std::uint64_t>() > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()))
        throw Error(ErrorCode::template_failed, "an integer beyond 64 bits among the template's variables");
      return Value(json.get<std::int64_t>());
    case Json::value_t::number_float:
      return Value(json.get<double>());
    case Json::value_t::string: {
      const auto& text = json.get_ref<const std::string&>();
      return Value(jinja::Text(std::make_shared<const std::string>(is_utf8(text) ? text : to_utf8(text))));
    }
    case Json::value_t::array: {
      auto list = std::make_shared<jinja::List>();
      for (const Json& item : json) {
        list->items.push_back(value_of(machine, item, depth + 1));
        list->depth = std::max(list->depth, jinja::depth_of(list->items.back()) + 1);
      }
      return Value(std::move(list));
    }
    case Json::value_t::object: {
      auto dict = std::make_shared<jinja::Dict>();
      for (const auto& [key, item] : json.items()) {
        dict->items.emplace_back(value_of(machine, Json(key), depth), value_of(machine, item, depth + 1));
        dict->depth = std::max(dict->depth, jinja::depth_of(dict->items.back().second) + 1);
      }
      return Value(jinja::DictPointer(std::move(dict)));
    }
    case Json::value_t::null:
    case Json::value_t::binary:
    case Json::value_t::discarded:
      break;
  }
  return Value(jinja::None{});
}

}  // namespace

struct ChatTemplate::Program {
  jinja::Body body;
};

ChatTemplate::ChatTemplate(std::string_view source, TemplateLimits limits)
    : program_(std::make_unique<const Program>(Program{
          jinja::parse_template(is_utf8(source) ? std::string(source) : to_utf8(source), limits.depth)})),
      limits_(limits) {}
ChatTemplate::~ChatTemplate() = default;
ChatTemplate::ChatTemplate(ChatTemplate&&) noexcept = default;
ChatTemplate& ChatTemplate::operator=(ChatTemplate&&) noexcept = default;

std::string ChatTemplate::render(const Json& context, std::optional<std::time_t> now) const {
  if (!context.is_object())
    throw Error(ErrorCode::invalid_argument, "the template's variables are no JSON object");
  Machine machine(limits_, now.value_or(std::time(nullptr)));
  jinja::define_functions(machine);
  for (const auto& [name, value] : context.items()) machine.scope()->set(name, value_of(machine, value, 1));
  // What the template sets at its top level hides the caller's variables, and is seen by macros.
  const Machine::ScopeGuard scope(machine);
  jinja::execute_all(machine, program_->body);
  return machine.output();
}

}  // namespace lathe
