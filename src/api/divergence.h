// A model's logits on a few hundred tokens, kept in memory so that many others can be held against them.
//
//   const KeptReference reference(logits_of(engine), text_chunks(tokenizer, text, 128, 4, "the text"));
//   const Moments divergence = reference.divergence(logits_of(candidate));   // .mean +- .error_of_mean
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "engine/engine.h"
#include "quant/error_measures.h"

namespace lathe {

using LogitsRow = std::function<void(std::int32_t position, std::span<const float> logits)>;

/// Whatever gives the logits of a sequence at every position from `first` on, in order.
using LogitsSource =
    std::function<void(std::span<const TokenId> ids, std::int32_t first, const LogitsRow& row)>;

/// The engine must last as long as its source.
LogitsSource logits_of(Engine& engine);

/// Throws Error(invalid_model) naming `model`, position and id where a logit is NaN or plus infinity.
void require_numbers(std::span<const float> logits, const std::string& model, std::int32_t position);

class KeptReference {
 public:
  /// Runs `reference` on every sequence, and keeps float32 logits of their positions from `first` on:
  /// 4 x vocabulary bytes for each. `threads` score rows later.
  KeptReference(const LogitsSource& reference, std::vector<std::vector<TokenId>> sequences,
                std::int32_t first = 0, int threads = 1);

  /// KL from the reference to `candidate` at each kept position, in order. Throws Error(invalid_argument)
  /// where its vocabulary has another size.
  std::vector<double> divergences(const LogitsSource& candidate) const;
  /// Mean, deviation, and error of the mean of these.
  Moments divergence(const LogitsSource& candidate) const { return moments(divergences(candidate)); }

  const std::vector<std::vector<TokenId>>& sequences() const { return sequences_; }
  std::uint64_t bytes() const { return logits_.size() * sizeof(float); }

 private:
  std::vector<std::vector<TokenId>> sequences_;
  std::int32_t first_;
  int threads_;
  std::size_t vocabulary_ = 0;
  std::vector<float> logits_;  // [positions, vocabulary]
};

}  // namespace lathe
