// Shape rule of FusedLinear: matrix products of one activation, and what is computed of them while they are
// in the cache.
#include "base/error.h"
#include "graph/fused_parts.h"
#include "graph/fused_program_text.h"
#include "graph/shape_check.h"
#include "graph/shape_rules.h"

namespace lathe::shape_rules {
namespace {

class Rule {
 public:
  Rule(Inputs inputs, const Node& node)
      : inputs_(inputs),
        check_(inputs, node, {"x"}),
        weights_(check_.integer("weights", 1, kMaxFusedWeights)),
        program_(program_of(node)) {}

  Types run() const {
    check_counts();
    check_.require_rank(0, 2);
    const bool codes = inputs_[0].dtype == Dtype::a8;
    if (!codes && inputs_[0].dtype != Dtype::bf16) check_.require_dtype(0, Dtype::f32);
    for (std::size_t i = 0; i < static_cast<std::size_t>(weights_); ++i) check_weight(i, codes);
    Types results(static_cast<std::size_t>(program_.outputs));
    const FusedParts parts = fused_parts(program_);
    for (std::int32_t p = 0; p < parts.count; ++p) infer_part(parts.part[p], results);
    return results;
  }

 private:
  FusedProgram program_of(const Node& node) const {
    try {
      return parse_fused_program(node.text("program"));
    } catch (const Error& error) {
      check_.fail(error.what());
    }
  }

  void check_counts() const {
    const auto inputs = static_cast<std::int64_t>(inputs_.size());
    if (program_.products != weights_)
      check_.fail("its program has " + std::to_string(program_.products) + " products, not " +
                  std::to_string(weights_));
    if (inputs != 1 + weights_ + program_.inputs)
      check_.fail("has " + std::to_string(inputs) + " inputs, and its weights and program need " +
                  std::to_string(1 + weights_ + program_.inputs));
    if (program_.reduces) check_.fail("its program reduces rows");
  }

  const ValueType& weight(std::size_t index) const { return inputs_[1 + index]; }

  void check_weight(std::size_t index, bool codes) const {
    const auto& type = weight(index);
    const std::string name = "w" + std::to_string(index);
    const bool fits = codes ? is_block_quantized(type.dtype) || is_packed_codes(type.dtype)
                            : is_float_factor(inputs_[0].dtype, type.dtype);
    if (!fits)
      check_.fail(name + " is " + to_string(type) + ", which " + std::string(info(inputs_[0].dtype).name) +
                  " is not multiplied with");
    if (type.dims.size() != 2 || type.dims[1] != check_.dim(0, 1))
      check_.fail(name + " is " + to_string(type) + ", not [rows, columns of x]");
  }

  void infer_part(const FusedPart& part, Types& results) const {
    if (part.products == 0) check_.fail("an output of its program has no product");
    const Dim* rows = nullptr;
    for (std::int32_t i = 0; i < program_.products; ++i) {
      if (!in_set(part.products, i)) continue;
      const Dim& found = weight(static_cast<std::size_t>(i)).dims[0];
      if (rows != nullptr && *rows != found)
        check_.fail("products of one output have " + to_string(*rows) + " and " + to_string(found) +
                    " columns");
      rows = &found;
    }
    const ValueType whole{Dtype::f32, {check_.dim(0, 0), *rows}};
    for (std::int32_t i = 0; i < program_.inputs; ++i)
      if (in_set(part.inputs, i)) check_extra(i, whole);
    for (std::int32_t i = 0; i < program_.outputs; ++i) {
      if (!in_set(part.outputs, i)) continue;
      auto& result = results[static_cast<std::size_t>(i)];
      result = whole;
      if (program_.quantized[i]) result.dtype = Dtype::a8;
      if (const auto problem = type_problem(result); !problem.empty())
        check_.fail("o" + std::to_string(i) + " " + problem);
    }
  }

  void check_extra(std::int32_t index, const ValueType& whole) const {
    const auto& type = inputs_[static_cast<std::size_t>(1 + weights_ + index)];
    const bool one_row = type.dims.size() == 1 && (type.dims[0] == whole.dims[1] || type.dims[0] == Dim(1));
    if (type.dtype != Dtype::f32 || (type.dims != whole.dims && !one_row))
      check_.fail("x" + std::to_string(index) + " is " + to_string(type) + ", not " + to_string(whole) +
                  ", one row or one number of it");
  }

  Inputs inputs_;
  ShapeCheck check_;
  std::int64_t weights_;
  FusedProgram program_;
};

}  // namespace

Types fused_linear(Inputs inputs, const Node& node) { return Rule(inputs, node).run(); }

}  // namespace lathe::shape_rules
