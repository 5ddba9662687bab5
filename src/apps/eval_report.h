// What lathe eval prints.
#pragma once

#include <string>
#include <vector>

#include "lathe/quantization.h"

namespace lathe::apps {

/// A model's file without folders, and what it was computed with.
std::string label(const Evaluation& evaluation);

/// The blocks that llama-perplexity prints, with its names; of several models a table as well.
std::string to_text(const std::vector<Evaluation>& evaluations);

/// One object, or an array where there are several. Shares are parts of one, errors end in "_error".
std::string to_json(const std::vector<Evaluation>& evaluations);

}  // namespace lathe::apps
