// What the scored positions of a text come to: a record of each, and the figures of them all.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "api/paired_logits.h"
#include "base/thread_pool.h"
#include "lathe/quantization.h"

namespace lathe {

struct PositionScore {
  bool has_next = false;  // the next token is in the chunk; otherwise both surprises are 0
  double surprise = 0;    // -ln of the next token's probability
  double reference_surprise = 0;
  double divergence = 0;
  bool same_top = false;
};

class TextScores {
 public:
  /// Names are for messages. `threads` share the rows of a window.
  TextScores(std::string model, std::string reference, int threads);

  /// Scores of the window's positions, of a chunk with these ids. Throws Error(invalid_model) naming the
  /// model whose logits are no numbers.
  void add(std::span<const TokenId> ids, const LogitsWindow& window, const LogitsWindow* reference = nullptr);

  std::span<const PositionScore> all() const { return scores_; }

 private:
  PositionScore score(std::span<const TokenId> ids, const LogitsWindow& window, const LogitsWindow* reference,
                      std::size_t row) const;

  std::string model_, reference_;
  ThreadPool pool_;
  std::vector<PositionScore> scores_;
};

/// exp of the mean surprise.
Figure perplexity(std::span<const PositionScore> scores);
TextDivergence divergence(std::span<const PositionScore> scores);

}  // namespace lathe
