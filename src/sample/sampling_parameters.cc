#include <string>

#include "base/error.h"
#include "sample/sampler.h"

namespace lathe {
namespace {

void require(bool holds, const char* field, const char* range) {
  if (!holds)
    throw Error(ErrorCode::invalid_argument, std::string(field) + " must be " + range,
                {{}, std::nullopt, field});
}

// Written so that NaN fails.
bool within(double value, double low, double high) { return value >= low && value <= high; }

}  // namespace

void validate(const SamplingParameters& p) {
  constexpr std::int32_t kMost = 1000000;
  require(p.temperature == 0.0 || within(p.temperature, 0.001, 100.0), "temperature", "0, or 0.001 to 100");
  require(p.top_k >= 0 && p.top_k <= kMost, "top_k", "0 to 1000000");
  require(within(p.top_p, 0.0, 1.0), "top_p", "0 to 1");
  require(within(p.min_p, 0.0, 1.0), "min_p", "0 to 1");
  require(within(p.repetition_penalty, 0.01, 100.0), "repetition_penalty", "0.01 to 100");
  require(within(p.presence_penalty, -100.0, 100.0), "presence_penalty", "-100 to 100");
  require(within(p.frequency_penalty, -100.0, 100.0), "frequency_penalty", "-100 to 100");
  require(p.penalty_window >= 0 && p.penalty_window <= kMost, "penalty_window", "0 to 1000000");
}

}  // namespace lathe
