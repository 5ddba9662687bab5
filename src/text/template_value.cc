#include "text/template_value.h"

#include "text/template_machine.h"

namespace lathe::jinja {

Value Object::attribute(Machine&, std::string_view name) const { return Value(Undefined{std::string(name)}); }

Value Object::call(Machine& machine, const Arguments&) {
  machine.fail("'" + std::string(type()) + "' object is not callable");
}

std::size_t depth_of(const Value& value) {
  if (const List* list = value.list()) return list->depth;
  if (const Dict* dict = value.dict()) return dict->depth;
  if (const Object* object = value.object()) return object->depth();
  return 0;
}

bool truthy(const Value& value) {
  if (const auto* flag = value.get<bool>()) return *flag;
  if (const auto* number = value.get<std::int64_t>()) return *number != 0;
  if (const auto* number = value.get<double>()) return *number != 0;
  if (value.is_text()) return !value.text().empty();
  if (const List* list = value.list()) return list->kind == ListKind::iterator || !list->items.empty();
  if (const Dict* dict = value.dict()) return !dict->items.empty();
  return value.object() != nullptr;
}

std::string_view type_of(const Value& value) {
  if (value.is<Undefined>()) return "Undefined";
  if (value.is<None>()) return "NoneType";
  if (value.is<bool>()) return "bool";
  if (value.is<std::int64_t>()) return "int";
  if (value.is<double>()) return "float";
  if (value.is_text()) return value.is_markup() ? "Markup" : "str";
  if (value.dict()) return "dict";
  if (const Object* object = value.object()) return object->type();
  switch (value.list()->kind) {
    case ListKind::tuple:
      return "tuple";
    case ListKind::range:
      return "range";
    case ListKind::view:
      return "dict_view";
    case ListKind::iterator:
      return "generator";
    case ListKind::list:
      break;
  }
  return "list";
}

}  // namespace lathe::jinja
