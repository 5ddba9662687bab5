// The precision of a network's layers: calibrated, measured layer by layer, chosen by time within a limit of
// the error, and held to that limit by running the whole.
#pragma once

#include "api/calibration_set.h"
#include "api/program_sharing.h"
#include "api/program_source.h"
#include "graph/graph.h"
#include "lathe/execute.h"

namespace lathe {

struct PrecisionChoice {
  Graph graph;  // behind the passes that fusion comes after, its layers in the types that were chosen
  Sizes sizes;  // the greatest of the samples and of the options
  PrecisionInspection report;
};

/// `source` as it was read, `samples` of its inputs. Throws Error naming option, file, layer or tensor.
PrecisionChoice choose_precision(const ProgramOptions& options, const ProgramSource& source,
                                 const CalibrationSet& samples, ProgramSharing& sharing);

}  // namespace lathe
