// The sections "plan" and "weights" of a plan file: all of a Plan but the weights' bytes. docs/plan-format.md
// draws them.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "backend/backend.h"
#include "backend/plan.h"

namespace lathe {

/// A weight's entry in the table.
struct WeightRecord {
  WeightSource source;
  std::uint64_t offset = 0;  // in the file's last section, a multiple of kWeightAlignment
  std::uint64_t bytes = 0;
  std::uint64_t checksum = 0;  // XXH3-64; of stripped plans 0
};

std::string write_plan_section(const Plan& plan);
std::string write_weight_section(const std::vector<WeightRecord>& weights);

/// The plan without weights, its kernels found among `kernels` by name. Nothing but its form has been
/// checked. Throws Error(invalid_file) naming section and field, Error(unsupported) naming a kernel or an op
/// that there is not.
Plan read_plan_section(std::span<const std::byte> bytes, const std::string& file,
                       std::span<const Kernel> kernels);
std::vector<WeightRecord> read_weight_section(std::span<const std::byte> bytes, const std::string& file);

}  // namespace lathe
