// Times of single steps inside the tests of measure.cc.
#include <algorithm>
#include <vector>

#include "api/model_implementation.h"
#include "api/step_work.h"
#include "base/error.h"

namespace lathe {
namespace {

/// Adds up what an observer is shown.
class Collector {
 public:
  Collector(const Plan& plan, StepProfile& profile) : plan_(plan), profile_(profile) {
    profile_.times.assign(plan.steps.size(), 0);
    profile_.work.assign(plan.steps.size(), {});
    profile_.profiles.assign(plan.steps.size(), -1);
  }

  void add(const StepReport& report) {
    ++profile_.runs;
    profile_.seconds += report.whole_seconds;
    for (const auto& part : report.parts) profile_.tokens += part.tokens;
    const int used = plan_.profile_for(report.symbols);
    for (std::size_t i = 0; i < report.seconds.size(); ++i) {
      if (report.seconds[i] <= 0) continue;
      profile_.times[i] += report.seconds[i];
      profile_.work[i] += step_work(plan_, plan_.steps[i], report.symbols, report.parts);
      profile_.profiles[i] = used;
    }
  }

 private:
  const Plan& plan_;
  StepProfile& profile_;
};

/// Observes until it is destroyed.
template <class Runner>
class Observation {
 public:
  Observation(Runner& runner, StepObserver observer) : runner_(runner) {
    runner_.observe(std::move(observer));
  }
  ~Observation() { runner_.observe(nullptr); }
  Observation(const Observation&) = delete;
  Observation& operator=(const Observation&) = delete;

 private:
  Runner& runner_;
};

void require_repeats(int repeats) {
  if (repeats < 1) throw Error(ErrorCode::invalid_argument, "a profile is of one run or more");
}

}  // namespace

StepProfile profile(ModelImplementation& model, int prompt, int generate, int depth, int sequences,
                    int repeats) {
  require_repeats(repeats);
  Engine& engine = model.engine();
  measure(model, prompt, generate, depth, sequences);  // warms caches, and refuses what does not fit
  StepProfile profile;
  profile.test = prompt > 0 ? "pp" + std::to_string(prompt) : "tg" + std::to_string(generate);
  Collector collector(*model.compiled().plan, profile);
  const auto counts = [&](const StepReport& report) {  // not what only fills the cache before the test
    return std::all_of(report.parts.begin(), report.parts.end(), [&](const SequencePart& part) {
      return generate > 0 ? part.tokens == 1 && part.past > depth : part.past >= depth;
    });
  };
  for (int i = 0; i < repeats; ++i) {
    profile.plain_seconds += measure(model, prompt, generate, depth, sequences).seconds;
    const Observation observation(engine, [&](const StepReport& report) {
      if (counts(report)) collector.add(report);
    });
    measure(model, prompt, generate, depth, sequences);
  }
  return profile;
}

StepProfile profile_embedding(ModelImplementation& model, int tokens, int texts, int repeats) {
  require_repeats(repeats);
  Encoder& encoder = model.encoder();
  measure_embedding(model, tokens, texts);
  StepProfile profile;
  profile.test = "emb" + std::to_string(tokens);
  Collector collector(*model.compiled().plan, profile);
  for (int i = 0; i < repeats; ++i) {
    profile.plain_seconds += measure_embedding(model, tokens, texts).seconds;
    const Observation observation(encoder, [&](const StepReport& report) { collector.add(report); });
    measure_embedding(model, tokens, texts);
  }
  return profile;
}

}  // namespace lathe
