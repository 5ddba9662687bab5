#include "backend/step_attributes.h"

#include "base/error.h"
#include "graph/fused_program_text.h"

namespace lathe {

StepAttributes::StepAttributes(const Op& op, const Attributes& attributes) : named_(attributes) {
  for (const auto& spec : op.attributes) {
    const auto found = attributes.find(spec.name);
    CHECK(found != attributes.end());
    AttributeValue value{};
    if (spec.kind == AttributeKind::integer) value.integer = std::get<std::int64_t>(found->second);
    if (spec.kind == AttributeKind::real) value.real = std::get<double>(found->second);
    if (spec.kind == AttributeKind::text) {
      const auto text = std::make_shared<const std::string>(std::get<std::string>(found->second));
      value.text = text->c_str();
      owned_.push_back(text);
    }
    if (spec.kind == AttributeKind::program) {
      const auto program =
          std::make_shared<const FusedProgram>(parse_fused_program(std::get<std::string>(found->second)));
      value.program = program.get();
      owned_.push_back(program);
    }
    values_.push_back(value);
  }
}

}  // namespace lathe
