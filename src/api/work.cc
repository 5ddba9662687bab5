// Bytes and operations of a run of the plan, the sum of its steps'.
#include <vector>

#include "api/model_implementation.h"
#include "api/step_work.h"
#include "base/error.h"

namespace lathe {

Work count_work(const ModelImplementation& model, int tokens, int depth) {
  if (tokens < 1 || depth < 0)
    throw Error(ErrorCode::invalid_argument, "work is of one token or more, behind none or more");
  const Plan& plan = *model.compiled().plan;
  std::vector<std::int64_t> symbols;
  for (const auto& symbol : plan.symbols) symbols.push_back(symbol.name == "T" ? tokens : 1);
  const SequencePart part{depth, tokens};
  Work work;
  for (const auto& step : plan.steps) {
    const StepWork done = step_work(plan, step, symbols, {&part, 1});
    const bool is_attention = step.attributes.named().contains("window");
    if (step.op->name != "Gather") work.weight_bytes += done.weight_bytes;  // it reads a few rows alone
    if (is_attention) work.cache_bytes += done.cache_bytes;
    (is_attention ? work.attention_operations : work.matmul_operations) += done.operations();
  }
  return work;
}

}  // namespace lathe
