#include "api/plan_profiles.h"

#include <algorithm>
#include <map>
#include <string>

#include "backend/cache_layout.h"

namespace lathe {
namespace {

/// A kind of step: the tokens it may have, and what it typically has.
struct StepKind {
  const char* name;
  std::int64_t first_tokens;
  std::int64_t last_tokens;  // kLimit: as many as there may be
  std::int64_t tokens;
  std::int64_t sequences;
  std::int64_t context_tokens;  // of each sequence
  double weight;
};

constexpr std::int64_t kLimit = -1;

std::vector<ProfileRanges> profiles_of(std::span<const StepKind> kinds, std::span<const SymbolLimit> limits) {
  std::vector<ProfileRanges> profiles;
  for (const auto& kind : kinds) {
    const auto pages = (kind.context_tokens + kPageTokens - 1) / kPageTokens;
    const std::map<std::string, std::int64_t> typical = {{"T", kind.tokens},
                                                         {"Q", kind.sequences},
                                                         {"S", kind.sequences},
                                                         {"B", kind.sequences * pages},
                                                         {"P", kind.sequences * pages}};
    ProfileRanges profile;
    profile.name = kind.name;
    profile.weight = kind.weight;
    bool reached = true;
    for (const auto& limit : limits) {
      SymbolRange range{0, std::min(typical.at(limit.name), limit.maximum), limit.maximum};
      if (limit.name == "T") {
        reached = kind.first_tokens <= limit.maximum;
        range.minimum = kind.first_tokens;
        if (kind.last_tokens != kLimit) range.maximum = std::min(kind.last_tokens, limit.maximum);
      }
      profile.symbols.push_back(range);
    }
    if (reached) profiles.push_back(std::move(profile));
  }
  return profiles;
}

}  // namespace

std::vector<ProfileRanges> decoder_profiles(std::span<const SymbolLimit> limits) {
  // A request of 512 tokens whose answer has 128; one of eight comes with others.
  constexpr StepKind kKinds[] = {{"decode", 0, 1, 1, 1, 512, 128},
                                 {"batch", 2, 16, 8, 8, 512, 16},
                                 {"prefill", 17, kLimit, 512, 1, 512, 1}};
  return profiles_of(kKinds, limits);
}

std::vector<ProfileRanges> encoder_profiles(std::span<const SymbolLimit> limits) {
  constexpr StepKind kKinds[] = {{"query", 0, 64, 16, 1, 16, 4}, {"texts", 65, kLimit, 512, 4, 128, 1}};
  return profiles_of(kKinds, limits);
}

}  // namespace lathe
