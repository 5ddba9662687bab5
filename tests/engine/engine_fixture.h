// An engine on the toy device, and requests for it.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <random>

#include "backend/cache_layout.h"
#include "engine/engine.h"
#include "engine/toy_device.h"

namespace lathe::toy {

class EngineTest : public testing::Test {
 protected:
  void use(const EngineOptions& chosen) {
    options = chosen;
    engine.reset();
    device = std::make_shared<Device>();
    engine = std::make_unique<Engine>(options, make_plan(options), device);
  }

  std::vector<TokenId> random_tokens(std::size_t count) {
    std::vector<TokenId> tokens(count);
    for (auto& token : tokens) token = static_cast<TokenId>(random() % 290);
    return tokens;
  }

  /// Greedy.
  GenerationRequest request(std::vector<TokenId> prompt, std::int32_t max_tokens) {
    GenerationRequest result;
    result.prompt = std::move(prompt);
    result.max_tokens = max_tokens;
    return result;
  }

  /// What one request gives, started and collected at once.
  Answer answer(const GenerationRequest& wanted) {
    auto generation = engine->submit(wanted);
    const auto result = collect(*generation);
    times = generation->times();
    return result;
  }

  /// The greatest length of a sequence.
  std::int32_t context() const {
    if (options.cache.off || options.cache_tokens == 0) return options.context_tokens;
    return std::min(options.context_tokens,
                    (options.cache_tokens + kPageTokens - 1) / kPageTokens * kPageTokens);
  }

  std::mt19937_64 random{17};
  EngineOptions options;
  std::shared_ptr<Device> device;
  std::unique_ptr<Engine> engine;
  GenerationTimes times;
};

}  // namespace lathe::toy
