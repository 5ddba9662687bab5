// Inputs and states for trial runs of a plan: a step as the engine would make it (backend/cache_layout.h),
// with plain numbers for everything else.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "backend/backend.h"
#include "compile/symbol_values.h"

namespace lathe {

/// Device buffers of states, shared by trial runs so that a large cache is made once.
using TrialStates = std::map<std::string, Buffer>;

class StepInputs {
 public:
  /// Room for and values of every binding. The T tokens are shared out among Q sequences whose pages fill
  /// the B entries; short ones have a past. Throws Error(invalid_argument) where the values describe no step:
  /// fewer pages than tokens.
  StepInputs(const Plan& plan, Backend& backend, const SymbolValues& values, TrialStates& states);

  void bind(ExecutionContext& context) const;

 private:
  std::vector<const Buffer*> buffers_;  // one for each binding
  std::vector<std::unique_ptr<Buffer>> owned_;
};

/// The bytes of one input; StepInputs' part that tests look at.
std::vector<std::byte> input_bytes(const Plan& plan, int binding, const SymbolValues& values);

}  // namespace lathe
