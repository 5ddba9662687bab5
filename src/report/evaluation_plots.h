// The plots of an evaluation's page; each returns one SVG, or a sentence where there is nothing to plot.
#pragma once

#include <string>
#include <vector>

#include "lathe/quantization.h"
#include "report/plot.h"

namespace lathe::report {

std::string kl_histogram(const Evaluation& evaluation);
std::string kl_by_position(const Evaluation& evaluation);
std::string kl_by_chunk(const Evaluation& evaluation);
std::string error_by_layer(const Comparison& tensors);
std::string error_against_size(const std::vector<EvaluationPart>& parts);

/// N of "blk.N.…"; -1 of other names.
int layer_of(const std::string& tensor);

}  // namespace lathe::report
